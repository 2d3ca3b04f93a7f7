package holdfast.bootstrap;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Follows one output and keeps what arrives. Checks what the protocol promises as it goes: every
 * frame begins exactly where the one before ended.
 */
final class WebSocketClient implements WebSocket.Listener, AutoCloseable {
  private final CompletableFuture<Integer> closed = new CompletableFuture<>();
  private final CompletableFuture<JsonObject> ended = new CompletableFuture<>();
  private final List<JsonObject> frames = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();
  private final ByteArrayOutputStream message = new ByteArrayOutputStream();
  private ByteArrayOutputStream output = new ByteArrayOutputStream();
  private long uncredited;
  private WebSocket socket;

  static WebSocketClient open(HttpClient http, URI server, String token)
      throws InterruptedException {
    var client = new WebSocketClient();
    URI address = URI.create("ws://" + server.getAuthority() + "/ws");
    try {
      client.socket =
          http.newWebSocketBuilder()
              .header("Authorization", "Bearer " + token)
              .subprotocols("holdfast.v1")
              .buildAsync(address, client)
              .get(10, TimeUnit.SECONDS);
      return client;
    } catch (ExecutionException | TimeoutException refused) {
      throw new AssertionError("no WebSocket at " + address, refused);
    }
  }

  /** Subscribes to a task's output behind what {@code already} holds, and appends to it. */
  void followOutput(String taskId, ByteArrayOutputStream already) {
    output = already;
    send(
        Json.createObjectBuilder()
            .add("type", "subscribe")
            .add("id", "o")
            .add("topic", "output")
            .add("taskId", taskId)
            .add("offset", already.size())
            .build());
  }

  void send(JsonObject frame) {
    socket.sendText(frame.toString(), true).join();
  }

  /** The close code, once the socket is closed; 1006 if it broke. */
  int awaitClose(Duration limit) throws InterruptedException {
    try {
      return closed.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException failure) {
      throw new AssertionError("not closed within " + limit, failure);
    }
  }

  /** The end frame of the output followed. */
  JsonObject awaitEnd(Duration limit) throws InterruptedException {
    try {
      return ended.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException failure) {
      throw new AssertionError("no end within " + limit + "; frames: " + frames(), failure);
    }
  }

  synchronized List<JsonObject> frames() {
    return List.copyOf(frames);
  }

  @Override
  public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
    text.append(data);
    if (last) {
      JsonObject frame = ApiClient.parse(text.toString());
      text.setLength(0);
      synchronized (this) {
        frames.add(frame);
      }
      if (frame.getString("type").equals("end")) {
        ended.complete(frame);
      }
    }
    webSocket.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onBinary(WebSocket webSocket, ByteBuffer data, boolean last) {
    while (data.hasRemaining()) {
      message.write(data.get());
    }
    if (last) {
      take(ByteBuffer.wrap(message.toByteArray()));
      message.reset();
    }
    webSocket.request(1);
    return null;
  }

  private void take(ByteBuffer frame) {
    byte version = frame.get();
    byte kind = frame.get();
    frame.getInt();
    long offset = frame.getLong();
    if (version != 1 || kind != 1 || offset != output.size()) {
      closed.completeExceptionally(
          new AssertionError("frame at " + offset + ", expected " + output.size()));
      ended.completeExceptionally(
          new AssertionError("frame at " + offset + ", expected " + output.size()));
      return;
    }
    uncredited += frame.remaining();
    var bytes = new byte[frame.remaining()];
    frame.get(bytes);
    output.write(bytes, 0, bytes.length);
    if (uncredited >= 256 * 1024) {
      send(
          Json.createObjectBuilder()
              .add("type", "credit")
              .add("id", "o")
              .add("bytes", uncredited)
              .build());
      uncredited = 0;
    }
  }

  @Override
  public CompletionStage<?> onClose(WebSocket webSocket, int code, String reason) {
    closed.complete(code);
    return null;
  }

  @Override
  public void onError(WebSocket webSocket, Throwable error) {
    closed.complete(1006);
  }

  @Override
  public void close() {
    socket.abort();
  }
}

package holdfast.bootstrap.resilience;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.StringReader;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One connection. What arrives waits, in order, until it is asked for; what the server may send at
 * once is bounded by its credit.
 */
final class LiveSocket implements WebSocket.Listener, AutoCloseable {
  private static final int BROKEN = 1006;

  private final BlockingQueue<Frame> arrived = new LinkedBlockingQueue<>();
  private final StringBuilder text = new StringBuilder();
  private final ByteArrayOutputStream binary = new ByteArrayOutputStream();
  private @Nullable WebSocket socket;

  /** What arrives. */
  sealed interface Frame {
    /** A text frame. */
    record Message(JsonObject json) implements Frame {}

    /** A piece of an output. */
    record Piece(long offset, ByteBuffer bytes) implements Frame {}

    /** The end of the connection. */
    record Closed(int code) implements Frame {}
  }

  void opened(WebSocket opened) {
    socket = opened;
  }

  /** Sends a frame; if the connection is broken, that is seen by what arrives. */
  void send(JsonObject frame) {
    WebSocket opened = socket;
    if (opened == null) {
      throw new IllegalStateException("not open yet");
    }
    try {
      opened.sendText(frame.toString(), true).join();
    } catch (CompletionException broken) {
      arrived.add(new Frame.Closed(BROKEN));
    }
  }

  /** What arrived next, or null if nothing does within {@code limit}. */
  @Nullable Frame next(Duration limit) throws InterruptedException {
    return arrived.poll(limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
    text.append(data);
    if (last) {
      try (var reader = Json.createReader(new StringReader(text.toString()))) {
        arrived.add(new Frame.Message(reader.readObject()));
      }
      text.setLength(0);
    }
    from.request(1);
    return null;
  }

  @Override
  public @Nullable CompletionStage<?> onBinary(WebSocket from, ByteBuffer data, boolean last) {
    var bytes = new byte[data.remaining()];
    data.get(bytes);
    binary.writeBytes(bytes);
    if (last) {
      arrived.add(piece(ByteBuffer.wrap(binary.toByteArray())));
      binary.reset();
    }
    from.request(1);
    return null;
  }

  /** u8 version, u8 kind, u32 channel, u64 offset, bytes. */
  private static Frame piece(ByteBuffer frame) {
    frame.position(6);
    return new Frame.Piece(frame.getLong(), frame.slice().asReadOnlyBuffer());
  }

  @Override
  public @Nullable CompletionStage<?> onClose(WebSocket from, int code, String reason) {
    arrived.add(new Frame.Closed(code));
    return null;
  }

  @Override
  public void onError(WebSocket from, Throwable error) {
    arrived.add(new Frame.Closed(BROKEN));
  }

  /** Drops the connection without a word. */
  @Override
  public void close() {
    WebSocket opened = socket;
    if (opened != null) {
      opened.abort();
    }
  }
}

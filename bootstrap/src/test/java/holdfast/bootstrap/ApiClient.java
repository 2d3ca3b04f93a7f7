package holdfast.bootstrap;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonValue;
import java.io.IOException;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.function.Predicate;

/** Speaks to a server over HTTP with its admin token. */
final class ApiClient {
  private static final HttpClient HTTP =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .build();
  private static final Set<String> TERMINAL =
      Set.of("SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELED", "LOST", "SKIPPED");

  private final URI server;
  private final String token;

  ApiClient(URI server, String token) {
    this.server = server;
    this.token = token;
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(server.resolve(path))
        .timeout(Duration.ofSeconds(30))
        .header("Authorization", "Bearer " + token);
  }

  HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    return HTTP.send(request, BodyHandlers.ofString());
  }

  JsonObject get(String path) throws IOException, InterruptedException {
    return expect(200, send(request(path).GET().build()));
  }

  byte[] bytes(String path) throws IOException, InterruptedException {
    return HTTP.send(request(path).GET().build(), BodyHandlers.ofByteArray()).body();
  }

  /** The whole output of a task's last attempt, as text. */
  String output(String id) throws IOException, InterruptedException {
    return new String(bytes("/api/tasks/" + id + "/output"), StandardCharsets.UTF_8);
  }

  HttpResponse<String> post(String path, String body) throws IOException, InterruptedException {
    return send(
        request(path)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build());
  }

  /** Submits and returns the new task's id. */
  String submit(String body) throws IOException, InterruptedException {
    return expect(201, post("/api/tasks", body)).getString("id");
  }

  JsonObject task(String id) throws IOException, InterruptedException {
    return get("/api/tasks/" + id);
  }

  /** Waits until a task is over and all that it wrote is in two files; what it is then. */
  JsonObject awaitSealed(String id) throws IOException, InterruptedException {
    awaitEnd(id);
    return await(id, ApiClient::isSealed, Duration.ofSeconds(30));
  }

  static boolean isSealed(JsonObject task) {
    return task.getJsonArray("attempts").stream()
        .map(JsonValue::asJsonObject)
        .allMatch(
            attempt ->
                attempt.getJsonObject("outputBytes").entrySet().stream()
                    .allMatch(entry -> isSealed(attempt, entry.getKey())));
  }

  private static boolean isSealed(JsonObject attempt, String stream) {
    JsonObject seal = attempt.getJsonObject("sealed").getJsonObject(stream);
    long sealed = seal == null ? 0 : seal.getJsonNumber("bytes").longValue();
    return attempt.getJsonObject("outputBytes").getJsonNumber(stream).longValue() == sealed;
  }

  /** Waits until the task is over and returns it. */
  JsonObject awaitEnd(String id) throws IOException, InterruptedException {
    return await(id, task -> TERMINAL.contains(task.getString("state")), Duration.ofSeconds(60));
  }

  JsonObject await(String id, Predicate<JsonObject> wanted, Duration limit)
      throws IOException, InterruptedException {
    return Await.until(() -> task(id), wanted, limit);
  }

  WebSocketClient follow() throws InterruptedException {
    return WebSocketClient.open(HTTP, server, token);
  }

  static JsonObject expect(int status, HttpResponse<String> response) {
    if (response.statusCode() != status) {
      throw new AssertionError(
          "expected " + status + ", got " + response.statusCode() + ": " + response.body());
    }
    return parse(response.body());
  }

  static JsonObject parse(String text) {
    try (var reader = Json.createReader(new StringReader(text))) {
      return reader.readObject();
    }
  }
}

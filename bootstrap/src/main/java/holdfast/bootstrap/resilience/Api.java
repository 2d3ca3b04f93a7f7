package holdfast.bootstrap.resilience;

import jakarta.json.Json;
import jakarta.json.JsonException;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
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
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Speaks to one server over HTTP. */
final class Api {
  private static final Duration CONNECT_MAX = Duration.ofSeconds(5);
  private static final Duration ANSWER_MAX = Duration.ofSeconds(30);
  private static final Set<String> OVER =
      Set.of("SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELED", "LOST", "SKIPPED");
  private static final HttpClient HTTP =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT_MAX)
          .build();

  private final URI server;
  private final @Nullable String token;

  /** An answer. */
  record Reply(String call, int status, String body) {

    /** The body, if the status is the one that is promised. */
    JsonObject expect(int promised) {
      if (status != promised) {
        throw new BrokenPromiseException(
            call + ": expected " + promised + ", got " + status + " " + Checks.shortened(body));
      }
      return body.isEmpty() ? JsonObject.EMPTY_JSON_OBJECT : json();
    }

    JsonObject json() {
      try (var reader = Json.createReader(new StringReader(body))) {
        return reader.readObject();
      } catch (JsonException none) {
        throw new BrokenPromiseException(call + ": no JSON object: " + Checks.shortened(body));
      }
    }
  }

  /**
   * @param token null to come without any
   */
  Api(URI server, @Nullable String token) {
    this.server = server;
    this.token = token;
  }

  /** The same server without a token. */
  Api anonymous() {
    return new Api(server, null);
  }

  private HttpRequest.Builder request(String path) {
    var builder = HttpRequest.newBuilder(server.resolve(path)).timeout(ANSWER_MAX);
    return token == null ? builder : builder.header("Authorization", "Bearer " + token);
  }

  /**
   * @param headers name, value, name, value
   */
  Reply send(String method, String path, @Nullable String body, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request = request(path);
    if (body == null) {
      request.method(method, BodyPublishers.noBody());
    } else {
      request
          .header("Content-Type", "application/json")
          .method(method, BodyPublishers.ofString(body));
    }
    if (headers.length > 0) {
      request.headers(headers);
    }
    HttpResponse<String> response =
        HTTP.send(request.build(), BodyHandlers.ofString(StandardCharsets.UTF_8));
    return new Reply(method + " " + path, response.statusCode(), response.body());
  }

  JsonObject get(String path) throws IOException, InterruptedException {
    return send("GET", path, null).expect(200);
  }

  Reply post(String path, String body) throws IOException, InterruptedException {
    return send("POST", path, body);
  }

  /** Submits; the new task's id. */
  String submit(JsonObjectBuilder task) throws IOException, InterruptedException {
    return post("/api/tasks", task.build().toString()).expect(201).getString("id");
  }

  JsonObject task(String id) throws IOException, InterruptedException {
    return get("/api/tasks/" + id);
  }

  String state(String id) throws IOException, InterruptedException {
    return task(id).getString("state");
  }

  JsonObject await(String id, String what, Predicate<JsonObject> wanted)
      throws IOException, InterruptedException {
    return Wait.until(what, () -> task(id), wanted);
  }

  JsonObject awaitRunning(String id) throws IOException, InterruptedException {
    return await(
        id,
        "a task that runs",
        task ->
            task.getString("state").equals("RUNNING")
                && !attempt(task).isNull("process")
                && attempt(task).getJsonObject("process").getInt("pid") > 0);
  }

  JsonObject awaitOver(String id) throws IOException, InterruptedException {
    return await(id, "a task that is over", task -> OVER.contains(task.getString("state")));
  }

  /** The whole output of the last attempt. */
  byte[] output(String id) throws IOException, InterruptedException {
    String path = "/api/tasks/" + id + "/output";
    HttpResponse<byte[]> answer = HTTP.send(request(path).build(), BodyHandlers.ofByteArray());
    if (answer.statusCode() != 200) {
      throw new BrokenPromiseException(
          "GET " + path + ": expected 200, got " + answer.statusCode());
    }
    return answer.body();
  }

  /** What the last start has found out about one task. */
  JsonObject verdict(JsonObject report, String id) {
    return report.getJsonArray("tasks").getValuesAs(JsonObject.class).stream()
        .filter(verdict -> verdict.getString("id").equals(id))
        .findFirst()
        .orElseThrow(
            () -> new BrokenPromiseException("the recovery report has no verdict for task " + id));
  }

  LiveSocket follow() throws IOException, InterruptedException {
    String scheme = "https".equals(server.getScheme()) ? "wss" : "ws";
    URI address = URI.create(scheme + "://" + server.getAuthority() + "/ws");
    var builder =
        HTTP.newWebSocketBuilder().subprotocols("holdfast.v1").connectTimeout(CONNECT_MAX);
    if (token != null) {
      builder.header("Authorization", "Bearer " + token);
    }
    var listener = new LiveSocket();
    try {
      listener.opened(
          builder.buildAsync(address, listener).get(ANSWER_MAX.toMillis(), TimeUnit.MILLISECONDS));
      return listener;
    } catch (ExecutionException | TimeoutException refused) {
      throw new IOException("no WebSocket at " + address + ": " + refused.getMessage(), refused);
    }
  }

  /** The last attempt of a task that has one. */
  static JsonObject attempt(JsonObject task) {
    var attempts = task.getJsonArray("attempts");
    return attempts.isEmpty()
        ? JsonObject.EMPTY_JSON_OBJECT
        : attempts.getJsonObject(attempts.size() - 1);
  }

  /** The process of the last attempt. */
  static Pid pid(JsonObject task) {
    JsonObject process = attempt(task).getJsonObject("process");
    return new Pid(process.getJsonNumber("pid").longValue(), process.getString("startTime"));
  }

  /** A process, which is another if its start time is. */
  record Pid(long pid, String startTime) {}

  /** A task to submit that runs a shell script; {@code arguments} are its $1, $2 and so on. */
  static JsonObjectBuilder shell(String title, String script, String... arguments) {
    var command = Json.createArrayBuilder(List.of("/bin/sh", "-c", script, "resilience"));
    List.of(arguments).forEach(command::add);
    return Json.createObjectBuilder().add("title", title).add("command", command);
  }

  /** A task to submit that waits for its release. */
  static JsonObjectBuilder held(String title) {
    return shell(title, "true").add("hold", true);
  }
}

package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is secret goes to the task and to the files that a restart needs, and nowhere else: a server
 * is driven through everything it answers, killed, and started again.
 */
class SecretsEndToEndTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  /** Occurs in every secret, and in nothing else. */
  private static final String HUSH = "Zq7Hush";

  private static final Map<String, String> SECRETS = secrets();

  /** Tells that it got all of them without telling any, and runs until a file is there. */
  private static final String COMMAND =
      "printf '%s' \"$API_TOKEN$db_pwd$DATABASE_URL$X_KEY_FILE$smtpPass$CONNECTION$PEM$GH\""
          + " | sha256sum; echo \"$HOLDFAST_TASK_TOKEN\"; while [ ! -e \"$0\" ]; do sleep 0.05; done";

  @TempDir Path scratch;

  /** Everything the server has said to anybody. */
  private final List<String> said = new ArrayList<>();

  private static Map<String, String> secrets() {
    var secrets = new LinkedHashMap<String, String>();
    secrets.put("API_TOKEN", HUSH + 1);
    secrets.put("db_pwd", HUSH + 2);
    secrets.put("DATABASE_URL", "postgres://me:" + HUSH + "3@db.example/x");
    secrets.put("X_KEY_FILE", HUSH + 4);
    secrets.put("smtpPass", HUSH + 5);
    secrets.put("CONNECTION", "Server=db;Uid=me;Pwd=" + HUSH + 6);
    secrets.put("PEM", "-----BEGIN RSA PRIVATE KEY-----\n" + HUSH + 7);
    secrets.put("GH", "ghp_" + HUSH + "0123456789abcdef");
    return secrets;
  }

  private Path data() {
    return scratch.resolve("data");
  }

  /** Whatever the umask of whoever starts it. */
  private PackagedServer start() throws IOException {
    return PackagedServer.startBy(
        List.of("sh", "-c", "umask 0; exec \"$@\"", "sh"), data(), "--log-flush", "PT0.05S");
  }

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(data());
  }

  private static JsonObjectBuilder body(Path until) {
    JsonObjectBuilder env = Json.createObjectBuilder().add("PLAIN", "for all to see");
    SECRETS.forEach(env::add);
    JsonArrayBuilder command = Json.createArrayBuilder().add("sh").add("-c").add(COMMAND);
    return Json.createObjectBuilder().add("command", command.add(until.toString())).add("env", env);
  }

  private HttpResponse<String> call(ApiClient api, String method, String path, String body)
      throws Exception {
    HttpRequest.Builder request =
        api.request(path)
            .method(
                method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
            .header("If-Match", "*");
    if (!body.isEmpty()) {
      request.header("Content-Type", "application/json");
    }
    HttpResponse<String> response = api.send(request.build());
    said.add(method + " " + path + " " + response.headers().map() + " " + response.body());
    return response;
  }

  private JsonObject ok(ApiClient api, String method, String path, String body) throws Exception {
    HttpResponse<String> response = call(api, method, path, body);
    assertTrue(response.statusCode() / 100 == 2, response.statusCode() + ": " + response.body());
    return response.body().startsWith("{") ? ApiClient.parse(response.body()) : null;
  }

  @Test
  void secretsReachTheTaskAndNobodyElseAlsoAcrossAKill() throws Exception {
    Path until = scratch.resolve("until");
    String running;
    String held;
    try (PackagedServer server = start()) {
      ApiClient api = server.client();
      try (WebSocketClient socket = api.follow()) {
        subscribe(socket);
        running = ok(api, "POST", "/api/tasks", body(until).build().toString()).getString("id");
        held = submitOver(socket, body(until).add("hold", true).build());
        api.await(running, task -> task.getString("state").equals("RUNNING"), LIMIT);
        refuseBadInput(api, held);
        edit(api, held);
        restoreDry(api, held);
        everyRoute(api, running);
        awaitHistory(socket, held);
        said.add(socket.frames().toString());
      }
      server.kill();
    }
    var offline =
        PackagedCommand.run("recover", "--dry-run", "--json", "--data-dir", data().toString());
    assertEquals(0, offline.exit(), offline.err());
    said.add(offline.out() + offline.err());
    try (PackagedServer server = start()) {
      ApiClient api = server.client();
      ok(api, "POST", "/api/tasks/" + held + "/release", "");
      everyRoute(api, held);
      lesserTokensReachWhatTheyAreFor(server, running, until, data().resolve("token.read"));
      api.awaitEnd(held);
      ok(api, "POST", "/api/tasks/" + held + "/retry", "");
      api.await(held, task -> task.getJsonArray("attempts").size() == 2, LIMIT);
      assertEquals("SUCCEEDED", api.awaitEnd(held).getString("state"));
      assertEquals(digestOfAll(), api.output(running).substring(0, 64));
      assertEquals(digestOfAll(), api.output(held).substring(0, 64), "after a kill and a retry");
      everyRoute(api, held);
      assertEquals(0, server.terminate());
    }
    assertSecretsStayed(held);
    assertOwnersOnly();
  }

  private static void subscribe(WebSocketClient socket) {
    for (String topic : List.of("tasks", "initiatives", "logs")) {
      socket.send(
          Json.createObjectBuilder()
              .add("type", "subscribe")
              .add("id", topic)
              .add("topic", topic)
              .build());
    }
  }

  private static String submitOver(WebSocketClient socket, JsonObject body) throws Exception {
    socket.send(
        Json.createObjectBuilder()
            .add("type", "command")
            .add("id", "c")
            .add("action", "submit")
            .add("body", body)
            .build());
    JsonObject result = await(socket, frame -> frame.getString("type").equals("result"));
    assertEquals(201, result.getInt("status"), result.toString());
    return result.getJsonObject("body").getString("id");
  }

  private static JsonObject await(WebSocketClient socket, Predicate<JsonObject> wanted)
      throws Exception {
    return Await.until(
        () ->
            socket.frames().stream()
                .filter(wanted)
                .findFirst()
                .orElse(JsonObject.EMPTY_JSON_OBJECT),
        frame -> !frame.isEmpty(),
        LIMIT);
  }

  /** The log of the held task's edits has been followed, so that the frames looked at have it. */
  private static void awaitHistory(WebSocketClient socket, String held) throws Exception {
    await(
        socket,
        frame ->
            frame.getString("type").equals("event")
                && frame.getString("id").equals("logs")
                && frame.getString("cause").equals("sync-conflict"));
    assertTrue(socket.frames().toString().contains(held));
  }

  /** Marks are refused wherever they come back, and no refusal repeats what it refuses. */
  private void refuseBadInput(ApiClient api, String id) throws Exception {
    String task = "/api/tasks/" + id;
    JsonObject shown = ok(api, "GET", task, "");
    assertEquals("for all to see", shown.getJsonObject("env").getString("PLAIN"));
    for (String name : SECRETS.keySet()) {
      assertEquals("[redacted]", shown.getJsonObject("env").getString(name), name);
      String mark = "{\"env\":{\"" + name + "\":\"[redacted]\"}}";
      HttpResponse<String> refused = call(api, "PATCH", task, mark);
      assertEquals(400, refused.statusCode(), refused.body());
      assertTrue(refused.body().contains("send the value itself"), refused.body());
    }
    String back =
        Json.createObjectBuilder()
            .add("command", shown.get("command"))
            .add("env", shown.get("env"))
            .build()
            .toString();
    assertEquals(400, call(api, "POST", "/api/tasks", back).statusCode());
    String value = HUSH + 9;
    for (String env :
        List.of(
            "{\"A_TOKEN\":[\"" + value + "\"]}",
            "{\"A_TOKEN\":\"" + value + "\\u0000\"}",
            "{\"HOLDFAST_TOKEN\":\"" + value + "\"}",
            "{\"A=TOKEN\":\"" + value + "\"}",
            "{\"A_TOKEN\":\"" + value.repeat(40_000) + "\"}",
            "{\"A_TOKEN\":\"" + value + "\",\"A_TOKEN\":\"" + value + "\"}",
            "{\"A_TOKEN\":" + value + "}",
            "\"A_TOKEN=" + value + "\"")) {
      assertEquals(400, call(api, "PATCH", task, "{\"env\":" + env + "}").statusCode(), env);
      assertEquals(
          400,
          call(api, "POST", "/api/tasks", "{\"command\":[\"a\"],\"env\":" + env + "}")
              .statusCode());
    }
  }

  /** Edits of the state file: one that is taken over, one that cannot be read, one refused. */
  private void edit(ApiClient api, String id) throws Exception {
    ok(api, "PATCH", "/api/tasks/" + id, "{\"title\":\"patched\"}");
    ok(api, "POST", "/api/sync/force", "");
    Path file = data().resolve("state/tasks/" + id.substring(0, 2) + "/" + id + ".json");
    String sound = Files.readString(file);
    assertTrue(sound.contains(HUSH + 1), "the test can find what there is");
    Files.writeString(file, sound.replace("\"" + HUSH + 1 + "\"", HUSH + 1));
    ok(api, "POST", "/api/sync/force", "");
    Files.writeString(file, sound.replace("\"" + HUSH + 1 + "\"", "\"[redacted]\""));
    ok(api, "POST", "/api/sync/force", "");
    Files.writeString(file, sound.replace("\"patched\"", "\"edited\""));
    ok(api, "POST", "/api/sync/force", "");
    assertEquals("edited", ok(api, "GET", "/api/tasks/" + id, "").getString("title"));
    JsonObject conflicts = ok(api, "GET", "/api/sync/conflicts", "");
    List<JsonObject> items = conflicts.getJsonArray("items").getValuesAs(JsonObject.class);
    assertEquals(3, items.size(), conflicts.toString());
    assertFalse(items.getFirst().isNull("persistent"));
    call(
        api,
        "POST",
        "/api/sync/conflicts/" + items.getFirst().getString("id") + "/resolve",
        "{\"keep\":\"memory\"}");
  }

  private void restoreDry(ApiClient api, String id) throws Exception {
    String snapshot = ok(api, "POST", "/api/snapshots", "").getString("id");
    ok(api, "PATCH", "/api/tasks/" + id, "{\"env\":{\"API_TOKEN\":\"" + HUSH + "0\"}}");
    JsonObject diff = ok(api, "POST", "/api/snapshots/" + snapshot + "/restore?dryRun=true", "{}");
    assertEquals(1, diff.getJsonObject("changed").getInt("count"), diff.toString());
    JsonObjectBuilder env = Json.createObjectBuilder();
    SECRETS.forEach(env::add);
    String again = Json.createObjectBuilder().add("env", env).build().toString();
    ok(api, "PATCH", "/api/tasks/" + id, again);
    call(api, "POST", "/api/snapshots/" + snapshot + "/verify", "{}");
  }

  private void everyRoute(ApiClient api, String id) throws Exception {
    for (String path :
        List.of(
            "/api/tasks",
            "/api/tasks?q=" + HUSH,
            "/api/tasks/" + id,
            "/api/tasks/" + id + "/events",
            "/api/tasks/" + id + "/output",
            "/api/initiatives",
            "/api/sync",
            "/api/sync/conflicts",
            "/api/snapshots",
            "/api/recovery",
            "/api/recovery/reports",
            "/api/logs?limit=1000",
            "/api/logs?q=" + HUSH,
            "/api/health",
            "/metrics")) {
      assertEquals(200, call(api, "GET", path, "").statusCode(), path);
    }
    ok(api, "POST", "/api/shutdown?preview=true", "");
    assertEquals(404, call(api, "GET", "/api/tasks/" + "0".repeat(20), "").statusCode());
  }

  private static String digestOfAll() throws Exception {
    byte[] all = String.join("", SECRETS.values()).getBytes(StandardCharsets.UTF_8);
    return java.util.HexFormat.of()
        .formatHex(java.security.MessageDigest.getInstance("SHA-256").digest(all));
  }

  private void assertSecretsStayed(String held) throws IOException {
    said.replaceAll(text -> text.replace("?q=" + HUSH, "?q="));
    said.add(PackagedServer.stderr(data()));
    try (Stream<Path> logs = Files.walk(data().resolve("logs"))) {
      for (Path log : logs.filter(Files::isRegularFile).toList()) {
        said.add(log + ": " + Files.readString(log));
      }
    }
    var secrets = new ArrayList<>(List.of(HUSH));
    for (String token : List.of("token", "token.read", "token.key")) {
      secrets.add(Files.readString(data().resolve(token)).strip());
    }
    assertTrue(said.size() > 80 && said.toString().contains(held), "something was looked at");
    for (String secret : secrets) {
      said.stream()
          .filter(text -> text.contains(secret))
          .findFirst()
          .ifPresent(
              text -> {
                int at = text.indexOf(secret);
                throw new AssertionError(
                    text.substring(Math.max(0, at - 500), Math.min(text.length(), at + 100)));
              });
    }
  }

  /** Whatever the umask, nothing below the data directory is for others. */
  private void assertOwnersOnly() throws IOException {
    try (Stream<Path> all = Files.walk(data())) {
      for (Path path : all.toList()) {
        String mode =
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS));
        boolean isProgram = path.getParent().endsWith("monitor");
        String wanted = Files.isDirectory(path) || isProgram ? "rwx------" : "rw-------";
        assertEquals(wanted, mode, path.toString());
      }
    }
  }

  /** A task's token holds across a kill, and dies with its run. */
  private static void lesserTokensReachWhatTheyAreFor(
      PackagedServer server, String id, Path until, Path readToken) throws Exception {
    ApiClient api = server.client();
    String token = api.output(id).lines().skip(1).findFirst().orElseThrow();
    var own = new ApiClient(server.address(), token);
    assertEquals("RUNNING", own.task(id).getString("state"), "adopted, with the same token");
    assertEquals(403, own.send(own.request("/api/tasks").GET().build()).statusCode());
    assertEquals(403, own.post("/api/tasks/" + id + "/stop", "").statusCode());
    var reader = new ApiClient(server.address(), Files.readString(readToken).strip());
    assertEquals(2, reader.get("/api/tasks").getJsonArray("items").size());
    assertEquals(403, reader.post("/api/tasks", "{\"command\":[\"a\"]}").statusCode());
    Files.createFile(until);
    api.awaitEnd(id);
    assertEquals(401, own.send(own.request("/api/tasks/" + id).GET().build()).statusCode());
  }
}

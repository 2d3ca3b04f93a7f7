package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObject;
import jakarta.json.JsonObjectBuilder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a user sees of tasks when the server is killed under them and started again. */
class RestartEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path scratch;

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch.resolve("data"));
  }

  @Test
  void aBuildOutlivesTheServerAndItsFollowerMissesNoByte() throws Exception {
    Path data = scratch.resolve("data");
    var received = new ByteArrayOutputStream();
    String id;
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      id = api.submit(compilerRun(scratch));
      try (WebSocketClient follower = api.follow()) {
        follower.followOutput(id, received);
        Await.until(received::size, size -> size > 2_000, PATIENCE);
        server.kill();
        follower.awaitClose(PATIENCE);
      }
    }
    int before = received.size();
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      JsonObject verdict = verdict(api, id);
      assertEquals("ADOPTED", verdict.getString("verdict"), verdict.toString());
      assertFalse(verdict.getJsonArray("evidence").isEmpty(), "evidence is part of a verdict");
      try (WebSocketClient follower = api.follow()) {
        follower.followOutput(id, received);
        JsonObject end = follower.awaitEnd(PATIENCE);
        assertEquals(received.size(), end.getJsonNumber("offset").longValue());
      }
      JsonObject task = api.awaitEnd(id);
      assertEquals("SUCCEEDED", task.getString("state"), task.toString());
      assertEquals(
          1, task.getJsonArray("attempts").getJsonObject(0).getInt("recoveries"), "adopted once");
      assertTrue(received.size() > before, "the build went on while the server was down");
      byte[] served = api.bytes("/api/tasks/" + id + "/output");
      byte[] onDisk = Files.readAllBytes(find(data, "output.log"));
      assertEquals(sha256(onDisk), sha256(received.toByteArray()));
      assertArrayEquals(onDisk, served);
      assertEquals(0, server.terminate());
    }
  }

  /** A real build: the compiler, over the sources of this project, in several rounds. */
  private static String compilerRun(Path scratch) throws IOException {
    Path sources = Path.of("..", "domain", "src", "main", "java").toAbsolutePath().normalize();
    Path javac = Path.of(System.getProperty("java.home"), "bin", "javac");
    Path out = Files.createDirectories(scratch.resolve("classes"));
    String script =
        "set -e; for round in 1 2 3 4 5 6; do echo \"round $round\";"
            + " find \"$1\" -name '*.java' ! -name module-info.java | sort > \"$3/sources\";"
            + " cat \"$3/sources\";"
            + " \"$2\" -proc:none -implicit:none -Xlint:none -d \"$3\" -cp \"$4\" \"@$3/sources\";"
            + " done; echo done";
    return command(
        "bash",
        "-c",
        script,
        "build",
        sources.toString(),
        javac.toString(),
        out.toString(),
        System.getProperty("java.class.path"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"dash", "bash"})
  void outputGoesOnAtTheExactByteInEitherShell(String shell) throws Exception {
    assumeTrue(onPath(shell), shell + " is not installed");
    Path data = scratch.resolve("data");
    Path go = scratch.resolve("go");
    // However long the restart takes, it is not over then.
    String script =
        "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; sleep 0.01;"
            + " if [ $i -eq 300 ]; then while [ ! -e "
            + go
            + " ]; do sleep 0.05; done; fi; done; exit 7";
    String id;
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      id = api.submit(command(shell, "-c", script));
      String output = "/api/tasks/" + id + "/output";
      Await.until(() -> api.bytes(output).length, length -> length > 200, PATIENCE);
      server.kill();
    }
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      assertEquals("ADOPTED", verdict(api, id).getString("verdict"));
      Files.createFile(go);
      JsonObject task = api.awaitEnd(id);
      assertEquals("FAILED", task.getString("state"));
      assertEquals(7, task.getJsonObject("outcome").getInt("exitCode"));
      var expected = new StringBuilder();
      for (int i = 1; i <= 400; i++) {
        expected.append("line ").append(i).append('\n');
      }
      assertEquals(expected.toString(), api.output(id));
    }
  }

  @Test
  void theExitCodeIsKnownAlthoughTheTaskEndedWhileTheServerWasDown() throws Exception {
    Path data = scratch.resolve("data");
    Path go = scratch.resolve("go");
    String id;
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      id = api.submit(waitFor(go, "exit 42"));
      running(api, id);
      server.kill();
      Files.createFile(go);
      Path exit = find(data, "exit");
      Await.until(() -> Files.readString(exit), text -> text.contains("end"), PATIENCE);
    }
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      assertEquals("EXITED_WHILE_DOWN", verdict(api, id).getString("verdict"));
      JsonObject task = api.task(id);
      assertEquals("FAILED", task.getString("state"));
      assertEquals(42, task.getJsonObject("outcome").getInt("exitCode"));
    }
  }

  @Test
  void aProcessKilledWhileTheServerWasDownIsNeverASuccess() throws Exception {
    Path data = scratch.resolve("data");
    String id;
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      id = api.submit(command("sleep", "600"));
      long pid = pid(running(api, id));
      server.kill();
      ProcessHandle victim = ProcessHandle.of(pid).orElseThrow();
      victim.destroyForcibly();
      Await.until(victim::isAlive, alive -> !alive, PATIENCE);
    }
    try (PackagedServer server = PackagedServer.start(data)) {
      JsonObject task = server.client().awaitEnd(id);
      JsonObject outcome = task.getJsonObject("outcome");
      assertEquals("FAILED", task.getString("state"), task.toString());
      assertEquals("SIGNALED", outcome.getString("kind"));
      assertEquals(9, outcome.getInt("signal"));
    }
  }

  @Test
  void aTaskWhoseMonitorDiedTooIsLostWithAReason() throws Exception {
    Path data = scratch.resolve("data");
    String id = taskKilledWithItsServerAndMonitor(data).id();
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      JsonObject task = api.awaitEnd(id);
      assertEquals("LOST", task.getString("state"), task.toString());
      assertEquals("UNKNOWN", task.getJsonObject("outcome").getString("kind"));
      assertEquals("LOST", verdict(api, id).getString("verdict"));
    }
  }

  @Test
  void aForgedProcessFileGetsNobodySignalled() throws Exception {
    Path data = scratch.resolve("data");
    Process stranger = new ProcessBuilder("sleep", "600").start();
    try {
      Killed killed = taskKilledWithItsServerAndMonitor(data);
      Path record = find(data, "process");
      String forged =
          Files.readString(record)
              .replaceFirst("\\b" + killed.pid() + "\\b", String.valueOf(stranger.pid()));
      assertNotEquals(forged, Files.readString(record), "the record names the pid");
      Files.writeString(record, forged);
      try (PackagedServer server = PackagedServer.start(data)) {
        ApiClient api = server.client();
        HttpResponse<String> kill = api.post("/api/tasks/" + killed.id() + "/kill", "{}");
        assertTrue(kill.statusCode() == 409 || kill.statusCode() == 202, kill.body());
        assertEquals("LOST", api.awaitEnd(killed.id()).getString("state"));
        assertTrue(stranger.isAlive(), "a stranger was signalled");
      }
    } finally {
      stranger.destroyForcibly();
    }
  }

  /** A task of which nothing lives any more. */
  private record Killed(String id, long pid) {}

  private static Killed taskKilledWithItsServerAndMonitor(Path data) throws Exception {
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      String id = api.submit(command("sleep", "600"));
      long pid = pid(running(api, id));
      server.kill();
      ProcessHandle victim = ProcessHandle.of(pid).orElseThrow();
      victim.parent().orElseThrow().destroyForcibly();
      victim.destroyForcibly();
      Await.until(victim::isAlive, alive -> !alive, PATIENCE);
      return new Killed(id, pid);
    }
  }

  @Test
  void stopAndInputWorkOnAnAdoptedTask() throws Exception {
    Path data = scratch.resolve("data");
    String reader;
    String sleeper;
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      reader = api.submit(withStdin(command("cat")));
      sleeper = api.submit(command("bash", "-c", "sleep 600 & sleep 600"));
      running(api, reader);
      running(api, sleeper);
      input(api, reader, "before\n", false);
      server.kill();
    }
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      input(api, reader, "after\n", true);
      assertEquals("SUCCEEDED", api.awaitEnd(reader).getString("state"));
      assertEquals("before\nafter\n", api.output(reader));
      ApiClient.expect(202, api.post("/api/tasks/" + sleeper + "/stop", "{}"));
      JsonObject stopped = api.awaitEnd(sleeper);
      assertEquals("CANCELED", stopped.getString("state"));
      assertEquals("SIGTERM", stopped.getJsonObject("outcome").getString("signalName"));
    }
  }

  @Test
  void anIdempotencyKeySurvivesACrash() throws Exception {
    Path data = scratch.resolve("data");
    String body = "{\"command\":[\"true\"],\"hold\":true}";
    String first;
    try (PackagedServer server = PackagedServer.start(data)) {
      first = keyed(server.client(), body).getString("id");
      server.kill();
    }
    try (PackagedServer server = PackagedServer.start(data)) {
      assertEquals(first, keyed(server.client(), body).getString("id"));
      JsonObject tasks = server.client().get("/api/tasks");
      assertEquals(1, tasks.getJsonArray("items").size());
    }
  }

  private static JsonObject keyed(ApiClient api, String body) throws Exception {
    return ApiClient.expect(
        201,
        api.send(
            api.request("/api/tasks")
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", "the-same")
                .POST(BodyPublishers.ofString(body))
                .build()));
  }

  private static void input(ApiClient api, String id, String text, boolean end) throws Exception {
    HttpResponse<String> answer =
        api.send(
            api.request("/api/tasks/" + id + "/input" + (end ? "?end=true" : ""))
                .POST(BodyPublishers.ofString(text))
                .build());
    assertEquals(204, answer.statusCode(), answer.body());
  }

  static JsonObject running(ApiClient api, String id) throws Exception {
    return api.await(id, task -> task.getString("state").equals("RUNNING"), PATIENCE);
  }

  static long pid(JsonObject task) {
    return task.getJsonArray("attempts")
        .getJsonObject(0)
        .getJsonObject("process")
        .getJsonNumber("pid")
        .longValue();
  }

  static JsonObject verdict(ApiClient api, String id) throws Exception {
    JsonObject report = api.get("/api/recovery");
    return report.getJsonArray("tasks").getValuesAs(JsonObject.class).stream()
        .filter(task -> task.getString("id").equals(id))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no verdict for " + id + " in " + report));
  }

  private static String waitFor(Path file, String then) {
    return command(
        "bash",
        "-c",
        "while [ ! -e \"$1\" ]; do sleep 0.02; done; " + then,
        "wait",
        file.toString());
  }

  static String command(String... words) {
    JsonArrayBuilder command = Json.createArrayBuilder();
    List.of(words).forEach(command::add);
    return Json.createObjectBuilder().add("command", command).build().toString();
  }

  private static String withStdin(String body) {
    JsonObjectBuilder builder = Json.createObjectBuilder(ApiClient.parse(body));
    return builder.add("stdin", "pipe").build().toString();
  }

  private static Path find(Path directory, String name) throws IOException {
    try (var files = Files.walk(directory)) {
      return files
          .filter(file -> file.getFileName().toString().equals(name))
          .findFirst()
          .orElseThrow(() -> new AssertionError("no " + name + " below " + directory));
    }
  }

  private static boolean onPath(String program) throws IOException, InterruptedException {
    Process probe = new ProcessBuilder("sh", "-c", "command -v " + program).start();
    return probe.waitFor(10, TimeUnit.SECONDS) && probe.exitValue() == 0;
  }

  private static String sha256(byte[] bytes) throws NoSuchAlgorithmException {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }
}

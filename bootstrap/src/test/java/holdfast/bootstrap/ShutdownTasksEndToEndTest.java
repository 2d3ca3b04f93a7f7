package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the packaged server does with tasks, clients and its files when it is asked to end. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ShutdownTasksEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String STUBBORN = "trap '' TERM; echo deaf; while true; do sleep 0.05; done";

  @TempDir Path scratch;

  private Path data() {
    return scratch.resolve("data");
  }

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(data());
  }

  private static void signal(String name, long pid) throws IOException, InterruptedException {
    assertEquals(0, new ProcessBuilder("kill", "-" + name, String.valueOf(pid)).start().waitFor());
  }

  private static String running(ApiClient api, String body)
      throws IOException, InterruptedException {
    String id = api.submit(body);
    api.await(id, task -> task.getString("state").equals("RUNNING"), PATIENCE);
    return id;
  }

  private static String stubborn(String grace) {
    return "{\"command\":[\"sh\",\"-c\",\"%s\"],\"stopGrace\":\"%s\"}".formatted(STUBBORN, grace);
  }

  private static void awaitDeaf(ApiClient api, String id) throws IOException, InterruptedException {
    Await.until(() -> api.output(id), "deaf\n"::equals, PATIENCE);
  }

  private List<JsonObject> shutdownEvents() throws IOException {
    try (Stream<String> lines = Files.lines(data().resolve("logs/system/system.jsonl"))) {
      return lines.map(ApiClient::parse).filter(e -> isOfShutdown(e.getString("type"))).toList();
    }
  }

  private static boolean isOfShutdown(String type) {
    return type.startsWith("shutdown-");
  }

  @Test
  void drainServesReadersRefusesNewWorkAndEndsWithTheLastTask() throws Exception {
    Path go = scratch.resolve("go");
    Files.createDirectory(data());
    Files.setPosixFilePermissions(data(), PosixFilePermissions.fromString("rwx------"));
    Path file = Files.writeString(data().resolve("config.yaml"), "shutdown-tasks: drain\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    String queued;
    String last;
    try (PackagedServer server = PackagedServer.start(data(), "--max-running", "1")) {
      ApiClient api = server.client();
      last =
          running(
              api,
              RestartEndToEndTest.command(
                  "sh", "-c", "echo on; while [ ! -e " + go + " ]; do sleep 0.02; done"));
      queued = api.submit("{\"command\":[\"true\"]}");
      try (WebSocketClient follower = api.follow()) {
        signal("INT", server.pid());
        Await.until(
            () -> api.send(api.request("/api/health/ready").GET().build()).statusCode(),
            status -> status == 503,
            PATIENCE);
        HttpResponse<String> refused = api.post("/api/tasks", "{\"command\":[\"true\"]}");
        assertEquals(503, refused.statusCode(), refused.body());
        assertEquals("stopping", ApiClient.parse(refused.body()).getString("code"));
        assertTrue(refused.headers().firstValue("Retry-After").isPresent());
        follower.send(command("c1"));
        JsonObject result =
            Await.until(() -> frame(follower, "result"), frame -> !frame.isEmpty(), PATIENCE);
        assertEquals(503, result.getInt("status"), result.toString());
        assertEquals("on\n", api.output(last));
        assertEquals(200, api.post("/api/sync/force", "").statusCode());
        assertEquals("RUNNING", api.task(last).getString("state"));
        assertEquals(409, api.post("/api/shutdown", "").statusCode(), "it has begun");
        Files.createFile(go);
        assertEquals(1012, follower.awaitClose(PATIENCE));
        assertFalse(frame(follower, "bye").isEmpty());
      }
      assertEquals(0, server.awaitExit());
    }
    assertTold("SIGINT", "drain");
    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      assertEquals("clean", api.get("/api/recovery").getString("cause"));
      assertEquals(0, api.get("/api/recovery").getJsonArray("tasks").size());
      assertEquals("SUCCEEDED", api.task(last).getString("state"));
      JsonObject after = api.awaitEnd(queued);
      assertEquals(1, after.getJsonArray("attempts").size(), "it waited, and ran once");
    }
  }

  private static JsonObject command(String id) {
    return Json.createObjectBuilder()
        .add("type", "command")
        .add("id", id)
        .add("action", "submit")
        .add(
            "body",
            Json.createObjectBuilder().add("command", Json.createArrayBuilder().add("true")))
        .build();
  }

  private static JsonObject frame(WebSocketClient follower, String type) {
    return follower.frames().stream()
        .filter(frame -> frame.getString("type").equals(type))
        .findFirst()
        .orElse(JsonObject.EMPTY_JSON_OBJECT);
  }

  /** Every step in its order, with its time, in the log and on the screen. */
  private void assertTold(String cause, String tasks) throws IOException {
    List<JsonObject> events = shutdownEvents();
    assertEquals("shutdown-begun", events.getFirst().getString("type"));
    assertEquals(cause, events.getFirst().getString("cause"));
    assertEquals(tasks, events.getFirst().getString("tasks"));
    var steps = new ArrayList<String>();
    for (JsonObject event : events.subList(1, events.size() - 1)) {
      assertEquals("shutdown-step", event.getString("type"), event.toString());
      assertTrue(event.getInt("millis") >= 0);
      steps.add(event.getString("step"));
    }
    assertEquals(
        List.of(
            "refuse new work",
            "wait for tasks",
            "stop accepting",
            "close WebSockets",
            "finish requests",
            "stop services",
            "copy outputs",
            "final sync",
            "final snapshot",
            "let go of processes",
            "end audit trail",
            "close storage"),
        steps);
    assertEquals("shutdown-ended", events.getLast().getString("type"));
    assertEquals("", events.getLast().getString("unfinished"));
    String said = PackagedServer.stderr(data());
    for (String step : steps) {
      assertTrue(said.matches("(?s).*Z shutdown: " + step + ", \\d+ ms\n.*"), said);
    }
  }

  @Test
  void stopByTheApiEndsTasksWithTheirGraceAndNamesWhoseGraceIsTooLong() throws Exception {
    var limit = Map.of("HOLDFAST_SHUTDOWN_TASKS", "stop", "HOLDFAST_SHUTDOWN_TIMEOUT", "PT5S");
    String docile;
    String stubborn;
    String patient;
    String queued;
    long begun;
    try (PackagedServer server = PackagedServer.start(data(), limit, "--max-running", "3")) {
      ApiClient api = server.client();
      docile = running(api, RestartEndToEndTest.command("sleep", "600"));
      stubborn = running(api, stubborn("PT0.3S"));
      patient = running(api, stubborn("PT1H"));
      awaitDeaf(api, stubborn);
      awaitDeaf(api, patient);
      queued = api.submit("{\"command\":[\"true\"]}");
      JsonObject preview = ApiClient.expect(200, api.post("/api/shutdown?preview=true", ""));
      assertEquals(3, preview.getJsonObject("counts").getInt("STOPPED"), preview.toString());
      assertEquals(1, preview.getJsonObject("counts").getInt("WAITS"), preview.toString());
      assertEquals("RUNNING", api.task(docile).getString("state"), "a preview does nothing");
      begun = System.nanoTime();
      JsonObject answer = ApiClient.expect(202, api.post("/api/shutdown", "{}"));
      assertEquals("stop", answer.getString("tasks"), "what is configured");
      assertEquals(0, server.awaitExit());
    }
    Duration took = Duration.ofNanos(System.nanoTime() - begun);
    assertTrue(took.compareTo(Duration.ofSeconds(7)) < 0, took.toString());
    String said = PackagedServer.stderr(data());
    assertTrue(said.contains("not finished: stop tasks: 1 task"), said);
    assertTrue(said.contains(patient + " STOPPING"), said);
    assertEquals("POST /api/shutdown", shutdownEvents().getFirst().getString("cause"));
    assertTrue(shutdownEvents().getLast().getString("unfinished").contains(patient));
    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      JsonObject report = api.get("/api/recovery");
      assertEquals("clean", report.getString("cause"));
      assertEquals(1, report.getJsonArray("tasks").size(), "the ends of the others are recorded");
      Map<String, Integer> signals = Map.of(docile, 15, stubborn, 9);
      for (Map.Entry<String, Integer> expected : signals.entrySet()) {
        JsonObject task = api.task(expected.getKey());
        assertEquals("CANCELED", task.getString("state"));
        assertEquals(expected.getValue(), task.getJsonObject("outcome").getInt("signal"));
        assertTrue(task.getString("stateReason").contains("shut down"), task.toString());
      }
      assertEquals("SUCCEEDED", api.awaitEnd(queued).getString("state"));
      assertEquals("STOPPING", api.task(patient).getString("state"));
      ApiClient.expect(202, api.post("/api/tasks/" + patient + "/kill", "{}"));
      assertEquals("CANCELED", api.awaitEnd(patient).getString("state"));
    }
  }

  @Test
  void aSignalHastensAWaitAndASnapshotThatFailsIsNamedAndKeepsNothingFromEnding() throws Exception {
    Path snapshots = data().resolve("state/snapshots");
    Path aside = data().resolve("state/snapshots.aside");
    // Without haste the wait alone would take longer than an end is waited for here.
    var limit = Map.of("HOLDFAST_SHUTDOWN_TIMEOUT", "PT5M");
    String id;
    try (PackagedServer server = PackagedServer.start(data(), limit)) {
      ApiClient api = server.client();
      id = running(api, RestartEndToEndTest.command("sleep", "600"));
      ApiClient.expect(202, api.post("/api/shutdown", "{\"tasks\":\"drain\"}"));
      assertEquals("RUNNING", api.task(id).getString("state"));
      Files.move(snapshots, aside);
      assertEquals(0, server.terminate());
    }
    String said = PackagedServer.stderr(data());
    assertTrue(said.contains(id + " RUNNING"), said);
    assertTrue(said.contains("not finished: final snapshot failed: "), said);
    String unfinished = shutdownEvents().getLast().getString("unfinished");
    assertTrue(unfinished.contains("final snapshot") && unfinished.contains(id), unfinished);
    if (!Files.exists(snapshots)) {
      Files.move(aside, snapshots);
    }
    try (PackagedServer server = PackagedServer.start(data())) {
      JsonObject report = server.client().get("/api/recovery");
      assertEquals("clean", report.getString("cause"));
      assertEquals("ADOPTED", report.getJsonArray("tasks").getJsonObject(0).getString("verdict"));
    }
  }

  @Test
  void aShutdownThatHangsAtAFullStderrEndsWithTheLimitAndLosesNothing() throws Exception {
    Path pipe = data().resolveSibling("stderr.pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    // Held open, so that writing to it waits, and never read.
    String toPipe = "exec 3<>\"$0\"; exec \"$@\" 2>\"$0\"";
    var by = List.of("env", "HOLDFAST_SHUTDOWN_TIMEOUT=PT2S", "sh", "-c", toPipe, pipe.toString());
    String id;
    try (PackagedServer server = PackagedServer.startBy(by, data())) {
      id = running(server.client(), RestartEndToEndTest.command("sleep", "600"));
      fill(pipe);
      assertEquals(0, server.terminate());
    }
    try (PackagedServer server = PackagedServer.start(data())) {
      assertEquals("RUNNING", server.client().task(id).getString("state"));
      JsonObject report = server.client().get("/api/recovery");
      assertEquals("ADOPTED", report.getJsonArray("tasks").getJsonObject(0).getString("verdict"));
    }
  }

  private static void fill(Path pipe) throws IOException, InterruptedException {
    var filling =
        new ProcessBuilder(
                "dd", "if=/dev/zero", "of=" + pipe, "bs=1", "oflag=nonblock", "conv=notrunc")
            .redirectErrorStream(true)
            .start();
    String said = new String(filling.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(filling.waitFor() != 0 && said.contains("temporarily unavailable"), said);
  }

  @Test
  void aSignalDuringTheStartEndsItWithZeroAndTheNextStartAdopts() throws Exception {
    String id;
    String queued;
    try (PackagedServer server = PackagedServer.start(data(), "--max-running", "1")) {
      id = running(server.client(), RestartEndToEndTest.command("sleep", "600"));
      queued = server.client().submit("{\"command\":[\"true\"]}");
      server.kill();
    }
    Path log = data().resolve("logs/system/system.jsonl");
    // What the killed server had said within its last second may not be there.
    long before = Files.exists(log) ? Files.size(log) : 0;
    Process starting = PackagedServer.launch(data(), Map.of(), "--max-running", "5");
    Await.until(
        () -> Files.readString(data().resolve("state/LOCK")),
        holder -> holder.contains("pid " + starting.pid() + " "),
        PATIENCE);
    signal("HUP", starting.pid());
    starting.waitFor();
    String said = PackagedServer.stderr(data());
    assertEquals(0, starting.exitValue(), said);
    assertEquals("", new String(starting.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    assertTrue(said.contains("shutdown: finish recovery, "), said);
    List<String> told =
        Files.readString(log)
            .substring((int) before)
            .lines()
            .map(ApiClient::parse)
            .map(event -> event.getString("type") + " " + event.getString("step", ""))
            .toList();
    int closing = told.indexOf("shutdown-step refuse new work");
    assertTrue(closing > 0 && told.lastIndexOf("recovered ") < closing, told.toString());
    assertEquals(1, told.stream().filter("recovered "::equals).count(), told.toString());
    try (PackagedServer server = PackagedServer.start(data(), "--max-running", "1")) {
      JsonObject report = server.client().get("/api/recovery");
      assertEquals("clean", report.getString("cause"));
      assertEquals("ADOPTED", report.getJsonArray("tasks").getJsonObject(0).getString("verdict"));
      assertEquals("RUNNING", server.client().task(id).getString("state"));
      assertEquals(
          "QUEUED", server.client().task(queued).getString("state"), "not begun meanwhile");
    }
  }

  @Test
  void aForcedSyncDuringTheShutdownIsAnsweredOrRefusedAndNeverHangs() throws Exception {
    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      for (int i = 0; i < 50; i++) {
        api.submit("{\"command\":[\"true\"],\"hold\":true}");
      }
      var asking = new ArrayList<CompletableFuture<List<Integer>>>();
      for (int i = 0; i < 4; i++) {
        asking.add(CompletableFuture.supplyAsync(() -> forceUntilGone(api)));
      }
      Await.until(() -> shutdownBegun(api), begun -> begun, PATIENCE);
      assertEquals(0, server.awaitExit());
      for (CompletableFuture<List<Integer>> answers : asking) {
        for (int status : answers.get()) {
          assertTrue(status == 200 || status == 503, "answered " + status);
        }
      }
    }
    assertEquals("", shutdownEvents().getLast().getString("unfinished"));
  }

  private static boolean shutdownBegun(ApiClient api) throws IOException, InterruptedException {
    return api.post("/api/shutdown", "{\"tasks\":\"keep\"}").statusCode() == 202;
  }

  private static List<Integer> forceUntilGone(ApiClient api) {
    var statuses = new ArrayList<Integer>();
    try {
      while (true) {
        statuses.add(api.post("/api/sync/force", "").statusCode());
      }
    } catch (java.net.http.HttpTimeoutException hung) {
      throw new AssertionError("a forced sync hung", hung);
    } catch (IOException gone) {
      return statuses;
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }

  @Test
  void clientsThatDoNotReadOrFinishTheirRequestsDoNotHoldItUp() throws Exception {
    var limit = Map.of("HOLDFAST_SHUTDOWN_TIMEOUT", "PT2S");
    try (PackagedServer server = PackagedServer.start(data(), limit)) {
      ApiClient api = server.client();
      String id =
          running(api, RestartEndToEndTest.command("sh", "-c", "yes | head -c 20M; sleep 600"));
      String token = Files.readString(data().resolve("token")).strip();
      var deaf = new ArrayList<AutoCloseable>();
      for (int i = 0; i < 5; i++) {
        var socket = new RawWebSocket(server.address(), "/ws", token, "holdfast.v1");
        socket.send(
            "{\"type\":\"subscribe\",\"id\":\"o\",\"topic\":\"output\",\"taskId\":\"%s\",\"offset\":0,\"credit\":100000000}"
                .formatted(id));
        deaf.add(socket);
      }
      var slow = new Socket(server.address().getHost(), server.address().getPort());
      OutputStream out = slow.getOutputStream();
      out.write(
          ("POST /api/tasks HTTP/1.1\r\nHost: "
                  + server.address().getAuthority()
                  + "\r\nAuthorization: Bearer "
                  + token
                  + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"command\"")
              .getBytes(StandardCharsets.ISO_8859_1));
      deaf.add(slow);
      Await.until(
          () -> api.get("/api/health").getJsonObject("components").getJsonObject("websocket"),
          socket -> socket.getString("message").startsWith("5 "),
          PATIENCE);
      long begun = System.nanoTime();
      assertEquals(0, server.terminate());
      Duration took = Duration.ofNanos(System.nanoTime() - begun);
      assertTrue(took.compareTo(Duration.ofSeconds(4)) < 0, took.toString());
      for (AutoCloseable client : deaf) {
        client.close();
      }
    }
    assertEquals("shutdown-ended", shutdownEvents().getLast().getString("type"));
  }
}

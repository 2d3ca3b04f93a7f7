package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged server returns to a snapshot while it serves, and is killed meanwhile. */
class OnlineRestoreEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String HELD = "{\"command\":[\"true\"],\"hold\":true,\"title\":\"%s\"}";
  private static final int THEN = 600;
  private static final int SINCE = 100;

  @TempDir Path scratch;

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch);
  }

  private Path data() {
    return scratch.resolve("data");
  }

  private static String snapshot(ApiClient api) throws Exception {
    return ApiClient.expect(201, api.post("/api/snapshots", "{}")).getString("id");
  }

  private static HttpResponse<String> restore(ApiClient api, String snapshot) throws Exception {
    return api.post(
        "/api/snapshots/" + snapshot + "/restore",
        "{\"confirm\":\"" + snapshot + "\",\"running\":\"adopt\"}");
  }

  /** A task that notes each of its starts and each of its steps, until it is told to end. */
  private String runner(ApiClient api) throws Exception {
    String script =
        "echo $$ >> %1$s/starts; i=0; while [ ! -e %1$s/end ]; do i=$((i+1)); echo $i; sleep 0.02; done"
            .formatted(scratch);
    String id = api.submit(RestartEndToEndTest.command("sh", "-c", script));
    api.await(id, task -> task.getString("state").equals("RUNNING"), PATIENCE);
    return id;
  }

  private static int status(ApiClient api, String task) throws Exception {
    return api.send(api.request("/api/tasks/" + task).GET().build()).statusCode();
  }

  private static JsonObject subscribe(String id, JsonObject since) {
    var frame = Json.createObjectBuilder().add("type", "subscribe").add("id", id);
    frame.add("topic", "tasks");
    return since == null ? frame.build() : frame.add("since", since).build();
  }

  private static boolean has(WebSocketClient socket, String type, String id) {
    return socket.frames().stream()
        .anyMatch(
            frame ->
                frame.getString("type").equals(type) && id.equals(frame.getString("id", null)));
  }

  @Test
  void whoeverFollowsIsToldAndWhatRunsGoesOn() throws Exception {
    String running;
    String changed;
    String later;
    String epoch;
    try (PackagedServer server = PackagedServer.start(data(), Map.of())) {
      ApiClient api = server.client();
      changed = api.submit(HELD.formatted("then"));
      String then = snapshot(api);
      later = api.submit(HELD.formatted("later"));
      running = runner(api);
      ApiClient.expect(200, api.post("/api/sync/force", "{}"));
      assertTrue(Files.exists(stateFile(later)));
      epoch = api.get("/api/tasks").getString("epoch");
      var output = new ByteArrayOutputStream();
      try (WebSocketClient socket = api.follow()) {
        socket.send(subscribe("all", null));
        Await.until(() -> has(socket, "live", "all"), Boolean::booleanValue, PATIENCE);
        socket.followOutput(running, output);
        Await.until(output::size, size -> size > 20, PATIENCE);

        JsonObject refused =
            ApiClient.expect(
                409,
                api.post("/api/snapshots/" + then + "/restore", "{\"confirm\":\"" + then + "\"}"));
        assertTrue(refused.getString("detail").contains(running), refused.toString());
        JsonObject done = ApiClient.expect(200, restore(api, then));
        assertEquals(1, done.getJsonObject("removed").getInt("count"));
        assertEquals(1, done.getJsonObject("running").getInt("count"));

        Await.until(() -> has(socket, "reset", "all"), Boolean::booleanValue, PATIENCE);
        JsonObject old = Json.createObjectBuilder().add("epoch", epoch).add("seq", 1).build();
        socket.send(subscribe("again", old));
        Await.until(() -> has(socket, "reset", "again"), Boolean::booleanValue, PATIENCE);
        for (JsonObject frame : socket.frames()) {
          assertTrue(
              !frame.getString("type").equals("reset") || frame.getString("reason").equals("epoch"),
              frame.toString());
        }
        int soFar = output.size();
        Await.until(output::size, size -> size > soFar + 20, PATIENCE);
        Files.createFile(scratch.resolve("end"));
        JsonObject end = socket.awaitEnd(PATIENCE);
        assertEquals(output.size(), end.getInt("offset"), "all of it, without a gap");
        assertFalse(has(socket, "gap", "o"));
      }
      assertEquals("SUCCEEDED", api.awaitEnd(running).getString("state"));
      assertEquals(output.toString(StandardCharsets.UTF_8), api.output(running));
      check(api, changed, later, epoch);
      ApiClient.expect(200, api.post("/api/sync/force", "{}"));
      assertFalse(Files.exists(stateFile(later)), "state files follow");
      assertTrue(Files.exists(stateFile(changed)));
      assertEquals(0, quarantined(), "no state file was taken for a stranger");
      server.kill();
    }
    try (PackagedServer server = PackagedServer.start(data(), Map.of())) {
      check(server.client(), changed, later, epoch);
      assertEquals("SUCCEEDED", server.client().task(running).getString("state"));
      assertEquals(1, Files.readAllLines(scratch.resolve("starts")).size());
      assertEquals(0, server.terminate());
    }
  }

  private static void check(ApiClient api, String changed, String later, String epoch)
      throws Exception {
    assertEquals("HELD", api.task(changed).getString("state"));
    assertEquals(404, status(api, later));
    assertNotEquals(epoch, api.get("/api/tasks").getString("epoch"));
  }

  private Path stateFile(String task) {
    return data().resolve("state/tasks").resolve(task.substring(0, 2)).resolve(task + ".json");
  }

  private long quarantined() throws IOException {
    try (var files = Files.walk(data().resolve("state/recovery/quarantine"))) {
      return files.filter(file -> file.toString().endsWith(".json")).count();
    }
  }

  @Test
  void aKillInTheMiddleLeavesEitherStateWholeAndNoTaskRunsTwice() throws Exception {
    killed(2, Long.getLong("holdfast.test.seed", System.nanoTime()));
  }

  @Test
  @Tag("long")
  void killsInTheMiddleByTheHundredLeaveEitherStateWhole() throws Exception {
    killed(100, Long.getLong("holdfast.test.seed", System.nanoTime()));
  }

  private void killed(int kills, long seed) throws Exception {
    System.out.println("kill while restoring: " + kills + " kills, seed " + seed);
    var random = new Random(seed);
    PackagedServer server = PackagedServer.start(data(), Map.of());
    try {
      String running = runner(server.client());
      submit(server.client(), THEN);
      String then = snapshot(server.client());
      long begun = System.nanoTime();
      ApiClient.expect(200, restore(server.client(), then));
      long took = System.nanoTime() - begun;
      int before = 0;
      int restored = 0;
      for (int kill = 0; kill < kills; kill++) {
        int present = tasks(server.client());
        if (present == THEN + 1) {
          submit(server.client(), SINCE);
          present = tasks(server.client());
        }
        String epoch = server.client().get("/api/tasks?limit=1").getString("epoch");
        ApiClient api = server.client();
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
          Future<Integer> answer = pool.submit(() -> restore(api, then).statusCode());
          LockSupport.parkNanos((long) (took * 1.3 * random.nextDouble()));
          server.kill();
          boolean isAcknowledged = isAcknowledged(answer);
          server = PackagedServer.start(data(), Map.of());
          int found = tasks(server.client());
          boolean isRestored = found == THEN + 1;
          assertTrue(isRestored || found == present, found + " tasks, seed " + seed);
          assertTrue(isRestored || !isAcknowledged, "acknowledged and lost, seed " + seed);
          String now = server.client().get("/api/tasks?limit=1").getString("epoch");
          assertEquals(isRestored, !now.equals(epoch), "seed " + seed);
          restored += isRestored ? 1 : 0;
          before += isRestored ? 0 : 1;
        }
        assertEquals("RUNNING", server.client().task(running).getString("state"));
        assertEquals(1, Files.readAllLines(scratch.resolve("starts")).size(), "seed " + seed);
      }
      System.out.println(
          "kill while restoring: " + before + " before, " + restored + " restored; all whole");
      Files.createFile(scratch.resolve("end"));
      assertEquals("SUCCEEDED", server.client().awaitEnd(running).getString("state"));
      assertEquals(0, server.terminate());
    } finally {
      server.close();
    }
  }

  private static boolean isAcknowledged(Future<Integer> answer) throws InterruptedException {
    try {
      return answer.get() == 200;
    } catch (ExecutionException noAnswer) {
      return false;
    }
  }

  private static int tasks(ApiClient api) throws Exception {
    return api.get("/api/health").getJsonObject("metrics").getInt("totalTasks");
  }

  private static void submit(ApiClient api, int count) throws Exception {
    try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      List<? extends Future<?>> all =
          IntStream.range(0, 16)
              .mapToObj(
                  part ->
                      pool.submit(
                          () -> {
                            for (int i = part; i < count; i += 16) {
                              api.submit(HELD.formatted("task " + i));
                            }
                            return null;
                          }))
              .toList();
      for (Future<?> one : all) {
        one.get();
      }
    }
  }
}

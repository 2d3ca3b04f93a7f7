package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * kill -9 at random moments under 32 concurrent submitters. The clients keep the ledger: every 2xx
 * must be there afterwards, byte for byte, and no task may have run twice.
 */
class KillUnderLoadEndToEndTest {
  private static final int SUBMITTERS = 32;

  @TempDir Path scratch;

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch.resolve("data"));
  }

  @Test
  void killsLoseNothingAndRepeatNothing() throws Exception {
    run(7, Long.getLong("holdfast.test.seed", System.nanoTime()));
  }

  @Test
  @Tag("long")
  void aHundredKillsLoseNothingAndRepeatNothing() throws Exception {
    run(100, Long.getLong("holdfast.test.seed", System.nanoTime()));
  }

  private void run(int kills, long seed) throws Exception {
    System.out.println("kill under load: " + kills + " kills, seed " + seed);
    var random = new Random(seed);
    Path data = scratch.resolve("data");
    Path runs = Files.createDirectories(scratch.resolve("runs"));
    var ledger = new ConcurrentHashMap<String, JsonObject>();
    for (int kill = 0; kill < kills; kill++) {
      try (PackagedServer server = PackagedServer.start(data)) {
        killWhileSubmitting(server, runs, ledger, 100 + random.nextInt(900), kill);
      }
    }
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      Map<String, JsonObject> found = list(api);
      for (Map.Entry<String, JsonObject> acknowledged : ledger.entrySet()) {
        JsonObject task = found.get(acknowledged.getKey());
        assertTrue(task != null, "acknowledged and lost: " + acknowledged.getKey());
        assertEquals(unchanging(acknowledged.getValue()), unchanging(task));
      }
      Await.until(() -> unfinished(list(api)), n -> n == 0, Duration.ofMinutes(2));
      checkRuns(list(api), runs);
      System.out.println(
          "kill under load: " + ledger.size() + " acknowledged, all found; none ran twice");
      assertEquals(0, server.terminate());
    }
  }

  private void killWhileSubmitting(
      PackagedServer server, Path runs, Map<String, JsonObject> ledger, int millis, int round)
      throws Exception {
    ApiClient api = server.client();
    var stopped = new AtomicBoolean();
    var serial = new AtomicInteger();
    try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      List<? extends Future<?>> submitters =
          IntStream.range(0, SUBMITTERS)
              .mapToObj(
                  _ -> pool.submit(() -> submitUntil(stopped, api, runs, ledger, round, serial)))
              .toList();
      LockSupport.parkNanos(millis * 1_000_000L);
      server.kill();
      stopped.set(true);
      for (Future<?> submitter : submitters) {
        submitter.get();
      }
    }
  }

  private static void submitUntil(
      AtomicBoolean stopped,
      ApiClient api,
      Path runs,
      Map<String, JsonObject> ledger,
      int round,
      AtomicInteger serial) {
    while (!stopped.get()) {
      int number = serial.incrementAndGet();
      // One in eight runs and leaves a mark for each time that it does; the others are held.
      boolean runsAtOnce = number % 8 == 0;
      String body =
          Json.createObjectBuilder()
              .add("title", "round " + round + ", task " + number + " \u00e9\u4e2d\ud83d\ude00")
              .add(
                  "command",
                  Json.createArrayBuilder()
                      .add("sh")
                      .add("-c")
                      .add("echo ran >> \"$1/$HOLDFAST_TASK_ID\"")
                      .add("mark")
                      .add(runs.toString()))
              .add("labels", Json.createObjectBuilder().add("n", String.valueOf(number)))
              .add("hold", !runsAtOnce)
              .build()
              .toString();
      try {
        HttpResponse<String> answer = api.post("/api/tasks", body);
        if (answer.statusCode() / 100 == 2) {
          JsonObject task = ApiClient.parse(answer.body());
          ledger.put(task.getString("id"), task);
        }
      } catch (IOException killed) {
        // No answer: the submission may or may not have happened, and nothing was promised.
        if (stopped.get()) {
          return;
        }
        LockSupport.parkNanos(1_000_000);
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** What a submission fixes for good. */
  static Map<String, Object> unchanging(JsonObject task) {
    var fixed = new HashMap<String, Object>();
    for (String member :
        List.of("id", "title", "command", "cwd", "env", "labels", "createdAt", "priority")) {
      fixed.put(member, task.get(member));
    }
    return fixed;
  }

  static Map<String, JsonObject> list(ApiClient api) throws IOException, InterruptedException {
    var all = new HashMap<String, JsonObject>();
    String cursor = "";
    do {
      JsonObject page = api.get("/api/tasks?limit=1000" + cursor);
      page.getJsonArray("items")
          .getValuesAs(JsonObject.class)
          .forEach(task -> all.put(task.getString("id"), task));
      cursor = page.isNull("nextCursor") ? "" : "&cursor=" + page.getString("nextCursor");
    } while (!cursor.isEmpty());
    return all;
  }

  private static long unfinished(Map<String, JsonObject> tasks) {
    return tasks.values().stream()
        .map(task -> task.getString("state"))
        .filter(state -> !state.equals("HELD") && !state.equals("SUCCEEDED"))
        .count();
  }

  private static void checkRuns(Map<String, JsonObject> tasks, Path runs) throws IOException {
    for (JsonObject task : tasks.values()) {
      Path mark = runs.resolve(task.getString("id"));
      String expected = task.getString("state").equals("SUCCEEDED") ? "ran\n" : "";
      assertEquals(expected, Files.exists(mark) ? Files.readString(mark) : "", "runs of " + task);
    }
  }
}

package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged server on a disk that fails, on one that is full, and beside its own copy. */
class DiskFaultEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int CLIENTS = 8;
  private static final String SLEEP = RestartEndToEndTest.command("sleep", "600");

  @TempDir Path scratch;

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch);
  }

  private static List<Path> files(Path below, String suffix) throws IOException {
    try (Stream<Path> walk = Files.walk(below)) {
      return walk.filter(file -> file.toString().endsWith(suffix)).sorted().toList();
    }
  }

  private static String running(ApiClient api) throws Exception {
    String id = api.submit(SLEEP);
    api.await(id, task -> task.getString("state").equals("RUNNING"), PATIENCE);
    return id;
  }

  private static String held(int n) {
    return "{\"command\":[\"true\",\"" + n + "\"],\"hold\":true}";
  }

  @Test
  void aFailedSyncIsAnsweredAsUnknownEndsTheServerAndTheNextStartHasEverything() throws Exception {
    Path data = scratch.resolve("data");
    var acknowledged = new ArrayList<JsonObject>();
    String runs;
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      runs = running(api);
      for (int i = 0; i < 5; i++) {
        acknowledged.add(api.task(api.submit(held(i))));
      }
      acknowledged.add(api.task(runs));
      Process strace = failSyncs(server, data);
      try {
        var codes = new ArrayList<String>();
        for (HttpResponse<String> answer : submitAtOnce(api)) {
          assertNotEquals(2, answer.statusCode() / 100, "acknowledged: " + answer.body());
          codes.add(ApiClient.parse(answer.body()).getString("code"));
        }
        assertTrue(codes.contains("durability-unknown"), codes.toString());
        assertEquals(ExitCode.JOURNAL_FAILED, server.awaitExit());
        assertTrue(PackagedServer.stderr(data).contains("the journal failed"));
      } finally {
        strace.destroyForcibly();
      }
    }
    try (PackagedServer again = PackagedServer.start(data)) {
      for (JsonObject task : acknowledged) {
        String id = task.getString("id");
        if (!id.equals(runs)) {
          assertEquals(task, again.client().task(id));
        }
      }
      JsonObject report = again.client().get("/api/recovery");
      assertEquals("crash", report.getString("cause"));
      JsonObject verdict = report.getJsonArray("tasks").getJsonObject(0);
      assertEquals(runs, verdict.getString("id"));
      assertEquals("ADOPTED", verdict.getString("verdict"));
    }
  }

  /** From now on no sync of the journal succeeds. */
  private Process failSyncs(PackagedServer server, Path data) throws Exception {
    List<Path> segments = files(data.resolve("state"), ".wal");
    // When it has nothing to do, it seals what was acknowledged last; that must be over.
    Await.until(
        () -> {
          Instant newest = Instant.EPOCH;
          for (Path segment : segments) {
            Instant written =
                Files.exists(segment)
                    ? Files.getLastModifiedTime(segment).toInstant()
                    : Instant.now();
            newest = written.isAfter(newest) ? written : newest;
          }
          return newest;
        },
        newest -> newest.isBefore(Instant.now().minusSeconds(2)),
        PATIENCE);
    Path log = scratch.resolve("strace.log");
    var command = new ArrayList<>(List.of("strace"));
    for (Path thread : journalThreads(server)) {
      command.addAll(List.of("-p", String.valueOf(thread.getFileName())));
    }
    segments.forEach(segment -> command.addAll(List.of("-P", segment.toString())));
    command.addAll(List.of("-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1+"));
    Process strace;
    try {
      strace =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
    } catch (IOException e) {
      Assumptions.abort("there is no strace: " + e.getMessage());
      throw e;
    }
    Await.until(
        () -> Files.readString(log),
        said -> said.contains("attached") || !strace.isAlive(),
        PATIENCE);
    Assumptions.assumeTrue(strace.isAlive(), "strace cannot trace here: " + Files.readString(log));
    return strace;
  }

  /** Only these: strace holds up every call of a process that it follows. */
  private static List<Path> journalThreads(PackagedServer server) throws IOException {
    try (Stream<Path> threads = Files.list(Path.of("/proc", "" + server.pid(), "task"))) {
      var found = new ArrayList<Path>();
      for (Path thread : threads.toList()) {
        if (Files.readString(thread.resolve("comm")).startsWith("holdfast-journa")) {
          found.add(thread);
        }
      }
      assertTrue(found.size() >= 2, "the journal's threads: " + found);
      return found;
    }
  }

  private static List<HttpResponse<String>> submitAtOnce(ApiClient api) throws Exception {
    var answers = new ArrayList<HttpResponse<String>>();
    try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      var submissions = new ArrayList<Future<HttpResponse<String>>>();
      for (int i = 0; i < CLIENTS; i++) {
        String body = held(100 + i);
        submissions.add(pool.submit(() -> api.post("/api/tasks", body)));
      }
      for (Future<HttpResponse<String>> submission : submissions) {
        try {
          answers.add(submission.get());
        } catch (java.util.concurrent.ExecutionException noAnswer) {
          // Whoever came too late for an answer was promised nothing.
          assertTrue(noAnswer.getCause() instanceof IOException, noAnswer.toString());
        }
      }
    }
    return answers;
  }

  @Test
  void aFullDiskRefusesNewTasksEndsOldOnesAndTakesAStart() throws Exception {
    Path disk = Files.createDirectory(scratch.resolve("disk"));
    boolean mounted =
        run(List.of("mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", disk.toString())) == 0;
    Assumptions.assumeTrue(mounted, "needs root to mount a tmpfs: the full disk is not tested");
    try {
      onFullDisk(disk);
    } finally {
      PackagedServer.endTasks(scratch);
      Await.until(() -> run(List.of("umount", disk.toString())), code -> code == 0, PATIENCE);
    }
  }

  private static void onFullDisk(Path disk) throws Exception {
    Path data = disk.resolve("data");
    Path foreign = disk.resolve("foreign");
    Map<String, String> reserve = Map.of("HOLDFAST_DISK_RESERVE", "16 MiB");
    String runs;
    try (PackagedServer server = PackagedServer.start(data, reserve)) {
      ApiClient api = server.client();
      runs = running(api);
      Await.until(() -> files(data, "ballast").size(), there -> there == 2, PATIENCE);
      awaitRefusal(api, disk, foreign, 1);
      JsonObject refusal = ApiClient.expect(507, api.post("/api/tasks", held(2)));
      assertEquals("disk-full", refusal.getString("code"));
      ApiClient.expect(202, api.post("/api/tasks/" + runs + "/kill", "{}"));
      assertEquals("CANCELED", api.awaitEnd(runs).getString("state"));
      server.kill();
    }
    try (PackagedServer again = PackagedServer.start(data, reserve)) {
      ApiClient api = again.client();
      assertEquals("CANCELED", api.task(runs).getString("state"));
      awaitRefusal(api, disk, foreign, 3);
      assertIllAndAlive(api, "the reserve");
      Files.delete(foreign);
      Await.until(
          () -> api.post("/api/tasks", held(4)), answer -> answer.statusCode() == 201, PATIENCE);
      awaitDisk(api, "healthy");
      nearlyFull(api, disk, foreign);
      withoutState(api, data);
      assertTransitionsAreLoggedOnce(api);
      assertEquals(0, again.terminate());
    }
  }

  private static JsonObject disk(ApiClient api) throws IOException, InterruptedException {
    return ApiClient.parse(api.send(api.request("/api/health").GET().build()).body())
        .getJsonObject("components")
        .getJsonObject("disk");
  }

  private static JsonObject awaitDisk(ApiClient api, String status) throws Exception {
    return Await.until(() -> disk(api), seen -> seen.getString("status").equals(status), PATIENCE);
  }

  /** Health says why and what to do; the probes say that tasks can be looked at and stopped. */
  private static void assertIllAndAlive(ApiClient api, String why) throws Exception {
    JsonObject seen = awaitDisk(api, "unhealthy");
    assertTrue(seen.getString("message").contains(why), seen.toString());
    assertTrue(!seen.getString("remedy").isEmpty());
    assertEquals(503, api.send(api.request("/api/health").GET().build()).statusCode());
    for (String probe : List.of("live", "started", "ready")) {
      assertEquals(
          200, api.send(api.request("/api/health/" + probe).GET().build()).statusCode(), probe);
    }
  }

  /** Less than twice the reserve of 16 MiB is free, and more than that. */
  private static void nearlyFull(ApiClient api, Path disk, Path foreign) throws Exception {
    // The server takes room for its ballast when it can; then nothing of its own changes any more.
    Await.until(
        () -> disk(api).getString("message"), said -> said.contains("ballast 68 MiB"), PATIENCE);
    long more = Files.getFileStore(disk).getUsableSpace() - (24 << 20);
    run(List.of("fallocate", "-l", "" + more, foreign.toString()));
    JsonObject seen = awaitDisk(api, "degraded");
    assertTrue(seen.getString("message").contains("free for state in"), seen.toString());
    assertTrue(seen.getString("remedy").contains("Free some space"), seen.toString());
    ApiClient.expect(201, api.post("/api/tasks", held(5)));
    Files.delete(foreign);
    awaitDisk(api, "healthy");
  }

  /** As if the disk of the state were gone. */
  private static void withoutState(ApiClient api, Path data) throws Exception {
    Path state = data.resolve("state");
    Path aside = data.resolve("aside");
    Files.move(state, aside);
    try {
      assertIllAndAlive(api, state + ": its free space cannot be read");
    } finally {
      Files.move(aside, state);
    }
    awaitDisk(api, "healthy");
  }

  private static void assertTransitionsAreLoggedOnce(ApiClient api) throws Exception {
    List<JsonObject> lines =
        Await.until(
            () ->
                api
                    .get("/api/logs?category=system&type=health-changed&q=disk&limit=1000")
                    .getJsonArray("items")
                    .getValuesAs(JsonObject.class)
                    .reversed()
                    .stream()
                    .filter(line -> line.getString("component").equals("disk"))
                    .toList(),
            DiskFaultEndToEndTest::haveAllHappened,
            PATIENCE);
    for (int i = 1; i < lines.size(); i++) {
      // One that is told twice, or not at all, breaks the chain.
      assertEquals(lines.get(i - 1).getString("to"), lines.get(i).getString("from"), "" + lines);
    }
  }

  /** What comes between them depends on when the ballast is made. */
  private static boolean haveAllHappened(List<JsonObject> lines) {
    var left =
        new ArrayDeque<>(
            List.of("unhealthy", "healthy", "degraded", "healthy", "unhealthy", "healthy"));
    for (JsonObject line : lines) {
      if (line.getString("to").equals(left.peekFirst())) {
        left.removeFirst();
      }
    }
    return left.isEmpty() && lines.getLast().getString("to").equals("healthy");
  }

  private static void awaitRefusal(ApiClient api, Path disk, Path foreign, int number)
      throws Exception {
    Await.until(
        () -> {
          fill(disk, foreign);
          return api.post("/api/tasks", held(number));
        },
        answer -> answer.statusCode() == 507,
        PATIENCE);
  }

  /** Takes all but a MiB, also of what the server has let go of since the last time. */
  private static void fill(Path disk, Path foreign) throws IOException, InterruptedException {
    long taken = Files.exists(foreign) ? Files.size(foreign) : 0;
    long more = Files.getFileStore(disk).getUsableSpace() - (1 << 20);
    if (more > 0) {
      run(List.of("fallocate", "-o", "" + taken, "-l", "" + more, foreign.toString()));
    }
  }

  private static int run(List<String> command) throws IOException, InterruptedException {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getInputStream().readAllBytes();
      return process.waitFor(60, TimeUnit.SECONDS) ? process.exitValue() : -1;
    } catch (IOException noSuchProgram) {
      return -1;
    }
  }

  @Test
  void aCopyStartedBesideTheRunningOriginalStartsAndSignalsNothing() throws Exception {
    Path data = scratch.resolve("data");
    Path copy = scratch.resolve("copy");
    Path mark = scratch.resolve("mark");
    try (PackagedServer first = PackagedServer.start(data, "--max-running", "1")) {
      running(first.client());
      // Waits for its turn: whoever starts it leaves a mark.
      first
          .client()
          .submit(RestartEndToEndTest.command("sh", "-c", "echo x >> \"$0\"", mark.toString()));
      assertEquals(0, first.terminate());
    }
    assertEquals(0, run(List.of("cp", "-a", data.toString(), copy.toString())));
    try (PackagedServer original = PackagedServer.start(data, "--max-running", "1");
        PackagedServer beside = PackagedServer.start(copy, "--max-running", "4")) {
      JsonObject refusal = ApiClient.expect(409, beside.client().post("/api/tasks", held(1)));
      assertEquals("copy-not-accepted", refusal.getString("code"));
      assertEquals(0, beside.terminate());
      assertTrue(!Files.exists(mark), "the copy has started a task");
      String running =
          original
              .client()
              .get("/api/tasks?state=RUNNING")
              .getJsonArray("items")
              .getJsonObject(0)
              .getString("id");
      ApiClient.expect(202, original.client().post("/api/tasks/" + running + "/kill", "{}"));
      original.client().awaitEnd(running);
      Await.until(
          () -> Files.exists(mark) ? Files.readString(mark, StandardCharsets.UTF_8) : "",
          text -> text.equals("x\n"),
          PATIENCE);
      assertEquals(0, original.terminate());
    }
  }
}

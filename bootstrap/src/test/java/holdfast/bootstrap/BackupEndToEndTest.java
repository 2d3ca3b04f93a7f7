package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged product copies a directory that is in use, and goes on with the copy. */
class BackupEndToEndTest {
  private static final int SUBMITTERS = 32;
  private static final String PRINTING =
      "i=0; while :; do i=$((i+1)); echo line $i; seq 500; sleep 0.05; done";

  @TempDir Path scratch;

  private final Map<String, JsonObject> ledger = new ConcurrentHashMap<>();

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch);
  }

  private Path data() {
    return scratch.resolve("data");
  }

  private PackagedCommand backup(Path target) throws Exception {
    return PackagedCommand.run("backup", target.toString(), "--data-dir", data().toString());
  }

  private static PackagedCommand verify(Path data) throws Exception {
    return PackagedCommand.run("verify", "--data-dir", data.toString());
  }

  @Test
  void underLoadEverythingAcknowledgedBeforeItBeganIsInIt() throws Exception {
    run(1, Long.getLong("holdfast.test.seed", System.nanoTime()));
  }

  @Test
  @Tag("long")
  void underLoadManyTimes() throws Exception {
    run(25, Long.getLong("holdfast.test.seed", System.nanoTime()));
  }

  private void run(int rounds, long seed) throws Exception {
    System.out.println("backup under load: " + rounds + " rounds, seed " + seed);
    var random = new Random(seed);
    var stopped = new AtomicBoolean();
    try (PackagedServer server = PackagedServer.start(data(), "--max-running", "6");
        var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      ApiClient api = server.client();
      List<String> printers = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        printers.add(api.submit(RestartEndToEndTest.command("sh", "-c", PRINTING)));
        RestartEndToEndTest.running(api, printers.getLast());
      }
      List<? extends Future<?>> load =
          IntStream.range(0, SUBMITTERS)
              .mapToObj(n -> pool.submit(() -> submitUntil(stopped, api, new Random(seed + n))))
              .toList();
      Future<?> upkeep = pool.submit(() -> keepUp(stopped, api));
      try {
        for (int round = 0; round < rounds; round++) {
          LockSupport.parkNanos((300 + random.nextInt(700)) * 1_000_000L);
          Map<String, JsonObject> acknowledged = Map.copyOf(ledger);
          Path copy = scratch.resolve("backup-" + round);
          PackagedCommand made = backup(copy);
          assertEquals(0, made.exit(), made.toString());
          System.out.println(made.out().strip());
          check(copy, acknowledged, printers, api);
        }
      } finally {
        stopped.set(true);
      }
      for (Future<?> one : load) {
        one.get();
      }
      upkeep.get();
      assertEquals(0, server.terminate());
    }
  }

  private void check(
      Path copy, Map<String, JsonObject> acknowledged, List<String> printers, ApiClient original)
      throws Exception {
    assertPrivate(copy);
    PackagedCommand verified = verify(copy);
    assertEquals(0, verified.exit(), verified.toString());
    try (PackagedServer server = PackagedServer.start(copy, "--accept-copy")) {
      ApiClient api = server.client();
      Map<String, JsonObject> found = KillUnderLoadEndToEndTest.list(api);
      for (JsonObject task : acknowledged.values()) {
        JsonObject there = found.get(task.getString("id"));
        assertNotNull(there, "acknowledged before the backup, and not in it: " + task);
        assertEquals(
            KillUnderLoadEndToEndTest.unchanging(task),
            KillUnderLoadEndToEndTest.unchanging(there));
      }
      int ended = 0;
      for (JsonObject task : found.values()) {
        if (task.getString("state").equals("SUCCEEDED") && ended++ < 50) {
          String id = task.getString("id");
          boolean isSubmitted = task.getString("title").startsWith("sh ");
          assertEquals(isSubmitted ? "ran " + id + "\n" : "soon gone\n", api.output(id));
        }
      }
      for (String printer : printers) {
        assertEquals("LOST", found.get(printer).getString("state"));
        byte[] prefix = api.bytes("/api/tasks/" + printer + "/output");
        assertTrue(prefix.length > 0);
        HttpRequest.Builder first =
            original
                .request("/api/tasks/" + printer + "/output")
                .header("Range", "bytes=0-" + (prefix.length - 1));
        assertEquals(
            new String(prefix, StandardCharsets.UTF_8),
            original.send(first.GET().build()).body(),
            "a prefix of the output");
      }
      System.out.println(
          "  " + acknowledged.size() + " acknowledged before, " + found.size() + " in the copy");
      assertEquals(0, server.terminate());
    }
  }

  private static void assertPrivate(Path copy) throws IOException {
    try (Stream<Path> walk = Files.walk(copy)) {
      for (Path path : walk.toList()) {
        assertEquals(
            Files.isDirectory(path) ? "rwx------" : "rw-------",
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS)),
            path.toString());
        assertFalse(path.endsWith("env"), "a permit to start a command: " + path);
      }
    }
  }

  private void submitUntil(AtomicBoolean stopped, ApiClient api, Random random) {
    while (!stopped.get()) {
      String body =
          Json.createObjectBuilder()
              .add(
                  "command",
                  Json.createArrayBuilder().add("sh").add("-c").add("echo ran $HOLDFAST_TASK_ID"))
              .add("labels", Json.createObjectBuilder().add("n", "" + random.nextLong()))
              .add("hold", random.nextInt(8) > 0)
              .build()
              .toString();
      try {
        HttpResponse<String> answer = api.post("/api/tasks", body);
        if (answer.statusCode() == 201) {
          JsonObject task = ApiClient.parse(answer.body());
          ledger.put(task.getString("id"), task);
        }
        LockSupport.parkNanos(100_000_000);
      } catch (IOException e) {
        LockSupport.parkNanos(1_000_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** State files are written, snapshots made, and tasks purged that nobody was told of. */
  private static Void keepUp(AtomicBoolean stopped, ApiClient api) throws Exception {
    while (!stopped.get()) {
      String purged = api.submit("{\"command\":[\"echo\",\"soon gone\"],\"priority\":1000}");
      api.awaitEnd(purged);
      api.post("/api/sync/force", "");
      api.post("/api/snapshots", "");
      api.send(api.request("/api/tasks/" + purged).DELETE().build());
    }
    return null;
  }

  @Test
  void aStoppedDirectoryAndOneThatWasKilledAreCopiedToo() throws Exception {
    String id;
    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      id = api.submit(RestartEndToEndTest.command("echo", "kept"));
      api.awaitSealed(id);
      server.kill();
    }
    for (String name : List.of("killed", "stopped")) {
      Path copy = scratch.resolve(name);
      PackagedCommand made = backup(copy);
      assertEquals(0, made.exit(), made.toString());
      assertTrue(made.out().startsWith(copy + ": 1 tasks, seq "), made.out());
      assertEquals(0, verify(copy).exit());
      // Without acceptance it is nobody's queue.
      try (PackagedServer server = PackagedServer.start(copy)) {
        ApiClient api = server.client();
        assertEquals("kept\n", api.output(id));
        assertEquals(409, api.post("/api/tasks", "{\"command\":[\"true\"]}").statusCode());
        server.terminate();
      }
      try (PackagedServer server = PackagedServer.start(data())) {
        assertEquals(0, server.terminate());
      }
    }
  }

  @Test
  void whatCannotBeUsedIsRefusedInOneLine() throws Exception {
    Path full = Files.createDirectories(scratch.resolve("full"));
    Files.writeString(full.resolve("mine"), "mine");
    PackagedCommand nothing = backup(scratch.resolve("new"));
    assertEquals(73, nothing.exit(), nothing.toString());
    assertFalse(Files.exists(data()));
    Files.createDirectories(data().resolve("state"));
    PackagedCommand occupied = backup(full);
    assertEquals(5, occupied.exit(), occupied.toString());
    assertTrue(occupied.err().contains("is not empty"), occupied.err());
    assertEquals(1, occupied.err().lines().count(), occupied.err());
    assertEquals(2, PackagedCommand.run("backup").exit());
    assertEquals(2, PackagedCommand.run("backup", "a", "b").exit());
    assertEquals(2, PackagedCommand.run("backup", "a", "--force").exit());
  }

  @Test
  void aSignalLeavesNothingAndAKillNothingThatPassesForWhole() throws Exception {
    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      api.awaitEnd(api.submit(RestartEndToEndTest.command("echo", "kept")));
      Path copy = scratch.resolve("copy");
      Path unfinished = scratch.resolve("copy.unfinished");
      var command = List.of("backup", copy.toString(), "--data-dir", data().toString());
      Process killed = PackagedCommand.start(command);
      awaitMark(unfinished, killed);
      signal(killed, "STOP");
      PackagedCommand second = backup(copy);
      assertEquals(5, second.exit(), second.toString());
      assertTrue(second.err().contains("another backup"), second.toString());
      killed.destroyForcibly();
      killed.waitFor();
      assertFalse(Files.exists(copy));
      assertTrue(Files.exists(unfinished));

      Process asked = PackagedCommand.start(command);
      awaitMark(unfinished, asked);
      asked.destroy();
      assertEquals(1, asked.waitFor());
      assertFalse(Files.exists(copy) || Files.exists(unfinished));
      server.terminate();
    }
  }

  /** Waits until a backup has begun to write. */
  private static void awaitMark(Path unfinished, Process backup) throws Exception {
    Path mark = unfinished.resolve("BACKUP");
    Await.until(
        () -> Files.exists(mark) ? Files.readString(mark) : "",
        text -> text.equals("pid " + backup.pid() + "\n"),
        Duration.ofSeconds(20));
  }

  private static void signal(Process process, String name) throws Exception {
    String[] kill = {"kill", "-" + name, Long.toString(process.pid())};
    assertEquals(0, new ProcessBuilder(kill).start().waitFor());
  }
}

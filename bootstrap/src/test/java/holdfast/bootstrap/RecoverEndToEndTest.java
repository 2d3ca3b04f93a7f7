package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the packaged product says of a start before it is made, and what a person may decide. */
class RecoverEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir Path scratch;

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch);
  }

  private Path data() {
    return scratch.resolve("data");
  }

  private PackagedCommand recover(String... options) throws Exception {
    var arguments = new java.util.ArrayList<>(List.of("recover", "--data-dir", data().toString()));
    arguments.addAll(List.of(options));
    return PackagedCommand.run(arguments);
  }

  /** Everything there is to see of every file and directory. */
  private static Map<String, String> everything(Path root) throws Exception {
    var all = new TreeMap<String, String>();
    try (Stream<Path> walk = Files.walk(root)) {
      for (Path path : walk.toList()) {
        String bytes =
            Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
                ? HexFormat.of()
                    .formatHex(
                        MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(path)))
                : "";
        all.put(
            path.toString(),
            Files.readAttributes(
                        path,
                        "unix:ino,mode,size,lastModifiedTime,ctime",
                        LinkOption.NOFOLLOW_LINKS)
                    .entrySet()
                    .stream()
                    .sorted(Map.Entry.comparingByKey())
                    .toList()
                + bytes);
      }
    }
    return all;
  }

  private static String task(String onLost, String... words) {
    JsonObject body = ApiClient.parse(RestartEndToEndTest.command(words));
    return Json.createObjectBuilder(body).add("onLost", onLost).build().toString();
  }

  private String submitRunning(ApiClient api, String onLost, String... words) throws Exception {
    String id = api.submit(task(onLost, words));
    RestartEndToEndTest.running(api, id);
    return id;
  }

  /** Ends the monitor first, so that nobody records how the command ended. */
  private static void lose(long command) throws Exception {
    ProcessHandle process = ProcessHandle.of(command).orElseThrow();
    ProcessHandle monitor = process.parent().orElseThrow();
    monitor.destroyForcibly();
    process.destroyForcibly();
    Await.until(
        () -> monitor.isAlive() || process.isAlive(), alive -> !alive, Duration.ofSeconds(10));
  }

  private static JsonObject verdictOf(JsonObject report, String id) {
    return report.getJsonArray("tasks").getValuesAs(JsonObject.class).stream()
        .filter(task -> task.getString("id").equals(id))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aDryRunSaysWhatTheStartThenDoesAndTouchesNothing() throws Exception {
    String lives;
    String exits;
    String lost;
    String repeated;
    Path gate = scratch.resolve("gate");
    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      lives = submitRunning(api, "fail", "sleep", "1000");
      exits =
          submitRunning(
              api, "fail", "sh", "-c", "while [ ! -e " + gate + " ]; do sleep 0.02; done; exit 7");
      lost = submitRunning(api, "fail", "sleep", "1001");
      repeated = submitRunning(api, "rerun", "sleep", "1002");
      api.submit("{\"command\":[\"true\"],\"hold\":true}");
      PackagedCommand held = recover("--dry-run");
      assertEquals(73, held.exit(), held.toString());
      assertTrue(held.err().contains("pid " + server.pid()), held.toString());
      long first = RestartEndToEndTest.pid(api.task(lost));
      long second = RestartEndToEndTest.pid(api.task(repeated));
      long ending = RestartEndToEndTest.pid(api.task(exits));
      server.kill();
      lose(first);
      lose(second);
      ProcessHandle monitor = ProcessHandle.of(ending).orElseThrow().parent().orElseThrow();
      Files.writeString(gate, "");
      Await.until(monitor::isAlive, alive -> !alive, Duration.ofSeconds(10));
    }

    Map<String, String> before = everything(data());
    PackagedCommand text = recover("--dry-run");
    PackagedCommand json = recover("--json", "--dry-run");
    assertEquals(before, everything(data()), "nothing was touched");
    assertEquals(0, text.exit(), text.toString());
    assertEquals("", text.err());
    for (String expected :
        List.of(
            "cause crash",
            "task " + lives + " attempt 1: ADOPTED",
            "task " + exits + " attempt 1: EXITED_WHILE_DOWN",
            "lock: free, no monitor lives",
            "exit record: Exited[code=7",
            "-> recorded; the task is LOST: onLost is fail",
            "-> recorded; the task is QUEUED: onLost is rerun",
            "dry run, nothing was changed: 4 verdicts; right after: 1 HELD, 1 QUEUED, 1 RUNNING,"
                + " 1 FAILED, 1 LOST")) {
      assertTrue(text.out().contains(expected), expected + " in " + text.out());
    }
    assertEquals(0, json.exit(), json.toString());
    JsonObject foretold = ApiClient.parse(json.out());
    assertTrue(foretold.getBoolean("dryRun"));
    assertTrue(foretold.isNull("readOnly") && foretold.isNull("heldBack"));

    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      JsonObject report = api.get("/api/recovery");
      assertEquals(foretold.getJsonObject("report").get("tasks"), report.get("tasks"));
      assertEquals(foretold.getJsonObject("report").get("cause"), report.get("cause"));
      assertEquals(foretold.getJsonObject("report").get("replayed"), report.get("replayed"));
      for (String id : List.of(lives, lost, repeated, exits)) {
        assertFalse(verdictOf(report, id).getJsonArray("evidence").isEmpty(), report.toString());
      }
      assertEquals("LOST", api.task(lost).getString("state"));
      assertEquals(2, RestartEndToEndTest.running(api, repeated).getJsonArray("attempts").size());
      assertEquals(
          report, api.get("/api/recovery/reports/" + report.getString("id")), "it is kept");
      assertEquals(0, server.terminate());
    }
  }

  @Test
  void withoutDryRunAndForWhatAStartRefusesThereIsAClearAnswer() throws Exception {
    PackagedCommand bare = recover();
    assertEquals(2, bare.exit(), bare.toString());
    assertTrue(bare.err().contains("serve"), bare.err());
    assertEquals(1, bare.err().lines().count(), bare.err());
    PackagedCommand none = recover("--dry-run");
    assertEquals(73, none.exit(), none.toString());
    assertFalse(Files.exists(data()), "and it was not made");
    assertEquals(2, recover("--dry-run", "x").exit());
    assertEquals(2, recover("--dry-run", "--fix").exit());

    try (PackagedServer server = PackagedServer.start(data())) {
      server.client().submit("{\"command\":[\"true\"],\"hold\":true}");
      server.terminate();
    }
    Path copy = scratch.resolve("copied");
    assertEquals(
        0, new ProcessBuilder("cp", "-a", data().toString(), copy.toString()).start().waitFor());
    PackagedCommand copied =
        PackagedCommand.run("recover", "--dry-run", "--data-dir", copy.toString());
    assertEquals(0, copied.exit(), copied.toString());
    assertTrue(copied.out().contains("read only: ") && copied.out().contains("--accept-copy"));
    PackagedCommand accepted =
        PackagedCommand.run("recover", "--dry-run", "--accept-copy", "--data-dir", copy.toString());
    assertTrue(accepted.out().contains("1 HELD"), accepted.toString());

    for (String journal : List.of("journal", "recovery/journal")) {
      try (Stream<Path> files = Files.list(copy.resolve("state").resolve(journal))) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
    }
    PackagedCommand lost =
        PackagedCommand.run("recover", "--dry-run", "--data-dir", copy.toString());
    assertEquals(75, lost.exit(), lost.toString());
  }

  @Test
  void whatRunsInAnotherPidNamespaceIsForAPersonToDecide() throws Exception {
    List<String> elsewhere = List.of("unshare", "--pid", "--fork", "--kill-child", "--mount-proc");
    assumeTrue(canUnshare(elsewhere), "needs root to make a pid namespace");
    String given;
    String again;
    long[] pids;
    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      given = submitRunning(api, "rerun", "sleep", "1003");
      again = submitRunning(api, "fail", "sleep", "1004");
      pids =
          new long[] {
            RestartEndToEndTest.pid(api.task(given)), RestartEndToEndTest.pid(api.task(again))
          };
      server.kill();
    }
    try (PackagedServer server = PackagedServer.startBy(elsewhere, data())) {
      ApiClient api = server.client();
      JsonObject verdict = RestartEndToEndTest.verdict(api, again);
      assertEquals("UNDECIDABLE", verdict.getString("verdict"), verdict.toString());
      assertTrue(verdict.getBoolean("needsDecision"));
      assertEquals("RUNNING", api.task(again).getString("state"));

      HttpResponse<String> beside = decide(api, again, "retry");
      assertEquals(409, beside.statusCode(), beside.body());
      assertTrue(beside.body().contains("RUNNING"), beside.body());
      assertEquals(200, decide(api, again, "ignore").statusCode());
      assertEquals(200, decide(api, given, "fail").statusCode());
      assertEquals("LOST", api.task(given).getString("state"));
      assertTrue(ProcessHandle.of(pids[0]).isPresent(), "nothing was signalled");

      lose(pids[1]);
      HttpResponse<String> retried = decide(api, again, "retry");
      assertEquals(200, retried.statusCode(), retried.body());
      assertTrue(retried.body().contains("may still be alive"), retried.body());
      assertEquals(200, decide(api, again, "retry").statusCode(), "the same once more");
      api.await(
          again,
          task ->
              task.getJsonArray("attempts").size() == 2
                  && task.getString("state").equals("RUNNING"),
          PATIENCE);
      JsonObject noted = RestartEndToEndTest.verdict(api, again);
      assertEquals("retry", noted.getJsonObject("decided").getString("decision"));
      assertFalse(noted.getBoolean("needsDecision"));
      assertTrue(api.get("/api/tasks/" + given + "/events").toString().contains("run-decided"));
      String report = api.get("/api/recovery").getString("id");
      server.kill();
      try (PackagedServer next = PackagedServer.start(data())) {
        ApiClient after = next.client();
        assertEquals("LOST", after.task(given).getString("state"), "it was durable");
        assertEquals(200, decide(after, given, "fail").statusCode());
        assertEquals(409, decide(after, given, "ignore").statusCode());
        assertNotEquals(report, after.get("/api/recovery").getString("id"));
        JsonObject kept = after.get("/api/recovery/reports/" + report);
        assertEquals("fail", verdictOf(kept, given).getJsonObject("decided").getString("decision"));
        next.terminate();
      }
    }
  }

  private static boolean canUnshare(List<String> elsewhere) throws Exception {
    var command = new java.util.ArrayList<>(elsewhere);
    command.add("true");
    try {
      return new ProcessBuilder(command).start().waitFor() == 0;
    } catch (IOException none) {
      return false;
    }
  }

  private static HttpResponse<String> decide(ApiClient api, String task, String decision)
      throws Exception {
    return api.post(
        "/api/recovery/tasks/" + task + "/decision", "{\"decision\":\"" + decision + "\"}");
  }
}

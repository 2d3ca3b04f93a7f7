package holdfast.bootstrap.resilience;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Each drill's judgement passes what is promised, and names whatever is not so. */
class JudgementTest {
  private static final Api.Pid PID = new Api.Pid(4711, "100");
  private static final Api.Pid OTHER = new Api.Pid(4711, "200");

  private static JsonObject json(String text) {
    try (var reader = Json.createReader(new StringReader(text.replace('\'', '"')))) {
      return reader.readObject();
    }
  }

  private static void sound(List<String> faults) {
    assertEquals(List.of(), faults);
  }

  private static void caught(String what, List<String> faults) {
    assertTrue(
        faults.stream().anyMatch(fault -> fault.contains(what)), what + " is not in " + faults);
  }

  @Test
  void crashRecovery() {
    var ran = new CrashRecovery.Ran("FAILED", 7, 1, 1, List.of());
    sound(crash("crash", "ADOPTED", PID, 20, ran, ran));
    caught("cause", crash("clean", "ADOPTED", PID, 20, ran, ran));
    caught("verdict", crash("crash", "LOST", PID, 20, ran, ran));
    caught("process", crash("crash", "ADOPTED", OTHER, 20, ran, ran));
    caught("stood still", crash("crash", "ADOPTED", PID, 0, ran, ran));
    for (CrashRecovery.Ran wrong :
        List.of(
            new CrashRecovery.Ran("LOST", 7, 1, 1, List.of()),
            new CrashRecovery.Ran("FAILED", 0, 1, 1, List.of()),
            new CrashRecovery.Ran("FAILED", 7, 2, 1, List.of()),
            new CrashRecovery.Ran("FAILED", 7, 1, 2, List.of()),
            new CrashRecovery.Ran("FAILED", 7, 1, 1, List.of("line 3 of the running output")))) {
      caught("running", crash("crash", "ADOPTED", PID, 20, wrong, ran));
    }
    caught(
        "executions of the queued task",
        crash(
            "crash", "ADOPTED", PID, 20, ran, new CrashRecovery.Ran("FAILED", 7, 1, 0, List.of())));
  }

  private static List<String> crash(
      String cause,
      String verdict,
      Api.Pid after,
      long grown,
      CrashRecovery.Ran running,
      CrashRecovery.Ran queued) {
    return CrashRecovery.faults(
        new CrashRecovery.Seen(cause, verdict, 1, PID, after, grown, running, queued));
  }

  @Test
  void outputOfATickingTask() {
    sound(Ticking.faults(bytes("tick 1\ntick 2\nend\n")));
    caught("empty", Ticking.faults(bytes("")));
    caught("line 2", Ticking.faults(bytes("tick 1\ntick 3\nend\n")));
    caught("line 3", Ticking.faults(bytes("tick 1\ntick 2\ntick 2\nend\n")));
    caught("last line", Ticking.faults(bytes("tick 1\ntick 2\n")));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void ofManyFaultsTheFirstAreTold() {
    var faults = java.util.stream.IntStream.range(0, 9).mapToObj(i -> "fault " + i).toList();
    assertEquals(
        new Outcome.Failed("fault 0; fault 1; fault 2; fault 3; fault 4; fault 5; and 3 more"),
        Outcome.of(faults, "measured"));
    assertEquals(new Outcome.Failed("fault 0"), Outcome.of(faults.subList(0, 1), "measured"));
    assertEquals(new Outcome.Passed("measured"), Outcome.of(java.util.List.of(), "measured"));
  }

  @Test
  void webSocketReconnection() {
    String sha = SocketReconnection.expected();
    Map<String, Long> seqs = Map.of("a", 3L);
    sound(reconnection(List.of(), null, sha, 5, seqs));
    caught("came after", reconnection(List.of("event 4 came after 5"), null, sha, 5, seqs));
    caught("list again", reconnection(List.of(), "compacted", sha, 5, seqs));
    caught("received", reconnection(List.of(), null, "other", 5, seqs));
    caught("end of the output", reconnection(List.of(), null, sha, 4, seqs));
    caught("last change", reconnection(List.of(), null, sha, 5, Map.of("a", 2L)));
  }

  private static List<String> reconnection(
      List<String> faults,
      @Nullable String reset,
      String received,
      long end,
      Map<String, Long> told) {
    String sha = SocketReconnection.expected();
    return SocketReconnection.faults(
        new SocketReconnection.Seen(faults, reset, received, sha, 5, end, told, Map.of("a", 3L)));
  }

  @Test
  void dataPersistence() {
    JsonObject snapshot = json("{'verified':true,'tasks':20}");
    Map<String, String> all = Map.of("a", "title", "b", "title");
    sound(persistence(9, List.of(), snapshot, true, List.of(), all));
    caught("forced sync", persistence(8, List.of(), snapshot, true, List.of(), all));
    caught("state file", persistence(9, List.of("a"), snapshot, true, List.of(), all));
    caught(
        "not verified",
        persistence(9, List.of(), json("{'verified':false,'tasks':20}"), true, List.of(), all));
    caught(
        "tasks in the snapshot",
        persistence(9, List.of(), json("{'verified':true,'tasks':19}"), true, List.of(), all));
    caught("no file", persistence(9, List.of(), snapshot, false, List.of(), all));
    caught("both journals", persistence(9, List.of(), snapshot, true, List.of("b"), all));
    caught(
        "1 of 2 acknowledged",
        persistence(9, List.of(), snapshot, true, List.of(), Map.of("a", "title")));
    caught(
        "1 of 2 acknowledged",
        persistence(9, List.of(), snapshot, true, List.of(), Map.of("a", "title", "b", "another")));
  }

  private static List<String> persistence(
      long forced,
      List<String> withoutStateFile,
      JsonObject snapshot,
      boolean onDisk,
      List<String> single,
      Map<String, String> found) {
    return DataPersistence.faults(
        new DataPersistence.Seen(
            List.of(forced, 9L),
            withoutStateFile,
            snapshot,
            onDisk,
            single,
            Map.of("a", "title", "b", "title"),
            found));
  }

  @Test
  void healthMonitoring() {
    String well = health("healthy", "fine");
    String broken = health("degraded", "/data/state/tasks is no directory");
    sound(health(well, broken, well, List.of()));
    caught("when all is well", health(broken, broken, well, List.of()));
    caught("says healthy", health(well, well, well, List.of()));
    caught("as the reason", health(well, health("degraded", "something"), well, List.of()));
    caught("when it is mended", health(well, broken, broken, List.of()));
    caught("probe", health(well, broken, well, List.of("status of the probe live")));
    caught("component sync", health(well.replace("'sync'", "'other'"), broken, well, List.of()));
    caught("metric uptime", health(well.replace("'uptime'", "'other'"), broken, well, List.of()));
  }

  private static List<String> health(
      String before, String broken, String after, List<String> probes) {
    return HealthMonitoring.faults(
        new HealthMonitoring.Seen(
            json(before), json(broken), json(after), "/data/state/tasks", probes));
  }

  private static String health(String status, String sync) {
    String fine = "{'status':'healthy','message':'fine'}";
    return "{'status':'"
        + status
        + "','components':{'persistence':"
        + fine
        + ",'sync':{'status':'"
        + status
        + "','message':'"
        + sync
        + "'},'recovery':"
        + fine
        + ",'tasks':"
        + fine
        + ",'websocket':"
        + fine
        + "},'metrics':{'activeTasks':0,'totalTasks':0,'uptime':1,'memoryUsage':{}}}";
  }

  @Test
  void gracefulShutdown() {
    sound(stop(0, true, 1012, "clean", "ADOPTED", PID, "FAILED", 1));
    caught("exit code", stop(143, true, 1012, "clean", "ADOPTED", PID, "FAILED", 1));
    caught("bye", stop(0, false, 1012, "clean", "ADOPTED", PID, "FAILED", 1));
    caught("close code", stop(0, true, 1006, "clean", "ADOPTED", PID, "FAILED", 1));
    caught("cause", stop(0, true, 1012, "crash", "ADOPTED", PID, "FAILED", 1));
    caught("verdict", stop(0, true, 1012, "clean", "LOST", PID, "FAILED", 1));
    caught("process", stop(0, true, 1012, "clean", "ADOPTED", OTHER, "FAILED", 1));
    caught("state", stop(0, true, 1012, "clean", "ADOPTED", PID, "CANCELED", 1));
    caught("executions", stop(0, true, 1012, "clean", "ADOPTED", PID, "FAILED", 2));
  }

  private static List<String> stop(
      int exit,
      boolean bye,
      int close,
      String cause,
      String verdict,
      Api.Pid after,
      String state,
      int runs) {
    return GracefulStop.faults(
        new GracefulStop.Seen(
            exit, bye, close, cause, verdict, PID, after, state, runs, List.of()));
  }

  @Test
  void exitWhileDown() {
    JsonObject exited = json("{'kind':'EXITED','exitCode':42}");
    JsonObject killed = json("{'kind':'SIGNALED','signal':9}");
    String verdict = "EXITED_WHILE_DOWN";
    sound(ends(verdict, exited, verdict, killed));
    caught("verdict", ends("LOST", exited, verdict, killed));
    caught("exit code", ends(verdict, json("{'kind':'EXITED','exitCode':0}"), verdict, killed));
    caught("outcome", ends(verdict, json("{'kind':'UNKNOWN'}"), verdict, killed));
    caught("verdict", ends(verdict, exited, "ADOPTED", killed));
    caught("its signal", ends(verdict, exited, verdict, json("{'kind':'SIGNALED','signal':15}")));
  }

  private static List<String> ends(
      String exitVerdict, JsonObject exited, String killVerdict, JsonObject killed) {
    return ExitWhileDown.faults(new ExitWhileDown.Seen(exitVerdict, exited, killVerdict, killed));
  }

  @Test
  void damagedFile() {
    Map<String, String> state = Map.of("/api/tasks/a", "200 {}");
    sound(damaged(List.of(1, 2), state));
    caught("nothing names it", damaged(List.of(1, 1), state));
    caught("/api/tasks/a", damaged(List.of(1, 2), Map.of("/api/tasks/a", "200 {'x':1}")));
    caught("/api/tasks/a", damaged(List.of(1, 2), Map.of()));
  }

  private static List<String> damaged(List<Integer> mentions, Map<String, String> after) {
    return DamagedFile.faults(
        new DamagedFile.Seen("x flipped", mentions, Map.of("/api/tasks/a", "200 {}"), after));
  }

  @Test
  void diskFull() {
    sound(full(507, "disk-full", 200, "CANCELED", 201, "CANCELED"));
    caught("without room", full(201, "disk-full", 200, "CANCELED", 201, "CANCELED"));
    caught("code", full(507, "busy", 200, "CANCELED", 201, "CANCELED"));
    caught("read", full(507, "disk-full", 503, "CANCELED", 201, "CANCELED"));
    caught("stopped without", full(507, "disk-full", 200, "RUNNING", 201, "CANCELED"));
    caught("room again", full(507, "disk-full", 200, "CANCELED", 507, "CANCELED"));
    caught("another start", full(507, "disk-full", 200, "CANCELED", 201, "RUNNING"));
  }

  private static List<String> full(
      int refusal, String code, int read, String stopped, int again, String then) {
    return DiskFull.faults(new DiskFull.Seen(refusal, code, read, stopped, again, then));
  }

  @Test
  void secondServer() {
    JsonObject task = json("{'title':'x'}");
    sound(second(73, "held by pid 4711 on x", task, "lock"));
    caught("exit code", second(0, "held by pid 4711 on x", task, "lock"));
    caught("pid 4711", second(73, "held by pid 47110 on x", task, "lock"));
    caught("a task", second(73, "held by pid 4711 on x", json("{}"), "lock"));
    caught("lock file", second(73, "held by pid 4711 on x", task, "other"));
  }

  private static List<String> second(int exit, String said, JsonObject after, String lock) {
    return SecondServer.faults(
        new SecondServer.Seen(
            new Bench.Ended(exit, said),
            4711,
            json("{'title':'x'}"),
            after,
            List.of("lock", lock)));
  }
}

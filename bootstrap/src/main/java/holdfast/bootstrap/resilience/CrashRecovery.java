package holdfast.bootstrap.resilience;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A server is killed with one task that runs and one that waits. */
final class CrashRecovery extends Drill {

  /**
   * What was observed.
   *
   * @param writtenWhileDown bytes that the running task wrote while there was no server
   */
  record Seen(
      String cause,
      String verdict,
      int evidence,
      Api.Pid before,
      Api.Pid after,
      long writtenWhileDown,
      Ran running,
      Ran queued) {}

  /** How a task ended. */
  record Ran(String state, int exitCode, int attempts, int runs, List<String> outputFaults) {}

  @Override
  String name() {
    return "crash-recovery";
  }

  @Override
  String harm() {
    return "kills the server";
  }

  @Override
  Outcome run(Bench bench) throws IOException, InterruptedException {
    Ticking first = Ticking.in(bench.directory(), "running");
    Ticking second = Ticking.in(bench.directory(), "queued");
    String running;
    String queued;
    Api.Pid before;
    long grown;
    try (ServerProcess server = bench.start(Map.of(), "--max-running", "1")) {
      Api api = server.api();
      running = api.submit(first.task());
      queued = api.submit(second.task());
      before = Api.pid(api.awaitRunning(running));
      Wait.until("output", () -> api.output(running).length, bytes -> bytes > 50);
      server.kill();
      grown = growth(bench.find("output.log"));
    }
    try (ServerProcess server = bench.start(Map.of(), "--max-running", "1")) {
      Api api = server.api();
      JsonObject report = api.get("/api/recovery");
      JsonObject verdict = api.verdict(report, running);
      Api.Pid after = Api.pid(api.task(running));
      first.letEnd();
      second.letEnd();
      return outcome(
          new Seen(
              report.getString("cause"),
              verdict.getString("verdict"),
              verdict.getJsonArray("evidence").size(),
              before,
              after,
              grown,
              ran(api, running, first),
              ran(api, queued, second)),
          server.start());
    }
  }

  /** By how much a file grows while nobody but its writer is there. */
  private static long growth(Path output) throws IOException, InterruptedException {
    long size = Files.size(output);
    return Wait.until(
        "output of a task whose server is dead",
        () -> Files.size(output) - size,
        growth -> growth > 20);
  }

  private static Ran ran(Api api, String id, Ticking ticking)
      throws IOException, InterruptedException {
    JsonObject task = api.awaitOver(id);
    return new Ran(
        task.getString("state"),
        task.getJsonObject("outcome").getInt("exitCode", -1),
        task.getJsonArray("attempts").size(),
        ticking.runCount(),
        Ticking.faults(api.output(id)));
  }

  private static Outcome outcome(Seen seen, Duration start) {
    return Outcome.of(
        faults(seen),
        "kill -9 with a running and a queued task: "
            + seen.verdict()
            + ", same pid "
            + seen.after().pid()
            + ", "
            + seen.writtenWhileDown()
            + " bytes written meanwhile, each ran once, outputs whole; ready again after "
            + Spell.of(start));
  }

  static List<String> faults(Seen seen) {
    return new Checks()
        .equal("cause of the start", "crash", seen.cause())
        .equal("verdict of the running task", "ADOPTED", seen.verdict())
        .holds(seen.evidence() > 0, "the verdict names no evidence")
        .equal("process of the running task", seen.before(), seen.after())
        .holds(seen.writtenWhileDown() > 0, "the task stood still while the server was down")
        .all(faults("running", seen.running()))
        .all(faults("queued", seen.queued()))
        .faults();
  }

  private static List<String> faults(String which, Ran ran) {
    return new Checks()
        .equal("state of the " + which + " task", "FAILED", ran.state())
        .equal("exit code of the " + which + " task", Ticking.EXIT_CODE, ran.exitCode())
        .equal("attempts of the " + which + " task", 1, ran.attempts())
        .equal("executions of the " + which + " task", 1, ran.runs())
        .all(ran.outputFaults())
        .faults();
  }
}

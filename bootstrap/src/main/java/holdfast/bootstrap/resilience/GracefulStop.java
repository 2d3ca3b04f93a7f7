package holdfast.bootstrap.resilience;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A server gets SIGTERM while a task runs and a client follows. */
final class GracefulStop extends Drill {
  private static final int RESTARTING = 1012;

  /**
   * What was observed.
   *
   * @param closeCode of the socket, or -1 if it was not closed
   */
  record Seen(
      int exitCode,
      boolean saidBye,
      int closeCode,
      String cause,
      String verdict,
      Api.Pid before,
      Api.Pid after,
      String endState,
      int runs,
      List<String> outputFaults) {}

  @Override
  String name() {
    return "graceful-shutdown";
  }

  @Override
  String harm() {
    return "stops the server";
  }

  @Override
  Outcome run(Bench bench) throws IOException, InterruptedException {
    Ticking ticking = Ticking.in(bench.directory(), "task");
    String id;
    Api.Pid before;
    Following following;
    int closeCode;
    int exitCode;
    Duration stop;
    try (ServerProcess server = bench.start()) {
      Api api = server.api();
      id = api.submit(ticking.task());
      before = Api.pid(api.awaitRunning(id));
      following = Following.from(api.get("/api/tasks"), id);
      try (LiveSocket socket = api.follow()) {
        following.subscriptions().forEach(socket::send);
        Sockets.takeUntil(socket, following, () -> following.outputBytes() > 50);
        long begun = System.nanoTime();
        exitCode = server.terminate();
        stop = Duration.ofNanos(System.nanoTime() - begun);
        closeCode = Sockets.takeUntilClosed(socket, following);
      }
    }
    try (ServerProcess server = bench.start()) {
      Api api = server.api();
      JsonObject report = api.get("/api/recovery");
      Api.Pid after = Api.pid(api.task(id));
      String verdict = api.verdict(report, id).getString("verdict");
      ticking.letEnd();
      String end = api.awaitOver(id).getString("state");
      @Nullable JsonObject bye = following.bye();
      var seen =
          new Seen(
              exitCode,
              bye != null,
              closeCode,
              report.getString("cause"),
              verdict,
              before,
              after,
              end,
              ticking.runCount(),
              Ticking.faults(api.output(id)));
      return Outcome.of(
          faults(seen),
          "SIGTERM with a running task and a follower: bye and close "
              + closeCode
              + ", exit 0 after "
              + Spell.of(stop)
              + "; next start "
              + seen.cause()
              + ", task "
              + verdict
              + " with pid "
              + after.pid()
              + ", output whole");
    }
  }

  static List<String> faults(Seen seen) {
    return new Checks()
        .equal("exit code after SIGTERM", 0, seen.exitCode())
        .holds(seen.saidBye(), "the socket was closed without a bye")
        .equal("close code of the socket", RESTARTING, seen.closeCode())
        .equal("cause of the next start", "clean", seen.cause())
        .equal("verdict of the running task", "ADOPTED", seen.verdict())
        .equal("process of the running task", seen.before(), seen.after())
        .equal("state of the task at its end", "FAILED", seen.endState())
        .equal("executions of the task", 1, seen.runs())
        .all(seen.outputFaults())
        .faults();
  }
}

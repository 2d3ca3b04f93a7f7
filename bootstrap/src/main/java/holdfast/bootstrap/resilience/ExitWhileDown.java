package holdfast.bootstrap.resilience;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Tasks end while there is no server that could see it. */
final class ExitWhileDown extends Drill {
  private static final int EXIT_CODE = 42;
  private static final int SIGKILL = 9;

  /** What was observed of the task that exits and of the one that is killed. */
  record Seen(String exitVerdict, JsonObject exit, String killVerdict, JsonObject killed) {}

  @Override
  String name() {
    return "exit-while-down";
  }

  @Override
  String harm() {
    return "kills the server";
  }

  @Override
  Outcome run(Bench bench) throws IOException, InterruptedException {
    Path go = bench.directory().resolve("go");
    String script = "while [ ! -e \"$1\" ]; do sleep 0.02; done; ";
    String exits;
    String dies;
    try (ServerProcess server = bench.start()) {
      Api api = server.api();
      exits = api.submit(Api.shell("exits", script + "exit " + EXIT_CODE, go.toString()));
      dies = api.submit(Api.shell("dies", script + "kill -9 $$", go.toString()));
      var pids = List.of(Api.pid(api.awaitRunning(exits)), Api.pid(api.awaitRunning(dies)));
      server.kill();
      Files.createFile(go);
      for (Api.Pid pid : pids) {
        Wait.until(
            "the end of a task whose server is dead",
            () -> ProcessHandle.of(pid.pid()).filter(ProcessHandle::isAlive).isPresent(),
            alive -> !alive);
      }
    }
    try (ServerProcess server = bench.start()) {
      Api api = server.api();
      JsonObject report = api.get("/api/recovery");
      JsonObject exited = api.awaitOver(exits);
      JsonObject killed = api.awaitOver(dies);
      var seen =
          new Seen(
              api.verdict(report, exits).getString("verdict"),
              exited.getJsonObject("outcome"),
              api.verdict(report, dies).getString("verdict"),
              killed.getJsonObject("outcome"));
      return Outcome.of(
          faults(seen),
          "two tasks ended with no server there: "
              + seen.exitVerdict()
              + " with the true exit code "
              + EXIT_CODE
              + ", and the true signal "
              + SIGKILL);
    }
  }

  static List<String> faults(Seen seen) {
    return new Checks()
        .equal("verdict of the task that exited", "EXITED_WHILE_DOWN", seen.exitVerdict())
        .equal("its outcome", "EXITED", seen.exit().getString("kind"))
        .equal("its exit code", EXIT_CODE, seen.exit().getInt("exitCode", -1))
        .equal("verdict of the task that was killed", "EXITED_WHILE_DOWN", seen.killVerdict())
        .equal("its outcome", "SIGNALED", seen.killed().getString("kind"))
        .equal("its signal", SIGKILL, seen.killed().getInt("signal", -1))
        .faults();
  }
}

package holdfast.bootstrap.resilience;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

/** A second server is started on a directory that has one. */
final class SecondServer extends Drill {
  private static final int REFUSED = 73;

  /**
   * What was observed.
   *
   * @param before a task of the first server's, before the second was started
   * @param lock what the lock file says before and after
   */
  record Seen(
      Bench.Ended second, long holder, JsonObject before, JsonObject after, List<String> lock) {}

  @Override
  String name() {
    return "second-server";
  }

  @Override
  String harm() {
    return "starts another server on the same directory";
  }

  @Override
  Outcome run(Bench bench) throws IOException, InterruptedException {
    try (ServerProcess server = bench.start()) {
      Api api = server.api();
      String id = api.submit(Api.held("was there before"));
      JsonObject before = api.task(id);
      String lock = Files.readString(bench.find("LOCK"));
      Bench.Ended second = bench.startInVain();
      api.submit(Api.held("came afterwards"));
      var seen =
          new Seen(
              second,
              server.pid(),
              before,
              api.task(id),
              List.of(lock, Files.readString(bench.find("LOCK"))));
      return Outcome.of(
          faults(seen),
          "exit "
              + second.exitCode()
              + ", naming the holder's pid "
              + server.pid()
              + "; the first went on taking tasks, nothing of it changed");
    }
  }

  static List<String> faults(Seen seen) {
    String pid = String.valueOf(seen.holder());
    return new Checks()
        .equal("exit code of the second server", REFUSED, seen.second().exitCode())
        .holds(
            seen.second().said().matches("(?s).*\\b" + pid + "\\b.*"),
            "the second server does not name the holder's pid "
                + pid
                + ": "
                + Checks.shortened(seen.second().said()))
        .equal("a task of the first server", seen.before(), seen.after())
        .equal("the lock file", seen.lock().getFirst(), seen.lock().getLast())
        .faults();
  }
}

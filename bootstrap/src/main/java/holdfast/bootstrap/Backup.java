package holdfast.bootstrap;

import holdfast.adapters.file.LiveBackup;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;

/** {@code holdfast backup}: copies a data directory consistently, also under a running server. */
final class Backup {
  private Backup() {}

  /**
   * Prints what is damaged in the source to {@code err}, and one line about the backup to {@code
   * out}; returns the exit code. A signal makes it give up and remove what there is.
   */
  static int run(
      String target,
      Map<String, String> options,
      Map<String, String> environment,
      PrintStream out,
      PrintStream err) {
    Configuration configuration = Server.configuration(options, environment);
    InstantSource clock = InstantSource.system();
    Instant begun = clock.instant();
    var order =
        new LiveBackup.Order(Storage.settings(configuration, clock, _ -> {}), Path.of(target));
    Signals.onEnd(_ -> order.giveUp(), _ -> end(order));
    LiveBackup.Result made = order.run();
    made.findings().forEach(err::println);
    out.println(
        made.target()
            + ": "
            + made.tasks()
            + " tasks, seq "
            + made.seq()
            + ", "
            + made.bytes()
            + " bytes written in "
            + Duration.between(begun, clock.instant()).toMillis()
            + " ms"
            + (made.rounds() == 1 ? "" : " and " + made.rounds() + " rounds"));
    out.flush();
    if (made.findings().isEmpty()) {
      return ExitCode.OK;
    }
    err.println(
        "holdfast: the backup is kept, but what is named above is damaged in it, because it is in "
            + configuration.get(Settings.DATA_DIR));
    return ExitCode.FINDINGS;
  }

  /** Asked a second time: without waiting for anything. */
  private static void end(LiveBackup.Order order) {
    try {
      order.removeNow();
    } catch (IOException left) {
      System.err.println("holdfast: what was made of the backup remains: " + left);
    } finally {
      Runtime.getRuntime().halt(ExitCode.FINDINGS);
    }
  }
}

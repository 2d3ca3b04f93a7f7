package holdfast.bootstrap;

import holdfast.adapters.file.OfflineVerification;
import java.io.PrintStream;
import java.time.InstantSource;
import java.util.Map;

/** {@code holdfast verify}: checks a data directory that no server uses. */
final class Verify {
  private Verify() {}

  /** Prints one line for each finding, and a last one that sums up; returns the exit code. */
  static int run(Map<String, String> options, Map<String, String> environment, PrintStream out) {
    Configuration configuration = Server.configuration(options, environment);
    OfflineVerification.Result result =
        OfflineVerification.run(Storage.settings(configuration, InstantSource.system(), _ -> {}));
    result.findings().forEach(out::println);
    if (result.copied() != null) {
      out.println("note: " + result.copied());
    }
    int count = result.findings().size();
    out.println(
        (count == 0 ? "sound: " : count + (count == 1 ? " finding: " : " findings: "))
            + result.tasks()
            + " tasks, "
            + result.initiatives()
            + " initiatives, seq "
            + result.seq()
            + " in "
            + configuration.get(Settings.DATA_DIR));
    out.flush();
    return count == 0 ? ExitCode.OK : ExitCode.FINDINGS;
  }
}

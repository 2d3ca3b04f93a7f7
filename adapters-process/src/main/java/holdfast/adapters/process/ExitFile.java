package holdfast.adapters.process;

import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.ProcessIdentity;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The content of a run's {@code exit} file; its form is given at {@link RunDirectory}. */
final class ExitFile {
  private static final String END = "end\n";

  private ExitFile() {}

  /**
   * Reads a record.
   *
   * @param command lends words to the sentence that says why it could not be started
   * @param host to tell this boot's clock from another's
   */
  static ExitRecord parse(byte[] content, Supplier<StartFailure> command, Host host, Instant now) {
    if (ProcessRecord.isBlank(content)) {
      return new ExitRecord.None();
    }
    String text = new String(content, StandardCharsets.ISO_8859_1);
    int end = text.indexOf("\n" + END) + 1;
    String half = text.substring(0, end / 2);
    if (end == 0 || end % 2 != 0 || !text.startsWith(half, end / 2)) {
      return new ExitRecord.Damaged("its two halves differ or its end is missing");
    }
    try {
      return parse(half.lines().toList(), command, host, now);
    } catch (IllegalArgumentException | IndexOutOfBoundsException broken) {
      return new ExitRecord.Damaged(String.valueOf(broken.getMessage()));
    }
  }

  private static ExitRecord parse(
      List<String> lines, Supplier<StartFailure> command, Host host, Instant now) {
    boolean reached =
        switch (ProcessRecord.value(lines.get(1), "exec ")) {
          case "reached" -> true;
          case "not-reached" -> false;
          default -> throw new IllegalArgumentException("neither reached nor not: " + lines.get(1));
        };
    long pid = Long.parseLong(ProcessRecord.value(lines.get(2), "pid "));
    long start = Long.parseLong(ProcessRecord.value(lines.get(3), "start "));
    String boot = ProcessRecord.value(lines.get(4), "boot ");
    double uptime = Double.parseDouble(ProcessRecord.value(lines.get(5), "uptime "));
    return new ExitRecord.Valid(
        outcome(lines.getFirst(), command),
        reached,
        pid == 0 ? null : new ProcessIdentity(pid, start, boot),
        endedAt(boot.equals(host.bootId()), uptime, now));
  }

  /** In another boot nothing is left to compare the recorded uptime with. */
  private static @Nullable Instant endedAt(boolean sameBoot, double uptime, Instant now) {
    long agoMillis = Math.round((Host.uptimeSeconds() - uptime) * 1_000);
    return sameBoot ? now.minusMillis(Math.max(0, agoMillis)) : null;
  }

  private static Outcome outcome(String line, Supplier<StartFailure> command) {
    String[] words = line.split(" ", -1);
    return switch (words[0]) {
      case "exited" -> new Outcome.Exited(Integer.parseInt(words[1]), words[2].equals("certain"));
      case "signaled" -> new Outcome.Signaled(Integer.parseInt(words[1]));
      case "failed" -> new Outcome.StartFailed(command.get().sentence(words[1], words[2]));
      default -> throw new IllegalArgumentException("not an outcome: " + line);
    };
  }
}

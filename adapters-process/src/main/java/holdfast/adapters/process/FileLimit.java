package holdfast.adapters.process;

import java.util.Optional;

/**
 * How many files a command may have open. The JVM raises its own soft limit to the hard one, and a
 * command must not inherit that: programs that use {@code select(2)}, or close every descriptor
 * there may be, take a small soft limit for granted.
 *
 * <p>What the JVM was given cannot be asked for any more, but its parent still has it, unless the
 * parent was started otherwise: so it is believed only if its hard limit is ours. Pid 1 is not
 * asked, since it raises its own limits too.
 */
final class FileLimit {
  /** Leaves the limit as it is. */
  static final String INHERITED = "-";

  private static final int LIMITS_BYTES_MAX = 8_192;
  private static final String LINE = "Max open files";

  private FileLimit() {}

  /** The monitor's FILES argument. */
  static String original() {
    ProcTable.Entry self = ProcTable.find(ProcessHandle.current().pid());
    return self == null || self.parent() <= 1
        ? INHERITED
        : original(limits("self"), limits(String.valueOf(self.parent())));
  }

  /**
   * @param own text of this process's {@code /proc/<pid>/limits}
   * @param parents text of the parent's
   */
  static String original(String own, String parents) {
    Optional<String[]> ours = values(own);
    return values(parents)
        .filter(theirs -> ours.isPresent() && theirs[1].equals(ours.get()[1]))
        .filter(theirs -> !theirs[0].equals(ours.get()[0]))
        .map(theirs -> theirs[0])
        .orElse(INHERITED);
  }

  /** Soft and hard limit. */
  private static Optional<String[]> values(String limits) {
    return limits
        .lines()
        .filter(line -> line.startsWith(LINE))
        .map(line -> line.substring(LINE.length()).strip().split(" +", -1))
        .filter(words -> words.length >= 2 && words[0].chars().allMatch(Character::isDigit))
        .findFirst();
  }

  private static String limits(String process) {
    byte[] content = ProcTable.read("/proc/" + process + "/limits", LIMITS_BYTES_MAX);
    return content == null ? "" : new String(content, java.nio.charset.StandardCharsets.US_ASCII);
  }
}

package holdfast.adapters.process;

import holdfast.domain.task.ProcessIdentity;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The content of a run's {@code process} file. */
sealed interface ProcessRecord {

  /** As the server made it, or emptied by a power cut before it was forced. */
  record Blank() implements ProcessRecord {}

  /**
   * Whole.
   *
   * @param monitor pid of the monitor, or 0; a hint, never proven
   */
  record Complete(ProcessIdentity identity, long monitor) implements ProcessRecord {}

  /** Neither. */
  record Damaged() implements ProcessRecord {}

  static ProcessRecord parse(byte[] content) {
    if (isBlank(content)) {
      return new Blank();
    }
    List<String> lines = new String(content, StandardCharsets.ISO_8859_1).lines().toList();
    if (lines.size() < 5 || !lines.get(4).equals("end")) {
      return new Damaged();
    }
    try {
      return new Complete(
          new ProcessIdentity(
              Long.parseLong(value(lines.get(0), "pid ")),
              Long.parseLong(value(lines.get(1), "start ")),
              value(lines.get(2), "boot ")),
          Long.parseLong(value(lines.get(3), "monitor ")));
    } catch (IllegalArgumentException broken) {
      return new Damaged();
    }
  }

  static boolean isBlank(byte[] content) {
    for (byte b : content) {
      if (b != '\n' && b != 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * What follows {@code name} on its line.
   *
   * @throws IllegalArgumentException if the line is another
   */
  static String value(String line, String name) {
    if (!line.startsWith(name)) {
      throw new IllegalArgumentException("expected \"" + name + "\", found \"" + line + "\"");
    }
    return line.substring(name.length());
  }
}

package holdfast.adapters.process;

import holdfast.domain.task.ProcessIdentity;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads {@code /proc}. */
final class ProcTable {
  private static final int STAT_BYTES_MAX = 4_096;
  private static final int ENVIRON_BYTES_MAX = 4 << 20;

  // Fields of /proc/<pid>/stat behind the name, which is in parentheses and may contain anything.
  private static final int STATE = 0;
  private static final int SESSION = 3;
  private static final int START_TICKS = 19;

  private ProcTable() {}

  /**
   * A process as it was at one moment.
   *
   * @param session pid of its session's leader
   */
  record Entry(long pid, char state, long session, long startTicks) {
    boolean isZombie() {
      return state == 'Z' || state == 'X';
    }

    ProcessIdentity identity(String bootId) {
      return new ProcessIdentity(pid, startTicks, bootId);
    }
  }

  /** Every process that can be seen. */
  static List<Entry> all() {
    var entries = new ArrayList<Entry>();
    try (Directory proc = Directory.open("/proc")) {
      for (String name : proc.names()) {
        if (Character.isDigit(name.charAt(0))) {
          Entry entry = find(Long.parseLong(name));
          if (entry != null) {
            entries.add(entry);
          }
        }
      }
    }
    return entries;
  }

  /** The cookies of all runs of which at least one process lives. */
  static Set<String> cookies() {
    var cookies = new HashSet<String>();
    for (Entry entry : all()) {
      String cookie = entry.isZombie() ? null : cookie(entry.pid());
      if (cookie != null) {
        cookies.add(cookie);
      }
    }
    return cookies;
  }

  /** The process with this pid, or null if there is none. */
  static @Nullable Entry find(long pid) {
    byte[] content = read("/proc/" + pid + "/stat", STAT_BYTES_MAX);
    if (content == null) {
      return null;
    }
    String stat = new String(content, StandardCharsets.ISO_8859_1);
    int name = stat.lastIndexOf(')');
    if (name < 0 || stat.length() < name + 2) {
      return null;
    }
    String[] fields = stat.substring(name + 2).strip().split(" ", -1);
    return fields.length <= START_TICKS
        ? null
        : new Entry(
            pid,
            fields[STATE].charAt(0),
            Long.parseLong(fields[SESSION]),
            Long.parseLong(fields[START_TICKS]));
  }

  /**
   * The run's cookie in a process's environment, or null if it has none or may not be looked at.
   */
  static @Nullable String cookie(long pid) {
    byte[] environ = read("/proc/" + pid + "/environ", ENVIRON_BYTES_MAX);
    if (environ == null) {
      return null;
    }
    String wanted = CommandEnvironment.COOKIE + "=";
    for (String variable : new String(environ, StandardCharsets.ISO_8859_1).split("\0", -1)) {
      if (variable.startsWith(wanted)) {
        return variable.substring(wanted.length());
      }
    }
    return null;
  }

  /** A process may end between any two looks at it: whatever fails then means that it is gone. */
  private static byte @Nullable [] read(String path, int limit) {
    int fd = Kernel.open(Kernel.AT_FDCWD, path, Kernel.O_RDONLY, 0);
    if (fd < 0) {
      return null;
    }
    try {
      return Kernel.readGrowing(fd, limit);
    } finally {
      Kernel.close(fd);
    }
  }
}

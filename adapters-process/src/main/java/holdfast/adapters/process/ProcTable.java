package holdfast.adapters.process;

import holdfast.domain.task.ProcessIdentity;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads {@code /proc}. */
final class ProcTable {
  private static final int LISTED_AHEAD_BYTES = 320;

  private static final int STAT_BYTES_MAX = 4_096;
  private static final int ENVIRON_BYTES_MAX = 4 << 20;

  // Fields of /proc/<pid>/stat behind the name, which is in parentheses and may contain anything.
  private static final int STATE = 0;
  private static final int PARENT = 1;
  private static final int GROUP = 2;
  private static final int SESSION = 3;
  private static final int START_TICKS = 19;

  private ProcTable() {}

  /**
   * A process as it was at one moment.
   *
   * @param parent pid of its parent
   * @param group pid of its process group's first process
   * @param session pid of its session's leader
   */
  record Entry(long pid, char state, long parent, long group, long session, long startTicks) {
    /** Threads of the kernel are in no session; whatever a run starts is. */
    boolean isOfKernel() {
      return session == 0;
    }

    boolean isZombie() {
      return state == 'Z' || state == 'X';
    }

    /** Whether it is the same process, seen at another moment. */
    boolean isSame(@Nullable Entry other) {
      return other != null && pid == other.pid && startTicks == other.startTicks;
    }

    boolean is(ProcessIdentity identity) {
      return pid == identity.pid() && startTicks == identity.startTicks();
    }

    ProcessIdentity identity(String bootId) {
      return new ProcessIdentity(pid, startTicks, bootId);
    }
  }

  /** Every process that can be seen and is not dead, by rising pid. */
  static List<Entry> all() {
    var entries = new ArrayList<Entry>();
    forEach(entries::add);
    return entries;
  }

  /**
   * Shows every process that is not dead as soon as it is seen, by rising pid. Few are listed
   * ahead, so that one which hands itself on to a child is caught up with.
   */
  static void forEach(Consumer<Entry> seen) {
    try (Directory proc = Directory.open("/proc")) {
      proc.forEachName(
          LISTED_AHEAD_BYTES,
          name -> {
            Entry entry = Character.isDigit(name.charAt(0)) ? find(Long.parseLong(name)) : null;
            if (entry != null && !entry.isZombie()) {
              seen.accept(entry);
            }
          });
    }
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
            Long.parseLong(fields[PARENT]),
            Long.parseLong(fields[GROUP]),
            Long.parseLong(fields[SESSION]),
            Long.parseLong(fields[START_TICKS]));
  }

  /** The variables that a process was executed with. Empty if they may not be looked at. */
  static Variables variables(long pid) {
    byte[] environ = read("/proc/" + pid + "/environ", ENVIRON_BYTES_MAX);
    return new Variables(
        environ == null ? "" : "\0" + new String(environ, StandardCharsets.ISO_8859_1) + "\0");
  }

  /**
   * Variables as {@code /proc} shows them.
   *
   * @param text each between two NUL characters
   */
  record Variables(String text) {
    /** Whether they could be looked at, and there were none. */
    boolean isEmpty() {
      return text.equals("\0\0");
    }

    boolean have(String name, String value) {
      return text.contains("\0" + name + "=" + value + "\0");
    }

    /** The value of the first one with this name, or null. */
    @Nullable String value(String name) {
      String wanted = "\0" + name + "=";
      int at = text.indexOf(wanted);
      return at < 0
          ? null
          : text.substring(at + wanted.length(), text.indexOf('\0', at + wanted.length()));
    }
  }

  /** A process may end between any two looks at it: whatever fails then means that it is gone. */
  static byte @Nullable [] read(String path, int limit) {
    int fd = Kernel.open(Kernel.AT_FDCWD, path, Kernel.O_RDONLY, 0);
    if (fd < 0) {
      if (Errno.EMFILE.is(fd) || Errno.ENFILE.is(fd) || Errno.ENOMEM.is(fd)) {
        throw new SystemCallException("open " + path, -fd);
      }
      return null;
    }
    try {
      return Kernel.readWhileThere(fd, limit);
    } finally {
      Kernel.close(fd);
    }
  }
}

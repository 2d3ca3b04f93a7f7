package holdfast.adapters.process;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The control groups (cgroup v2) of commands, where this server may make any: one for each run,
 * named by its cookie, so that a process that hides in a session of its own with an empty
 * environment still is known, and all can be killed at one blow. The native monitor makes them and
 * removes them; without them nothing is missing but that.
 *
 * @param parent directory of the groups, or null
 */
record ControlGroups(@Nullable String parent) {
  /** The monitor's GROUP argument where none is to be made. */
  static final String NONE = "-";

  private static final List<String> MOUNTS = List.of("/sys/fs/cgroup", "/sys/fs/cgroup/unified");
  private static final String OWN = "0::";
  private static final String MEMBERS = "cgroup.procs";
  private static final String KILL = "cgroup.kill";
  private static final int TEXT_BYTES_MAX = 1 << 20;

  /** Looks for a place below the group of this process. */
  static ControlGroups find() {
    String own = groupOf("self");
    if (own != null) {
      for (String mount : MOUNTS) {
        String here = mount + (own.equals("/") ? "" : own);
        if (usable(here)) {
          return new ControlGroups(here + "/holdfast");
        }
      }
    }
    return new ControlGroups(null);
  }

  /** An older kernel has no cgroup.kill, and a read-only mount lets nobody make a group. */
  private static boolean usable(String here) {
    try (Directory group = Directory.openIfPresent(here)) {
      if (group == null || !group.has(MEMBERS)) {
        return false;
      }
      Directory.make(here + "/holdfast");
      try (Directory made = Directory.open(here + "/holdfast")) {
        return made.has(KILL);
      }
    } catch (SystemCallException refused) {
      return false;
    }
  }

  /** The monitor's GROUP argument. */
  String argument(String cookie) {
    return parent == null || !isName(cookie) ? NONE : parent + "/" + cookie;
  }

  private static boolean isName(String cookie) {
    return !cookie.isEmpty()
        && cookie.chars().allMatch(c -> c == '-' || (c < 128 && Character.isLetterOrDigit(c)));
  }

  /** Whether a process is in the run's group, by the kernel's word. */
  static boolean contains(String cookie, long pid) {
    String group = groupOf(String.valueOf(pid));
    return group != null && isName(cookie) && group.endsWith("/holdfast/" + cookie);
  }

  /** Pids in the run's group; empty if there is none. */
  List<Long> members(String cookie) {
    String group = argument(cookie);
    byte[] pids = group.equals(NONE) ? null : ProcTable.read(group + "/" + MEMBERS, TEXT_BYTES_MAX);
    return pids == null
        ? List.of()
        : new String(pids, StandardCharsets.US_ASCII).lines().map(Long::valueOf).toList();
  }

  /** Kills every process of the run's group at once; whether that could be done. */
  boolean kill(String cookie) {
    String group = argument(cookie);
    if (group.equals(NONE)) {
      return false;
    }
    int file = Kernel.open(Kernel.AT_FDCWD, group + "/" + KILL, Kernel.O_WRONLY, 0);
    if (file < 0) {
      return false;
    }
    try {
      return Kernel.writeSome(file, new byte[] {'1'}) == 1;
    } finally {
      Kernel.close(file);
    }
  }

  /** Removes a run's group that its monitor could not remove; not while anything lives in it. */
  void remove(String cookie) {
    String group = argument(cookie);
    if (!group.equals(NONE)) {
      Directory.removeEmpty(group);
    }
  }

  private static @Nullable String groupOf(String process) {
    byte[] groups = ProcTable.read("/proc/" + process + "/cgroup", TEXT_BYTES_MAX);
    return groups == null
        ? null
        : new String(groups, StandardCharsets.UTF_8)
            .lines()
            .filter(line -> line.startsWith(OWN))
            .map(line -> line.substring(OWN.length()))
            .findFirst()
            .orElse(null);
  }
}

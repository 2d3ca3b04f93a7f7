package holdfast.adapters.process;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The monitors that this very process started: they must be waited for, or they stay as zombies.
 */
final class Children {
  private static final int WNOHANG = 1;
  private static final int ANY_CHILD = -1;
  private static final int ORPHANS_AT_ONCE_MAX = 10_000;

  private final boolean firstProcess = Host.isFirstProcess();

  private final Set<Integer> pids = ConcurrentHashMap.newKeySet();

  void add(int pid) {
    pids.add(pid);
  }

  /** Takes leave of those that have ended. Never waits. */
  void reap() {
    pids.removeIf(pid -> waitFor(pid, WNOHANG, MemorySegment.NULL) != 0);
    if (firstProcess) {
      reapOrphans();
    }
  }

  /**
   * Takes leave of what commands left behind: all orphans of a container fall to its first process.
   * Nobody else in this process waits for a child by now.
   */
  private static void reapOrphans() {
    int reaped = 0;
    while (reaped < ORPHANS_AT_ONCE_MAX && waitFor(ANY_CHILD, WNOHANG, MemorySegment.NULL) > 0) {
      reaped++;
    }
  }

  /** Waits for a child's end; its exit code, or -1 if there is none. */
  static int exitStatus(int pid) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment status = arena.allocate(JAVA_INT);
      long ended = waitFor(pid, 0, status);
      int word = status.get(JAVA_INT, 0);
      return ended == pid && (word & 0x7f) == 0 ? word >> 8 & 0xff : -1;
    }
  }

  private static long waitFor(int pid, int options, MemorySegment status) {
    return Kernel.call(Kernel.Call.WAIT4, pid, status.address(), options, 0, 0);
  }
}

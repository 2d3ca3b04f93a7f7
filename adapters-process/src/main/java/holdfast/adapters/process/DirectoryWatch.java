package holdfast.adapters.process;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/**
 * Hears when a file in a directory is closed after writing, by {@code inotify(7)}. A hint: events
 * may be lost when there are too many. {@link #await} is for one thread, the rest for any.
 */
final class DirectoryWatch implements AutoCloseable {
  private static final int IN_CLOSE_WRITE = 0x8;
  private static final int IN_ONLYDIR = 0x01000000;
  private static final int NONBLOCK_CLOEXEC = 0x80800;
  private static final short POLLIN = 1;
  private static final int POLLFD_BYTES = 8;
  private static final int BUFFER_BYTES = 64 * 1024;

  // struct inotify_event: watch 4, mask 4, cookie 4, length of the name 4, name
  private static final int EVENT_BYTES = 16;

  private final int inotify;
  private final int wakeUp;
  private boolean closed;

  private DirectoryWatch(int inotify, int wakeUp) {
    this.inotify = inotify;
    this.wakeUp = wakeUp;
  }

  static DirectoryWatch open() {
    long inotify = Kernel.call(Kernel.Call.INOTIFY_INIT1, NONBLOCK_CLOEXEC);
    Kernel.check(inotify, "watch directories");
    long wakeUp = Kernel.call(Kernel.Call.EVENTFD2, 0, NONBLOCK_CLOEXEC, 0);
    Kernel.check(wakeUp, "make an event descriptor");
    return new DirectoryWatch((int) inotify, (int) wakeUp);
  }

  /** The number under which changes will be reported, or -1 if the directory cannot be watched. */
  synchronized int add(String directory) {
    if (closed) {
      return -1;
    }
    try (Arena arena = Arena.ofConfined()) {
      long watch =
          Kernel.call(
              Kernel.Call.INOTIFY_ADD_WATCH,
              inotify,
              arena.allocateFrom(directory).address(),
              IN_CLOSE_WRITE | IN_ONLYDIR);
      return watch < 0 ? -1 : (int) watch;
    }
  }

  /** Watches no longer; one that ended with its directory is no error. */
  synchronized void remove(int watch) {
    if (!closed) {
      Kernel.call(Kernel.Call.INOTIFY_RM_WATCH, inotify, watch, 0);
    }
  }

  /** Waits for changes, but no longer than so many nanoseconds, and adds what changed. */
  void await(long nanos, Set<Integer> changed) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment descriptors = arena.allocate(2L * POLLFD_BYTES, 4);
      descriptors.set(JAVA_INT, 0, inotify);
      descriptors.set(JAVA_SHORT, 4, POLLIN);
      descriptors.set(JAVA_INT, POLLFD_BYTES, wakeUp);
      descriptors.set(JAVA_SHORT, POLLFD_BYTES + 4, POLLIN);
      MemorySegment limit = arena.allocate(16, 8);
      limit.set(JAVA_LONG, 0, nanos / 1_000_000_000L);
      limit.set(JAVA_LONG, 8, nanos % 1_000_000_000L);
      Kernel.call(Kernel.Call.PPOLL, descriptors.address(), 2, limit.address(), 0, 0);
      MemorySegment events = arena.allocate(BUFFER_BYTES, 8);
      long length = Kernel.call(Kernel.Call.READ, inotify, events.address(), BUFFER_BYTES);
      for (long at = 0; at < length; at += EVENT_BYTES + events.get(JAVA_INT, at + 12)) {
        changed.add(events.get(JAVA_INT, at));
      }
    }
  }

  /** Ends a wait that is under way, or the next one. */
  synchronized void wake() {
    if (!closed) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment one = arena.allocate(JAVA_LONG);
        one.set(JAVA_LONG, 0, 1);
        Kernel.call(Kernel.Call.WRITE, wakeUp, one.address(), Long.BYTES);
      }
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      Kernel.close(inotify);
      Kernel.close(wakeUp);
    }
  }
}

package holdfast.adapters.process;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Hears when a record in a run directory is closed after writing, by {@code inotify(7)}. A hint:
 * events may be lost when there are too many, and a machine may have no watch to spare. {@link
 * #await} is for one thread, the rest for any.
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
  private final MemorySegment buffer = Arena.ofAuto().allocate(BUFFER_BYTES, 8);
  private volatile @Nullable String obstacle;
  private boolean closed;

  private DirectoryWatch(int inotify, int wakeUp) {
    this.inotify = inotify;
    this.wakeUp = wakeUp;
    if (inotify < 0) {
      obstacle = describe(inotify);
    }
  }

  static DirectoryWatch open() {
    long inotify = Kernel.call(Kernel.Call.INOTIFY_INIT1, NONBLOCK_CLOEXEC);
    long wakeUp = Kernel.call(Kernel.Call.EVENTFD2, 0, NONBLOCK_CLOEXEC, 0);
    Kernel.check(wakeUp, "make an event descriptor");
    return new DirectoryWatch((int) inotify, (int) wakeUp);
  }

  /** Why changes are not heard of at once, as a sentence, or null. */
  @Nullable String obstacle() {
    return obstacle;
  }

  private static String describe(long error) {
    return "the ends of commands are seen up to a second late, since directories cannot be watched: "
        + Errno.describe((int) -error);
  }

  /** The number under which changes will be reported, or -1 if the directory cannot be watched. */
  synchronized int add(String directory) {
    if (closed || inotify < 0) {
      return -1;
    }
    try (Arena arena = Arena.ofConfined()) {
      long watch =
          Kernel.call(
              Kernel.Call.INOTIFY_ADD_WATCH,
              inotify,
              arena.allocateFrom(directory).address(),
              IN_CLOSE_WRITE | IN_ONLYDIR);
      if (Errno.ENOSPC.is(watch) || Errno.ENOMEM.is(watch)) {
        obstacle = describe(watch);
      } else if (watch >= 0) {
        obstacle = null;
      }
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
      // A negative descriptor is passed over.
      MemorySegment descriptors = arena.allocate(2L * POLLFD_BYTES, 4);
      descriptors.set(JAVA_INT, 0, inotify);
      descriptors.set(JAVA_SHORT, 4, POLLIN);
      descriptors.set(JAVA_INT, POLLFD_BYTES, wakeUp);
      descriptors.set(JAVA_SHORT, POLLFD_BYTES + 4, POLLIN);
      MemorySegment limit = arena.allocate(16, 8);
      limit.set(JAVA_LONG, 0, nanos / 1_000_000_000L);
      limit.set(JAVA_LONG, 8, nanos % 1_000_000_000L);
      Kernel.call(Kernel.Call.PPOLL, descriptors.address(), 2, limit.address(), 0, 0);
    }
    long length = Kernel.call(Kernel.Call.READ, inotify, buffer.address(), BUFFER_BYTES);
    for (long at = 0; at < length; ) {
      int nameBytes = buffer.get(JAVA_INT, at + 12);
      // Output that a command opens and closes itself is nothing to look at.
      if (nameBytes > 0
          && RunDirectory.isRecord(
              buffer.getString(at + EVENT_BYTES, StandardCharsets.ISO_8859_1))) {
        changed.add(buffer.get(JAVA_INT, at));
      }
      at += EVENT_BYTES + nameBytes;
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
      if (inotify >= 0) {
        Kernel.close(inotify);
      }
      Kernel.close(wakeUp);
    }
  }
}

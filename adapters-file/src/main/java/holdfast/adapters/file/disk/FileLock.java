package holdfast.adapters.file.disk;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A lock by flock(2) on a file that stays. It ends with the process, however that dies, and with
 * nothing less: unlike the lock of a {@link java.nio.channels.FileChannel}, it is not lost when
 * some other descriptor of the same file is closed. The descriptor is opened close-on-exec, so that
 * no child inherits the lock.
 */
public final class FileLock implements AutoCloseable {
  private static final int O_RDWR = 2;
  private static final int O_CREAT = 0x40;
  private static final int O_NOFOLLOW = 0x20000;
  private static final int O_CLOEXEC = 0x80000;
  private static final int LOCK_EXCLUSIVE_NOW = 2 | 4;
  private static final int EWOULDBLOCK = 11;
  private static final int CONTENT_BYTES_MAX = 4_096;
  private static final int ATTEMPTS_MAX = 10;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle OPEN =
      function(
          "open",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle FLOCK =
      function(
          "flock",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  private static final MethodHandle CLOSE =
      function("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private final Path file;
  private final int descriptor;
  private final long inode;
  private final AtomicBoolean open = new AtomicBoolean(true);

  private FileLock(Path file, int descriptor) throws IOException {
    this.file = file;
    this.descriptor = descriptor;
    this.inode = inode(file, descriptor);
  }

  /** The inode number behind a descriptor, as the kernel tells it. */
  private static long inode(Path file, int descriptor) throws IOException {
    var opened = Path.of("/proc/self/fd/" + descriptor);
    try {
      return NioDisk.inodeOfTarget(opened);
    } catch (IOException e) {
      close(descriptor);
      throw new IOException("cannot find out which file the lock on " + file + " is", e);
    }
  }

  // Three functions of the C library with fixed signatures; the descriptors above are theirs.
  @SuppressWarnings("restricted")
  private static MethodHandle function(
      String name, FunctionDescriptor type, Linker.Option... options) {
    var all = new java.util.ArrayList<>(java.util.List.of(options));
    all.add(Linker.Option.captureCallState("errno"));
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name), type, all.toArray(Linker.Option[]::new));
  }

  /**
   * Takes the lock.
   *
   * @throws LockHeldException with the first line of the file if it is taken
   */
  public static FileLock acquire(Path file) throws IOException {
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      var lock = new FileLock(file, descriptor(file));
      if (lock.isInPlace()) {
        return lock;
      }
      // Between opening and locking, the file was removed: the lock is on one that nobody finds.
      lock.close();
    }
    throw new IOException(file + " is being replaced again and again by something else");
  }

  private static int descriptor(Path file) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      MemorySegment path = arena.allocateFrom(file.toAbsolutePath().toString());
      int descriptor = open(state, path);
      if (descriptor < 0) {
        throw new IOException(
            "cannot open "
                + file
                + " to lock it (errno "
                + errno(state)
                + "): it must be a file of this user, or be missing");
      }
      if (flock(state, descriptor) != 0) {
        int errno = errno(state);
        close(descriptor);
        if (errno == EWOULDBLOCK) {
          throw new LockHeldException(holder(file));
        }
        throw new IOException("cannot lock " + file + ": errno " + errno);
      }
      return descriptor;
    }
  }

  /** Whether the file that is locked is the one that bears the name. */
  public boolean isInPlace() throws IOException {
    Disk disk = new NioDisk();
    return disk.kind(file) == Disk.Kind.FILE && disk.inode(file) == inode;
  }

  /** What the file says; empty if it cannot be read. */
  public String content() {
    try {
      return new String(new NioDisk().readAll(file, CONTENT_BYTES_MAX), StandardCharsets.UTF_8);
    } catch (IOException _) {
      // What it says is for people, and about earlier starts: a start does not fail for it.
      return "";
    }
  }

  /** Replaces what the file says. */
  public void write(String content) throws IOException {
    // Opening the file once more is safe: a lock by flock(2) belongs to the descriptor.
    try (DiskFile opened = new NioDisk().open(file, Disk.Access.WRITE)) {
      opened.truncate(0);
      opened.write(ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8)), 0);
    }
  }

  private static String holder(Path file) {
    try {
      var content =
          new String(new NioDisk().readAll(file, CONTENT_BYTES_MAX), StandardCharsets.UTF_8);
      return content.lines().findFirst().orElse("an unknown holder");
    } catch (IOException e) {
      return "an unknown holder (" + e.getMessage() + ")";
    }
  }

  private static int errno(MemorySegment state) {
    return (int) ERRNO.get(state, 0L);
  }

  private static int open(MemorySegment state, MemorySegment path) {
    try {
      return (int) OPEN.invokeExact(state, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static int flock(MemorySegment state, int descriptor) {
    try {
      return (int) FLOCK.invokeExact(state, descriptor, LOCK_EXCLUSIVE_NOW);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static void close(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      int ignored = (int) CLOSE.invokeExact(arena.allocate(STATE), descriptor);
      assert ignored == 0 : "close of a lock's descriptor failed";
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    if (open.compareAndSet(true, false)) {
      close(descriptor);
    }
  }
}

package holdfast.adapters.file.disk;

import java.io.IOException;
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
  private static final int LOCK_EXCLUSIVE_NOW = 2 | 4;
  private static final int EWOULDBLOCK = 11;
  private static final int CONTENT_BYTES_MAX = 4_096;
  private static final int ATTEMPTS_MAX = 10;

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
      SystemCalls.close(descriptor);
      throw new IOException("cannot find out which file the lock on " + file + " is", e);
    }
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
    SystemCalls.Result opened = SystemCalls.openToLock(file);
    if (opened.failed()) {
      throw new IOException(
          "cannot open "
              + file
              + " to lock it (errno "
              + opened.errno()
              + "): it must be a file of this user, or be missing");
    }
    SystemCalls.Result locked = SystemCalls.flock(opened.value(), LOCK_EXCLUSIVE_NOW);
    if (locked.failed()) {
      SystemCalls.close(opened.value());
      if (locked.errno() == EWOULDBLOCK) {
        throw new LockHeldException(holder(file));
      }
      throw new IOException("cannot lock " + file + ": errno " + locked.errno());
    }
    return opened.value();
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
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    try (DiskFile opened = new NioDisk().open(file, Disk.Access.WRITE)) {
      // Written over and then cut: on a full disk, what is cut first may be somebody else's then.
      opened.write(ByteBuffer.wrap(bytes), 0);
      opened.truncate(bytes.length);
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

  @Override
  public void close() {
    if (open.compareAndSet(true, false)) {
      SystemCalls.close(descriptor);
    }
  }
}

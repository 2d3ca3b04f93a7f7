package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.FileLock;
import holdfast.adapters.file.disk.LockHeldException;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.layout.Layout;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Keeps servers off a directory while it is looked at, and changes nothing in it. */
final class Offline implements AutoCloseable {
  private final @Nullable FileLock lock;

  private Offline(@Nullable FileLock lock) {
    this.lock = lock;
  }

  /**
   * Takes the lock of a directory that holds something. Without the file there is no server, and
   * none is made.
   *
   * @throws FileStorageException if there is no such directory, or a server holds it
   */
  static Offline hold(Layout layout) throws IOException {
    Disk disk = new NioDisk();
    if (disk.kind(layout.state()) != Disk.Kind.DIRECTORY) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED,
          layout.state() + " is no directory: nothing has been stored there");
    }
    try {
      return new Offline(
          disk.kind(layout.lock()) == Disk.Kind.FILE ? FileLock.acquire(layout.lock()) : null);
    } catch (LockHeldException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED,
          layout.state()
              + " is in use by a server: "
              + e.getMessage()
              + ". Stop it first; while it runs, its own scrub checks what it keeps",
          e);
    }
  }

  /** What the lock's file says. */
  String content() {
    return lock == null ? "" : lock.content();
  }

  @Override
  public void close() {
    if (lock != null) {
      lock.close();
    }
  }
}

package holdfast.adapters.file.journal;

import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Forces the second copy on a thread of its own while the caller forces the first: the two disks,
 * or the two requests to one disk, work at the same time.
 */
final class ParallelForcing implements Forcing {
  private final Thread worker;
  private volatile @Nullable DiskFile request;
  private volatile @Nullable IOException failure;
  private volatile @Nullable Thread waiter;
  private volatile boolean closed;

  ParallelForcing() {
    worker = Thread.ofPlatform().daemon().name("holdfast-journal-mirror").start(this::work);
  }

  @Override
  public void force(List<DiskFile> files, Runnable meanwhile) throws IOException {
    waiter = Thread.currentThread();
    boolean mirrored = files.size() > 1;
    if (mirrored) {
      request = files.get(1);
      LockSupport.unpark(worker);
    }
    IOException own = null;
    try {
      meanwhile.run();
      files.getFirst().force();
    } catch (IOException e) {
      own = e;
    }
    while (request != null) {
      LockSupport.park(this);
    }
    IOException other = failure;
    failure = null;
    if (own != null) {
      throw own;
    }
    if (mirrored && other != null) {
      throw other;
    }
  }

  private void work() {
    while (!closed) {
      DiskFile file = request;
      if (file == null) {
        LockSupport.park(this);
        continue;
      }
      try {
        file.force();
      } catch (IOException e) {
        failure = e;
      } catch (RuntimeException e) {
        failure = new IOException("forcing the mirror failed", e);
      }
      request = null;
      LockSupport.unpark(waiter);
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(worker);
  }
}

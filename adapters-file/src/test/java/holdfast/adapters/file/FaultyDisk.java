package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.DiskFullException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/** A disk that fails when it is told to. Any thread. */
final class FaultyDisk extends ForwardingDisk {
  private volatile Predicate<Path> broken = _ -> false;
  private volatile boolean full;
  private volatile CountDownLatch answers = new CountDownLatch(0);
  private final AtomicInteger room = new AtomicInteger(Integer.MAX_VALUE);

  FaultyDisk(Disk disk) {
    super(disk);
  }

  /** From now on every force fails. */
  void breakForces() {
    breakForces(_ -> true);
  }

  /** From now on no force comes back until this is counted down. */
  void hangForces(CountDownLatch until) {
    answers = until;
  }

  /** From now on every force of these files fails. */
  void breakForces(Predicate<Path> which) {
    broken = which;
  }

  /** So many more files can be made, and then nothing new can be written. */
  void fullAfter(int files) {
    room.set(files);
  }

  /** From now on, or no more, nothing new can be written to files that are made. */
  void full(boolean isFull) {
    full = isFull;
  }

  @Override
  public DiskFile open(Path file, Access access) throws IOException {
    if (access == Access.CREATE && (full || room.getAndDecrement() <= 0)) {
      throw new DiskFullException("No space left on device", new IOException(file.toString()));
    }
    return new FaultyFile(file, super.open(file, access));
  }

  private final class FaultyFile extends ForwardingFile {
    private final Path path;

    FaultyFile(Path path, DiskFile file) {
      super(file);
      this.path = path;
    }

    @Override
    public void force() throws IOException {
      try {
        answers.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      if (broken.test(path)) {
        throw new IOException("Input/output error");
      }
      super.force();
    }
  }
}

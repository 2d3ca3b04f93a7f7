package holdfast.adapters.file.log;

import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.ForwardingDisk;
import holdfast.adapters.file.ForwardingFile;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.NioDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A disk on which writing to some files waits until somebody opens it. */
final class GatedDisk extends ForwardingDisk {
  private final String name;
  private final CountDownLatch blocked = new CountDownLatch(1);
  private volatile CountDownLatch gate = new CountDownLatch(0);

  /**
   * @param name how the paths of those files end
   */
  GatedDisk(String name) {
    super(new NioDisk());
    this.name = name;
  }

  void close() {
    gate = new CountDownLatch(1);
  }

  void open() {
    gate.countDown();
  }

  /** Waits until somebody waits. */
  void awaitBlocked() throws InterruptedException {
    assertTrue(blocked.await(20, TimeUnit.SECONDS));
  }

  @Override
  public DiskFile open(Path file, Access access) throws IOException {
    DiskFile opened = super.open(file, access);
    return file.toString().endsWith(name) ? new GatedFile(opened) : opened;
  }

  private final class GatedFile extends ForwardingFile {
    GatedFile(DiskFile file) {
      super(file);
    }

    @Override
    public void write(ByteBuffer source, long offset) throws IOException {
      CountDownLatch present = gate;
      if (present.getCount() > 0) {
        blocked.countDown();
      }
      try {
        present.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      super.write(source, offset);
    }
  }
}

package holdfast.adapters.file;

import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;

/** Fails to force files below a directory: what they hold is not written then, and never again. */
final class WithFailingForces extends ForwardingDisk {
  private final SimulatedDisk disk;
  private final Path directory;
  private final BooleanSupplier fails;

  /**
   * @param fails asked before each force
   */
  WithFailingForces(SimulatedDisk disk, Path directory, BooleanSupplier fails) {
    super(disk);
    this.disk = disk;
    this.directory = directory;
    this.fails = fails;
  }

  @Override
  public boolean exchange(Path one, Path other) throws IOException {
    return disk.exchange(one, other);
  }

  @Override
  public DiskFile open(Path file, Access access) throws IOException {
    DiskFile opened = super.open(file, access);
    return file.startsWith(directory)
        ? new ForwardingFile(opened) {
          @Override
          public void force() throws IOException {
            if (fails.getAsBoolean()) {
              disk.failForce(disk.forces());
            }
            super.force();
          }
        }
        : opened;
  }
}

package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import java.io.IOException;
import java.nio.file.Path;

/** A mutant: removes what bears the new name before it gives it, as a move that replaces may do. */
final class WithTwoStepRename extends ForwardingDisk {
  WithTwoStepRename(Disk disk) {
    super(disk);
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    delete(to);
    super.rename(from, to);
  }
}

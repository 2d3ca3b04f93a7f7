package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import java.nio.file.Path;

/** A mutant: forgets to force directories, except when it makes one. */
public final class WithoutDirectorySync extends ForwardingDisk {
  public WithoutDirectorySync(Disk disk) {
    super(disk);
  }

  @Override
  public void forceDirectory(Path directory) {}
}

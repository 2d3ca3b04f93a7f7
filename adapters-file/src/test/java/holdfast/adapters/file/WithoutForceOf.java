package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;

/** A mutant: forgets to force files below a directory that were opened in certain ways. */
final class WithoutForceOf extends ForwardingDisk {
  private final Path directory;
  private final Set<Access> forgotten;

  WithoutForceOf(Disk disk, Path directory, Set<Access> forgotten) {
    super(disk);
    this.directory = directory;
    this.forgotten = forgotten;
  }

  @Override
  public DiskFile open(Path file, Access access) throws IOException {
    DiskFile opened = super.open(file, access);
    return file.startsWith(directory) && forgotten.contains(access)
        ? new ForwardingFile(opened) {
          @Override
          public void force() {}
        }
        : opened;
  }
}

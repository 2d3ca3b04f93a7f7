package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.file.Path;

/** A mutant: forgets to force the files below some directories, and file systems as a whole. */
public final class WithoutForce extends ForwardingDisk {
  private final Path[] forgotten;

  public WithoutForce(Disk disk, Path... forgotten) {
    super(disk);
    this.forgotten = forgotten.clone();
  }

  @Override
  public void forceFileSystem(Path directory) {}

  @Override
  public DiskFile open(Path file, Access access) throws IOException {
    DiskFile opened = super.open(file, access);
    for (Path directory : forgotten) {
      if (file.startsWith(directory)) {
        return new Unforced(opened);
      }
    }
    return opened;
  }

  private static final class Unforced extends ForwardingFile {
    Unforced(DiskFile file) {
      super(file);
    }

    @Override
    public void force() {}
  }
}

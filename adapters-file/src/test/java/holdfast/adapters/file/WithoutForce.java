package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;

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

  private record Unforced(DiskFile file) implements DiskFile {
    @Override
    public int read(ByteBuffer target, long offset) throws IOException {
      return file.read(target, offset);
    }

    @Override
    public void write(ByteBuffer source, long offset) throws IOException {
      file.write(source, offset);
    }

    @Override
    public void force() {}

    @Override
    public void modified(Instant time) throws IOException {
      file.modified(time);
    }

    @Override
    public long size() throws IOException {
      return file.size();
    }

    @Override
    public void truncate(long size) throws IOException {
      file.truncate(size);
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}

package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/** A disk that passes everything on; what misbehaves overrides a method. */
public class ForwardingDisk implements Disk {
  private final Disk disk;

  protected ForwardingDisk(Disk disk) {
    this.disk = disk;
  }

  @Override
  public DiskFile open(Path file, Access access) throws IOException {
    return disk.open(file, access);
  }

  @Override
  public List<String> list(Path directory) throws IOException {
    return disk.list(directory);
  }

  @Override
  public Kind kind(Path path) throws IOException {
    return disk.kind(path);
  }

  @Override
  public void createDirectory(Path directory) throws IOException {
    disk.createDirectory(directory);
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    disk.rename(from, to);
  }

  @Override
  public boolean delete(Path path) throws IOException {
    return disk.delete(path);
  }

  @Override
  public void forceDirectory(Path directory) throws IOException {
    disk.forceDirectory(directory);
  }

  @Override
  public long usableBytes(Path path) throws IOException {
    return disk.usableBytes(path);
  }

  @Override
  public void allocate(Path file, long bytes) throws IOException {
    disk.allocate(file, bytes);
  }

  @Override
  public Instant modified(Path path) throws IOException {
    return disk.modified(path);
  }

  @Override
  public void forceFileSystem(Path directory) throws IOException {
    disk.forceFileSystem(directory);
  }

  @Override
  public long inode(Path path) throws IOException {
    return disk.inode(path);
  }
}

package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/** Lets one thread at a time at a disk that is not safe for several. */
final class LockedDisk implements Disk {
  private final Disk disk;

  LockedDisk(Disk disk) {
    this.disk = disk;
  }

  @Override
  public synchronized DiskFile open(Path file, Access access) throws IOException {
    return new LockedFile(disk.open(file, access), this);
  }

  @Override
  public synchronized List<String> list(Path directory) throws IOException {
    return disk.list(directory);
  }

  @Override
  public synchronized Kind kind(Path path) throws IOException {
    return disk.kind(path);
  }

  @Override
  public synchronized void createDirectory(Path directory) throws IOException {
    disk.createDirectory(directory);
  }

  @Override
  public synchronized void rename(Path from, Path to) throws IOException {
    disk.rename(from, to);
  }

  @Override
  public synchronized boolean exchange(Path one, Path other) throws IOException {
    return disk.exchange(one, other);
  }

  @Override
  public synchronized boolean delete(Path path) throws IOException {
    return disk.delete(path);
  }

  @Override
  public synchronized void forceDirectory(Path directory) throws IOException {
    disk.forceDirectory(directory);
  }

  @Override
  public synchronized long usableBytes(Path path) throws IOException {
    return disk.usableBytes(path);
  }

  @Override
  public synchronized Instant modified(Path path) throws IOException {
    return disk.modified(path);
  }

  @Override
  public synchronized void forceFileSystem(Path directory) throws IOException {
    disk.forceFileSystem(directory);
  }

  @Override
  public synchronized long inode(Path path) throws IOException {
    return disk.inode(path);
  }

  private static final class LockedFile implements DiskFile {
    private final DiskFile file;
    private final Object lock;

    LockedFile(DiskFile file, Object lock) {
      this.file = file;
      this.lock = lock;
    }

    @Override
    public int read(ByteBuffer target, long offset) throws IOException {
      synchronized (lock) {
        return file.read(target, offset);
      }
    }

    @Override
    public void write(ByteBuffer source, long offset) throws IOException {
      synchronized (lock) {
        file.write(source, offset);
      }
    }

    @Override
    public void force() throws IOException {
      synchronized (lock) {
        file.force();
      }
    }

    @Override
    public void modified(Instant time) throws IOException {
      synchronized (lock) {
        file.modified(time);
      }
    }

    @Override
    public long size() throws IOException {
      synchronized (lock) {
        return file.size();
      }
    }

    @Override
    public void truncate(long size) throws IOException {
      synchronized (lock) {
        file.truncate(size);
      }
    }

    @Override
    public void close() throws IOException {
      synchronized (lock) {
        file.close();
      }
    }
  }
}

package holdfast.adapters.file.output;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.layout.Layout;
import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Reads what commands wrote into their run directories. */
public final class FileOutputStorage implements OutputStorage {
  private final Disk disk;
  private final Layout layout;

  public FileOutputStorage(Disk disk, Layout layout) {
    this.disk = disk;
    this.layout = layout;
  }

  @Override
  public Reader open(RunRef run, OutputStreamName stream) {
    return new FileReader(disk, layout.run(run).resolve(fileName(stream)));
  }

  private static String fileName(OutputStreamName stream) {
    return switch (stream) {
      case MERGED -> "output.log";
      case STDOUT -> "stdout.log";
      case STDERR -> "stderr.log";
    };
  }

  @Override
  public void purge(TaskId task) {
    Path directory = layout.task(task);
    try {
      if (disk.kind(directory) != Disk.Kind.MISSING) {
        remove(directory);
        disk.forceDirectory(Disk.parent(directory));
      }
    } catch (IOException e) {
      throw new StorageException("the files of task " + task + " in " + directory + " remain", e);
    }
  }

  /** Removes a tree. A symbolic link is removed as such: what it points at stays. */
  private void remove(Path path) throws IOException {
    if (disk.kind(path) == Disk.Kind.DIRECTORY) {
      for (String name : disk.list(path)) {
        remove(path.resolve(name));
      }
    }
    disk.delete(path);
  }

  private static final class FileReader implements Reader {
    private final Disk disk;
    private final Path path;
    private @Nullable DiskFile file;
    private boolean closed;

    FileReader(Disk disk, Path path) {
      this.disk = disk;
      this.path = path;
    }

    /** The file, opened when it is first seen; null while there is none. */
    private @Nullable DiskFile file() throws IOException {
      if (closed) {
        throw new IllegalStateException("the reader of " + path + " is closed");
      }
      if (file == null && disk.kind(path) == Disk.Kind.FILE) {
        file = disk.open(path, Disk.Access.READ);
      }
      return file;
    }

    @Override
    public long length() {
      try {
        DiskFile open = file();
        return open == null ? 0 : open.size();
      } catch (IOException e) {
        throw new StorageException("the size of " + path + " cannot be read", e);
      }
    }

    @Override
    public int read(long offset, ByteBuffer target) {
      try {
        DiskFile open = file();
        return open == null ? 0 : Math.max(0, open.read(target, offset));
      } catch (IOException e) {
        throw new StorageException(path + " cannot be read at offset " + offset, e);
      }
    }

    @Override
    public void close() {
      closed = true;
      DiskFile open = file;
      file = null;
      if (open != null) {
        try {
          open.close();
        } catch (IOException e) {
          throw new StorageException(path + " could not be closed", e);
        }
      }
    }
  }
}

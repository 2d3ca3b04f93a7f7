package holdfast.adapters.file.output;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.OutputStorage.Reader;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Reads what a command has written so far, as it stands. */
final class LiveReader implements Reader {
  private final OutputFiles files;
  private @Nullable DiskFile file;
  private boolean closed;

  LiveReader(OutputFiles files) {
    this.files = files;
  }

  /** The file, opened when it is first seen; null while there is none. */
  private @Nullable DiskFile file() throws IOException {
    if (closed) {
      throw new IllegalStateException("the reader of " + files.raw() + " is closed");
    }
    if (file == null && files.disk().kind(files.raw()) == Disk.Kind.FILE) {
      file = files.disk().open(files.raw(), Disk.Access.READ);
    }
    return file;
  }

  @Override
  public long length() {
    try {
      DiskFile open = file();
      return open == null ? 0 : open.size();
    } catch (IOException e) {
      throw new StorageException("the size of " + files.raw() + " cannot be read", e);
    }
  }

  @Override
  public int read(long offset, ByteBuffer target) {
    try {
      DiskFile open = file();
      return open == null ? 0 : Math.max(0, open.read(target, offset));
    } catch (IOException e) {
      throw new StorageException(files.raw() + " cannot be read at offset " + offset, e);
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
        throw new StorageException(files.raw() + " could not be closed", e);
      }
    }
  }
}

package holdfast.adapters.file.disk;

import holdfast.domain.port.StorageException;
import holdfast.domain.port.StorageFullException;
import java.io.IOException;

/** There is no room left. What was to be written is not written whole. */
public final class DiskFullException extends IOException {
  private static final long serialVersionUID = 1L;

  public DiskFullException(String message, Throwable cause) {
    super(message, cause);
  }

  /** What storage says of a failed operation: whether it was for want of room, too. */
  public static StorageException told(String what, IOException e) {
    return e instanceof DiskFullException
        ? new StorageFullException(what, e)
        : new StorageException(what, e);
  }
}

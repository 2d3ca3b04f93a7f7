package holdfast.adapters.file.disk;

import java.io.IOException;

/** There is no room left. What was to be written is not written whole. */
public final class DiskFullException extends IOException {
  private static final long serialVersionUID = 1L;

  public DiskFullException(String message, Throwable cause) {
    super(message, cause);
  }
}

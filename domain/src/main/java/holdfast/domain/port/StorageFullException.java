package holdfast.domain.port;

/** There is no room on the disk for what was asked; nothing is lost. */
public final class StorageFullException extends StorageException {
  private static final long serialVersionUID = 1L;

  public StorageFullException(String message, Throwable cause) {
    super(message, cause);
  }
}

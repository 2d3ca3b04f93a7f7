package holdfast.adapters.file;

import holdfast.domain.port.StorageException;

/** The storage cannot be used: the process should print the message and exit. */
public sealed class FileStorageException extends StorageException permits RepeatedFailureException {
  private static final long serialVersionUID = 1L;

  /** The directory is locked, or refused, or needs a decision. */
  public static final int EXIT_REFUSED = 73;

  /** Something acknowledged is missing. */
  public static final int EXIT_LOST_HISTORY = 75;

  /** The disk failed. */
  public static final int EXIT_JOURNAL_FAILED = 70;

  private final int exitCode;

  FileStorageException(int exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  FileStorageException(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  /** With what the process should exit. */
  public int exitCode() {
    return exitCode;
  }
}

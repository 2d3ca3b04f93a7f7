package holdfast.adapters.file;

import holdfast.domain.port.StorageException;
import java.nio.file.AccessDeniedException;

/** The storage cannot be used: the process should print the message and exit. */
public sealed class FileStorageException extends StorageException permits RepeatedFailureException {
  private static final long serialVersionUID = 1L;

  /** The directory is locked, or refused, or needs a decision. */
  public static final int EXIT_REFUSED = 73;

  /** Something acknowledged is missing. */
  public static final int EXIT_LOST_HISTORY = 75;

  /** It could not be done, and nothing is left of it. */
  public static final int EXIT_FAILED = 1;

  /** It cannot be done as things stand. */
  public static final int EXIT_CONFLICT = 5;

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

  /** The user that the server runs as may not do what it has to. */
  static FileStorageException inaccessible(AccessDeniedException e) {
    return new FileStorageException(
        EXIT_REFUSED,
        e.getFile()
            + " cannot be used by this user: it, or the directory it is in, belongs to somebody"
            + " else, or its mode denies it. See who owns it with ls -l, and make it this user's"
            + " with chown, or run the server as its owner; nothing was changed",
        e);
  }

  /** With what the process should exit. */
  public int exitCode() {
    return exitCode;
  }
}

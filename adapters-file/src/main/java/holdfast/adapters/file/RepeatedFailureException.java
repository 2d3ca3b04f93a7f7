package holdfast.adapters.file;

/** Too many starts in a row have failed: this one was not even tried. */
public final class RepeatedFailureException extends FileStorageException {
  private static final long serialVersionUID = 1L;

  RepeatedFailureException(String message) {
    super(EXIT_REFUSED, message);
  }
}

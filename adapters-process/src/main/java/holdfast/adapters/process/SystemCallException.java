package holdfast.adapters.process;

import holdfast.domain.port.StorageException;

/** The kernel refused what had to succeed. */
final class SystemCallException extends StorageException {
  private static final long serialVersionUID = 1L;

  private final int error;

  /**
   * @param what what was tried, to be read after "could not"
   * @param error the kernel's error number
   */
  SystemCallException(String what, int error) {
    super("could not " + what + ": " + Errno.describe(error));
    this.error = error;
  }

  boolean is(Errno errno) {
    return error == errno.number();
  }
}

package holdfast.adapters.file.journal;

import holdfast.domain.port.StorageException;

/** Something acknowledged cannot be read from any copy. Nothing was changed. */
public final class LostHistoryException extends StorageException {
  private static final long serialVersionUID = 1L;

  public LostHistoryException(String message) {
    super(message);
  }
}

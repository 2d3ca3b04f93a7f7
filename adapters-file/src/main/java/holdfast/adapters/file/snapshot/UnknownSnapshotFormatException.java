package holdfast.adapters.file.snapshot;

import holdfast.domain.port.StorageException;

/** A newer version wrote the snapshot: it is left as it is. */
public final class UnknownSnapshotFormatException extends StorageException {
  private static final long serialVersionUID = 1L;

  UnknownSnapshotFormatException(String id, long format) {
    super(
        "snapshot "
            + id
            + " is of format "
            + format
            + "; this version reads up to "
            + SnapshotHeader.FORMAT
            + ". Use the version that wrote it; nothing was changed");
  }
}

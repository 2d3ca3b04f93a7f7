package holdfast.adapters.file.snapshot;

import java.io.IOException;

/** A snapshot is not as it was written. */
public final class DamagedSnapshotException extends IOException {
  private static final long serialVersionUID = 1L;

  public DamagedSnapshotException(String what) {
    super(what);
  }

  DamagedSnapshotException(String what, long offset) {
    super(what + ", at offset " + offset);
  }
}

package holdfast.adapters.file.disk;

import java.io.IOException;

/** Somebody else holds the lock. The message is what the holder wrote into the file. */
public final class LockHeldException extends IOException {
  private static final long serialVersionUID = 1L;

  public LockHeldException(String holder) {
    super(holder);
  }
}

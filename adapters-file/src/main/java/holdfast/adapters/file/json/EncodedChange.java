package holdfast.adapters.file.json;

import holdfast.domain.port.EntityKey;
import java.util.Arrays;

/**
 * A change as bytes: three JSON objects one after another, what happened, the after-image, and the
 * idempotency record.
 *
 * @param bytes holds the objects, and maybe more; not to be changed while the change is in use
 * @param offset where the first object begins
 * @param eventBytes length of the first object
 * @param imageBytes length of the second; 0 for a removal
 * @param idempotencyBytes length of the third; 0 if there is none
 * @param removal whether the entity is gone afterwards
 */
public record EncodedChange(
    EntityKey key,
    boolean removal,
    long revisionBefore,
    @SuppressWarnings("ArrayRecordComponent") byte[] bytes,
    int offset,
    int eventBytes,
    int imageBytes,
    int idempotencyBytes) {

  /** Bytes of all three objects. */
  public int length() {
    return eventBytes + imageBytes + idempotencyBytes;
  }

  /** The entity's revision after the change; 0 if it is gone. */
  public long revisionAfter() {
    return removal ? 0 : revisionBefore + 1;
  }

  /** The objects alone, in an array of their own. */
  public byte[] payload() {
    return Arrays.copyOfRange(bytes, offset, offset + length());
  }
}

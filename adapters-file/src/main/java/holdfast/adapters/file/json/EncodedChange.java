package holdfast.adapters.file.json;

import holdfast.domain.port.EntityKey;
import java.util.Arrays;

/**
 * A change as bytes: three JSON objects one after another.
 *
 * @param payload what happened; the after-image, empty for a removal; the idempotency record, empty
 *     if there is none
 * @param eventBytes length of the first object
 * @param imageBytes length of the second
 * @param removal whether the entity is gone afterwards
 */
public record EncodedChange(
    EntityKey key,
    boolean removal,
    long revisionBefore,
    @SuppressWarnings("ArrayRecordComponent") byte[] payload,
    int eventBytes,
    int imageBytes) {

  /** The entity's revision after the change; 0 if it is gone. */
  public long revisionAfter() {
    return removal ? 0 : revisionBefore + 1;
  }

  /** The same change without its other parts, to be kept for little room. */
  public EncodedChange idempotencyOnly() {
    byte[] part = Arrays.copyOfRange(payload, eventBytes + imageBytes, payload.length);
    return new EncodedChange(key, removal, revisionBefore, part, 0, 0);
  }

  public boolean hasIdempotency() {
    return eventBytes + imageBytes < payload.length;
  }
}

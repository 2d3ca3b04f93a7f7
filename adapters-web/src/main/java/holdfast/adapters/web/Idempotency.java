package holdfast.adapters.web;

import holdfast.application.IdempotencyKey;
import io.helidon.http.Header;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import org.jspecify.annotations.Nullable;

/** Reads idempotency keys and says what "the same body" is. */
final class Idempotency {
  static final HeaderName KEY = HeaderNames.create("Idempotency-Key");
  static final Header REPLAYED =
      HeaderValues.createCached(HeaderNames.create("Idempotency-Replayed"), "true");
  private static final int KEY_CHARS_MAX = 255;

  private Idempotency() {}

  /**
   * The key with the fingerprint of its body: of the JSON without white space between its tokens,
   * so that a request repeated through the other transport is still the same.
   *
   * @return null without a key; nothing is computed then
   * @throws RefusedException with status 400 if the key is none
   */
  static @Nullable IdempotencyKey key(@Nullable String key, Json.Members body) {
    if (key == null) {
      return null;
    }
    boolean printable =
        !key.isEmpty()
            && key.length() <= KEY_CHARS_MAX
            && key.chars().allMatch(c -> c > ' ' && c < 127);
    if (!printable) {
      throw new RefusedException(
          Problem.of(
              ProblemCode.INVALID,
              "an idempotency key has 1 to "
                  + KEY_CHARS_MAX
                  + " printable ASCII characters without spaces"));
    }
    byte[] compact = JsonBytes.compact(body);
    return new IdempotencyKey(key, Sha256.hex(compact));
  }
}

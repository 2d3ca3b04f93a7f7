package holdfast.domain.task;

/**
 * What one stream of an ended attempt holds for good: both of its copies were durable and alike
 * when this was recorded, and are measured by it ever after.
 *
 * @param bytes length of the stream
 * @param digest SHA-256, in hexadecimal, over the SHA-256 of each {@link #CHUNK} of it in order
 */
public record OutputSeal(long bytes, String digest) {
  /** The stream is checked in pieces of so many bytes; the last may be shorter. */
  public static final int CHUNK = 1 << 20;

  private static final int DIGEST_CHARS = 64;

  public OutputSeal {
    if (bytes < 0) {
      throw new IllegalArgumentException("a stream of " + bytes + " bytes");
    }
    if (digest.length() != DIGEST_CHARS
        || !digest.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
      throw new IllegalArgumentException("no SHA-256 in hexadecimal: " + digest);
    }
  }

  /** Pieces that a stream of this length has. */
  public int chunks() {
    return Math.toIntExact((bytes + CHUNK - 1) / CHUNK);
  }
}

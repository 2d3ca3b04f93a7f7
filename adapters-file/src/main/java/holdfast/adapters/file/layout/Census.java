package holdfast.adapters.file.layout;

import holdfast.domain.port.EntityKey;

/**
 * How many entities there are, and a number that differs if any of them is missing, is one too
 * many, or stands at another change. It is kept up to date change by change, so that nobody need
 * look at all of them.
 *
 * @param sum of a hash of each entity's key and the seq of its last change; it wraps around
 */
public record Census(long entities, long sum) {
  public static final Census EMPTY = new Census(0, 0);

  private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;

  /** With one more entity, whose last change is {@code seq}. */
  public Census with(EntityKey key, long seq) {
    return new Census(entities + 1, sum + hash(key, seq));
  }

  /** Without an entity that was counted with {@code seq}. */
  public Census without(EntityKey key, long seq) {
    return new Census(entities - 1, sum - hash(key, seq));
  }

  /** Sums of hashes tell sets apart only if each hash is spread over all 64 bits: murmur3's end. */
  private static long hash(EntityKey key, long seq) {
    String text = key.kind().name() + key.id();
    long mixed = 0;
    for (int i = 0; i < text.length(); i++) {
      mixed = mixed * GOLDEN + text.charAt(i);
    }
    mixed = (mixed ^ mixed >>> 32) * GOLDEN + seq;
    mixed = (mixed ^ mixed >>> 33) * 0xFF51_AFD7_ED55_8CCDL;
    mixed = (mixed ^ mixed >>> 33) * 0xC4CE_B9FE_1A85_EC53L;
    return mixed ^ mixed >>> 33;
  }
}

package holdfast.adapters.file.journal;

import holdfast.adapters.file.checksum.Digest;
import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The commit unit of the journal: some records, forced together. It begins at a multiple of {@value
 * #BLOCK} bytes and is padded with zeros to the next, so that no sector that holds acknowledged
 * bytes is ever written again.
 *
 * <pre>
 *  offset size
 *     0    8  magic "HFBATCH1"
 *     8    2  format version, 1
 *    10    1  kind: 1 DATA, 2 SEAL, 3 ROLL, 4 TAKEOVER, 5 EPOCH
 *    11    1  zero
 *    12    4  length: header and payload in bytes, without the padding
 *    16   16  lineage
 *    32    8  epoch
 *    40    8  term
 *    48    8  nonce of the segment: what an earlier use of the same file left behind never fits
 *    56    8  first seq; without records, the seq that will come next
 *    64    4  number of records
 *    68    4  zero
 *    72   32  SHA-256 of the whole batch before, padding included; zero for the very first
 *   104   20  zero
 *   124    4  CRC-32C over everything else, padding included
 *   128    …  payload: records ({@link RecordCodec}), or an {@link Opening}
 * </pre>
 *
 * <p>Magic, version, length and checksum stay where they are in every version, so that a newer
 * batch can be told from a damaged one. All numbers are big-endian. DATA carries records. SEAL
 * carries nothing: that it exists proves that the batch before it was durable. ROLL, TAKEOVER and
 * EPOCH open a segment.
 *
 * @param length header and payload in bytes
 * @param nonce of the segment
 */
record Batch(
    Kind kind,
    int length,
    UUID lineage,
    long epoch,
    long term,
    long nonce,
    long firstSeq,
    int count,
    Digest previousDigest) {

  static final int BLOCK = 4_096;
  static final int HEADER = 128;
  static final int VERSION = 1;

  private static final long MAGIC = 0x4846424154434831L;
  private static final int CRC_AT = 124;
  private static final byte[] ZEROS = new byte[BLOCK];

  /** What a batch is for. */
  enum Kind {
    DATA(1),
    SEAL(2),
    ROLL(3),
    TAKEOVER(4),
    EPOCH(5);

    private final byte code;

    Kind(int code) {
      this.code = (byte) code;
    }

    boolean opensSegment() {
      return this == ROLL || this == TAKEOVER || this == EPOCH;
    }

    static @Nullable Kind of(byte code) {
      for (Kind kind : values()) {
        if (kind.code == code) {
          return kind;
        }
      }
      return null;
    }
  }

  /** Bytes on disk, padding included. */
  int paddedLength() {
    return padded(length);
  }

  /** The seq that follows this batch. */
  long nextSeq() {
    return firstSeq + count;
  }

  static int padded(int length) {
    return (length + BLOCK - 1) & -BLOCK;
  }

  /**
   * Completes a batch whose payload ends at the buffer's position: writes padding, header and
   * checksum, and makes the batch what remains in the buffer.
   */
  static void seal(ByteBuffer buffer, Batch header) {
    int end = buffer.position();
    buffer.put(ZEROS, 0, padded(end) - end);
    buffer.putLong(0, MAGIC).putShort(8, (short) VERSION).put(10, header.kind.code);
    buffer.put(11, (byte) 0).putInt(12, end);
    buffer.putLong(16, header.lineage.getMostSignificantBits());
    buffer.putLong(24, header.lineage.getLeastSignificantBits());
    buffer.putLong(32, header.epoch).putLong(40, header.term).putLong(48, header.nonce);
    buffer.putLong(56, header.firstSeq).putInt(64, header.count).putInt(68, 0);
    header.previousDigest.write(buffer, 72);
    for (int at = 104; at < CRC_AT; at += 4) {
      buffer.putInt(at, 0);
    }
    buffer.putInt(CRC_AT, crc(buffer, 0, padded(end)));
    buffer.flip();
  }

  /** The batch at {@code offset}, or null if there is no whole and undamaged one. */
  static @Nullable Batch at(ByteBuffer segment, int offset) {
    if (offset < 0 || segment.limit() - offset < BLOCK || segment.getLong(offset) != MAGIC) {
      return null;
    }
    int length = segment.getInt(offset + 12);
    Kind kind = Kind.of(segment.get(offset + 10));
    boolean plausible =
        segment.getShort(offset + 8) == VERSION
            && kind != null
            && length >= HEADER
            && length <= segment.limit() - offset
            && padded(length) <= segment.limit() - offset;
    if (!plausible
        || kind == null
        || segment.getInt(offset + CRC_AT) != crc(segment, offset, padded(length))) {
      return null;
    }
    return new Batch(
        kind,
        length,
        new UUID(segment.getLong(offset + 16), segment.getLong(offset + 24)),
        segment.getLong(offset + 32),
        segment.getLong(offset + 40),
        segment.getLong(offset + 48),
        segment.getLong(offset + 56),
        segment.getInt(offset + 64),
        Digest.read(segment, offset + 72));
  }

  /** The checksum that the batch at {@code offset} bears. */
  static int checksum(ByteBuffer segment, int offset) {
    return segment.getInt(offset + CRC_AT);
  }

  /** How many bytes the header at {@code offset} claims, padded; {@link #BLOCK} if it is none. */
  static int claimedLength(ByteBuffer block, int bytesMax) {
    boolean isHeader = block.limit() >= BLOCK && block.getLong(0) == MAGIC;
    int length = isHeader ? block.getInt(12) : HEADER;
    return length < HEADER || length > bytesMax ? BLOCK : padded(length);
  }

  /**
   * The version of the whole and undamaged batch of a newer format at the start of {@code bytes},
   * or 0. Damage alone must not look like one.
   */
  static int newerVersion(ByteBuffer bytes) {
    boolean isNewer =
        bytes.limit() >= BLOCK && bytes.getLong(0) == MAGIC && bytes.getShort(8) > VERSION;
    int length = isNewer ? bytes.getInt(12) : 0;
    boolean isWhole =
        length >= HEADER
            && length <= bytes.limit()
            && padded(length) <= bytes.limit()
            && bytes.getInt(CRC_AT) == crc(bytes, 0, padded(length));
    return isWhole ? bytes.getShort(8) : 0;
  }

  private static int crc(ByteBuffer bytes, int offset, int length) {
    var crc = new CRC32C();
    crc.update(bytes.slice(offset, CRC_AT));
    crc.update(bytes.slice(offset + HEADER, length - HEADER));
    return (int) crc.getValue();
  }
}

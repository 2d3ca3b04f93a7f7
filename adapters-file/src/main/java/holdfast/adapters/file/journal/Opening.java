package holdfast.adapters.file.journal;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The payload of a batch that opens a segment: where history stands that it goes on from.
 *
 * <pre>
 *  offset size
 *     0    8  first seq of the predecessor's name; 0 if there is no predecessor
 *     8    8  term of the predecessor's name
 *    16    4  end: bytes of the predecessor that belong to history. What lies behind never does
 *    20    4  length of the batch repeated here; 0 in a ROLL
 *    24    …  TAKEOVER: the last batch of the predecessor, whole
 *              EPOCH: seq of the snapshot (8), length of its id (4), its id, its SHA-256 in hexadecimal
 * </pre>
 *
 * <p>An EPOCH has no predecessor: history begins anew with a snapshot, and what was before it is
 * not read again.
 *
 * <p>Only the last batch of a journal can be readable without being durable, when it was written
 * and never forced. A takeover repeats it, so that it is durable before anything builds on it; one
 * more force of the old file would prove nothing, since after a failed write the next force of the
 * same page reports success.
 *
 * @param predecessor null at the beginning of history
 * @param end 0 without a predecessor
 * @param lastBatch the predecessor's last batch from 0 to the limit, or empty; read absolutely
 * @param base what an epoch begins with; null for the other kinds
 */
record Opening(
    @Nullable SegmentName predecessor, int end, ByteBuffer lastBatch, @Nullable EpochBase base) {
  static final int HEADER = 24;
  static final Opening GENESIS = new Opening(null, 0, ByteBuffer.allocate(0));
  private static final int SHA_CHARS = 64;

  Opening(@Nullable SegmentName predecessor, int end, ByteBuffer lastBatch) {
    this(predecessor, end, lastBatch, null);
  }

  static Opening epoch(EpochBase base) {
    return new Opening(null, 0, ByteBuffer.allocate(0), base);
  }

  void write(ByteBuffer buffer) {
    buffer.putLong(predecessor == null ? 0 : predecessor.firstSeq());
    buffer.putLong(predecessor == null ? 0 : predecessor.term());
    buffer.putInt(end).putInt(lastBatch.limit()).put(lastBatch.duplicate().rewind());
    if (base != null) {
      byte[] id = base.snapshot().getBytes(StandardCharsets.US_ASCII);
      buffer.putLong(base.seq()).putInt(id.length).put(id);
      buffer.put(base.sha256().getBytes(StandardCharsets.US_ASCII));
    }
  }

  /** Reads the payload of an undamaged opening batch that begins at {@code offset}. */
  static Opening read(ByteBuffer segment, int offset, Batch.Kind kind) {
    int at = offset + Batch.HEADER;
    if (kind == Batch.Kind.EPOCH) {
      return epoch(readBase(segment, at + HEADER));
    }
    long firstSeq = segment.getLong(at);
    byte[] batch = new byte[segment.getInt(at + 20)];
    segment.get(at + HEADER, batch);
    return new Opening(
        firstSeq == 0 ? null : new SegmentName(firstSeq, segment.getLong(at + 8)),
        segment.getInt(at + 16),
        ByteBuffer.wrap(batch));
  }

  private static EpochBase readBase(ByteBuffer segment, int at) {
    long seq = segment.getLong(at);
    byte[] id = new byte[segment.getInt(at + Long.BYTES)];
    byte[] sha256 = new byte[SHA_CHARS];
    segment.get(at + Long.BYTES + Integer.BYTES, id);
    segment.get(at + Long.BYTES + Integer.BYTES + id.length, sha256);
    return new EpochBase(
        new String(id, StandardCharsets.US_ASCII),
        new String(sha256, StandardCharsets.US_ASCII),
        seq);
  }
}

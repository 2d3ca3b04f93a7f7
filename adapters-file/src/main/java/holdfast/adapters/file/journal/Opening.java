package holdfast.adapters.file.journal;

import java.nio.ByteBuffer;
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
 * </pre>
 *
 * <p>Only the last batch of a journal can be readable without being durable, when it was written
 * and never forced. A takeover repeats it, so that it is durable before anything builds on it; one
 * more force of the old file would prove nothing, since after a failed write the next force of the
 * same page reports success.
 *
 * @param predecessor null at the beginning of history
 * @param end 0 without a predecessor
 * @param lastBatch the predecessor's last batch from 0 to the limit, or empty; read absolutely
 */
record Opening(@Nullable SegmentName predecessor, int end, ByteBuffer lastBatch) {
  static final int HEADER = 24;
  static final Opening GENESIS = new Opening(null, 0, ByteBuffer.allocate(0));

  void write(ByteBuffer buffer) {
    buffer.putLong(predecessor == null ? 0 : predecessor.firstSeq());
    buffer.putLong(predecessor == null ? 0 : predecessor.term());
    buffer.putInt(end).putInt(lastBatch.limit()).put(lastBatch.duplicate().rewind());
  }

  /** Reads the payload of an undamaged opening batch that begins at {@code offset}. */
  static Opening read(ByteBuffer segment, int offset) {
    int at = offset + Batch.HEADER;
    long firstSeq = segment.getLong(at);
    byte[] batch = new byte[segment.getInt(at + 20)];
    segment.get(at + HEADER, batch);
    return new Opening(
        firstSeq == 0 ? null : new SegmentName(firstSeq, segment.getLong(at + 8)),
        segment.getInt(at + 16),
        ByteBuffer.wrap(batch));
  }
}

package holdfast.adapters.file.journal;

import holdfast.adapters.file.json.EncodedChange;
import holdfast.domain.port.EntityKey;
import holdfast.domain.task.TaskId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One change as it stands in a batch. Records follow one another without gaps.
 *
 * <pre>
 *  offset size
 *     0    4  magic "HFRC"
 *     4    1  version, 1
 *     5    1  type: 1 task, 2 initiative, 3 task purged, 4 initiative deleted
 *     6    2  zero
 *     8    4  length of the payload in bytes
 *    12    4  zero
 *    16    8  seq
 *    24    8  epoch
 *    32    8  seq of the previous change of the same entity; 0 if there is none
 *    40    8  the entity's revision before
 *    48    4  length of the first part of the payload: what happened
 *    52    4  length of the second part: the after-image
 *    56   20  the entity's id
 *    76    4  CRC-32C over bytes 0 to 75 and the payload
 *    80    …  payload: JSON, see {@link holdfast.adapters.file.json.ChangeCodec}
 * </pre>
 */
final class RecordCodec {
  static final int HEADER = 80;

  private static final int MAGIC = 0x48465243;
  private static final byte VERSION = 1;
  private static final int CRC_AT = 76;

  private RecordCodec() {}

  static int length(EncodedChange change) {
    return HEADER + change.length();
  }

  /** Writes a record at the buffer's position, which must have room for it. */
  static void write(ByteBuffer buffer, SequencedChange record, long epoch) {
    int start = buffer.position();
    EncodedChange change = record.change();
    buffer.putInt(MAGIC).put(VERSION).put(type(change)).putShort((short) 0);
    buffer.putInt(change.length()).putInt(0).putLong(record.seq()).putLong(epoch);
    buffer.putLong(record.previousSeq()).putLong(change.revisionBefore());
    buffer.putInt(change.eventBytes()).putInt(change.imageBytes());
    buffer.put(change.key().id().getBytes(StandardCharsets.US_ASCII));
    buffer.putInt(0).put(change.bytes(), change.offset(), change.length());
    buffer.putInt(start + CRC_AT, crc(buffer, start, change.length()));
  }

  private static byte type(EncodedChange change) {
    return switch (change.key().kind()) {
      case TASK -> (byte) (change.removal() ? 3 : 1);
      case INITIATIVE -> (byte) (change.removal() ? 4 : 2);
    };
  }

  /**
   * The record at the buffer's position, which moves behind it, or null if it is damaged. Its
   * payload is not copied: it lasts as long as the buffer's array is left alone.
   *
   * @param buffer on the heap
   * @param limit where the batch ends
   */
  static @Nullable SequencedChange read(ByteBuffer buffer, int limit) {
    int start = buffer.position();
    if (limit - start < HEADER || buffer.getInt(start) != MAGIC) {
      return null;
    }
    int length = buffer.getInt(start + 8);
    int event = buffer.getInt(start + 48);
    int image = buffer.getInt(start + 52);
    boolean plausible =
        buffer.get(start + 4) == VERSION
            && length >= 0
            && length <= limit - start - HEADER
            && event >= 0
            && image >= 0
            && event <= length - image;
    if (!plausible || buffer.getInt(start + CRC_AT) != crc(buffer, start, length)) {
      return null;
    }
    byte[] bytes = buffer.array();
    int offset = buffer.arrayOffset() + start;
    var id = new String(bytes, offset + 56, TaskId.LENGTH, StandardCharsets.ISO_8859_1);
    buffer.position(start + HEADER + length);
    byte type = buffer.get(start + 5);
    EntityKey.Kind kind = (type & 1) == 1 ? EntityKey.Kind.TASK : EntityKey.Kind.INITIATIVE;
    return new SequencedChange(
        buffer.getLong(start + 16),
        buffer.getLong(start + 32),
        new EncodedChange(
            new EntityKey(kind, id),
            type > 2,
            buffer.getLong(start + 40),
            bytes,
            offset + HEADER,
            event,
            image,
            length - event - image));
  }

  private static int crc(ByteBuffer buffer, int start, int payloadLength) {
    var crc = new CRC32C();
    crc.update(buffer.slice(start, CRC_AT));
    crc.update(buffer.slice(start + HEADER, payloadLength));
    return (int) crc.getValue();
  }
}

package holdfast.adapters.file.snapshot;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * A piece of a snapshot: whole lines of JSON, compressed as one zstd frame. Before it stands a
 * frame that zstd skips, so that {@code zstd -dc} on the file gives its lines.
 *
 * <pre>
 *  offset size
 *     0    4  magic 0x184D2A50 of a skippable frame, little-endian as zstd has it
 *     4    4  12, the size of what follows in it, little-endian
 *     8    4  bytes of the zstd frame, big-endian
 *    12    4  bytes of the lines, big-endian
 *    16    4  CRC-32C over bytes 0 to 15 and the zstd frame, big-endian
 *    20    …  zstd frame
 * </pre>
 */
final class Block {
  static final int HEADER = 20;

  /** Lines are gathered up to about this size; a single line may be larger. */
  static final int BYTES_USUAL = 1 << 20;

  /** More than the largest change that the journal takes. */
  static final int BYTES_MAX = 64 << 20;

  private static final int SKIPPABLE = 0x184D2A50;
  private static final int LEVEL = 1;

  private Block() {}

  /** The block that holds {@code length} bytes of lines. */
  static ByteBuffer encode(byte[] lines, int length) {
    byte[] frame = Zstd.compress(java.util.Arrays.copyOf(lines, length), LEVEL);
    ByteBuffer block = ByteBuffer.allocate(HEADER + frame.length);
    block.order(ByteOrder.LITTLE_ENDIAN).putInt(SKIPPABLE).putInt(HEADER - 8);
    block.order(ByteOrder.BIG_ENDIAN).putInt(frame.length).putInt(length).putInt(0).put(frame);
    block.putInt(16, crc(block.array(), frame.length));
    return block.flip();
  }

  private static int crc(byte[] block, int frameBytes) {
    var crc = new CRC32C();
    crc.update(block, 0, 16);
    crc.update(block, HEADER, frameBytes);
    return (int) crc.getValue();
  }

  /**
   * Reads the block at {@code offset}.
   *
   * @param fileBytes where the file ends
   * @throws DamagedSnapshotException if there is no whole one
   */
  static Read read(DiskFile file, long offset, long fileBytes) throws IOException {
    ByteBuffer header = header(file, offset, fileBytes);
    int frameBytes = header.getInt(8);
    byte[] block = fill(file, offset, HEADER + frameBytes);
    if (crc(block, frameBytes) != header.getInt(16)) {
      throw new DamagedSnapshotException("the checksum of a block is wrong", offset);
    }
    return new Read(offset, block, header.getInt(12));
  }

  /** Where the block at {@code offset} ends, by its header alone. */
  static long end(DiskFile file, long offset, long fileBytes) throws IOException {
    return offset + HEADER + header(file, offset, fileBytes).getInt(8);
  }

  private static ByteBuffer header(DiskFile file, long offset, long fileBytes) throws IOException {
    if (fileBytes - offset < HEADER) {
      throw new DamagedSnapshotException("it ends inside a block", offset);
    }
    ByteBuffer header = ByteBuffer.wrap(fill(file, offset, HEADER));
    int magic = header.order(ByteOrder.LITTLE_ENDIAN).getInt(0);
    int skipped = header.getInt(4);
    int frameBytes = header.order(ByteOrder.BIG_ENDIAN).getInt(8);
    int lineBytes = header.getInt(12);
    boolean plausible =
        magic == SKIPPABLE
            && skipped == HEADER - 8
            && frameBytes > 0
            && frameBytes <= fileBytes - offset - HEADER
            && frameBytes <= Zstd.compressBound(BYTES_MAX)
            && lineBytes > 0
            && lineBytes <= BYTES_MAX;
    if (!plausible) {
      throw new DamagedSnapshotException("the header of a block is damaged", offset);
    }
    return header;
  }

  private static byte[] fill(DiskFile file, long offset, int bytes) throws IOException {
    byte[] filled = new byte[bytes];
    ByteBuffer buffer = ByteBuffer.wrap(filled);
    while (buffer.hasRemaining()) {
      if (file.read(buffer, offset + buffer.position()) <= 0) {
        throw new DamagedSnapshotException("it ends inside a block", offset);
      }
    }
    return filled;
  }

  /** An undamaged block as it stands in the file. */
  record Read(long offset, @SuppressWarnings("ArrayRecordComponent") byte[] block, int lineBytes) {

    long end() {
      return offset + block.length;
    }

    /** The lines; the expensive part, for any thread. */
    byte[] lines() throws DamagedSnapshotException {
      byte[] lines = new byte[lineBytes];
      try {
        long bytes =
            Zstd.decompressByteArray(lines, 0, lineBytes, block, HEADER, block.length - HEADER);
        if (bytes == lineBytes) {
          return lines;
        }
      } catch (ZstdException e) {
        throw new DamagedSnapshotException("a block is no zstd frame: " + e.getMessage(), offset);
      }
      throw new DamagedSnapshotException("a block has another length than it says", offset);
    }
  }
}

package holdfast.adapters.file.output;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import holdfast.adapters.file.checksum.Digest;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.task.OutputSeal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A piece of an output in its second copy, compressed as one zstd frame. Before it stands a frame
 * that zstd skips, so that {@code zstd -dc} on the copy gives the output. No piece reaches across
 * the border of a {@linkplain OutputSeal#CHUNK chunk}; in a sealed copy each is a whole chunk.
 *
 * <pre>
 *  offset size
 *     0    4  magic 0x184D2A51 of a skippable frame, little-endian as zstd has it
 *     4    4  68, the size of what follows in it, little-endian
 *     8    8  offset of the piece's first byte in the output, big-endian as all below
 *    16    8  up to where the output was durable in this copy when the frame was written
 *    24    4  bytes of the piece
 *    28    4  bytes of the zstd frame
 *    32   32  SHA-256 of the piece
 *    64    4  CRC-32C of the piece
 *    68    4  CRC-32C of the zstd frame
 *    72    4  CRC-32C over bytes 0 to 71
 *    76    …  zstd frame
 * </pre>
 *
 * @param position where the header stands in the copy
 */
record Frame(
    long position,
    long offset,
    long durable,
    int bytes,
    int frameBytes,
    Digest sha256,
    int crc,
    int frameCrc) {
  static final int HEADER = 76;
  static final int MAGIC = 0x184D2A51;

  private static final int LEVEL = 1;

  /** A frame and its bytes, ready to be written. */
  record Encoded(Frame frame, ByteBuffer content) {}

  /**
   * Compresses a piece.
   *
   * @param position where it will stand
   * @param offset of the piece in the output
   * @param durable up to where the output is durable in the copy already
   * @param piece at most a chunk
   */
  static Encoded encode(long position, long offset, long durable, byte[] piece, int length) {
    byte[] content = new byte[HEADER + (int) Zstd.compressBound(length)];
    int frameBytes =
        (int)
            Zstd.compressByteArray(
                content, HEADER, content.length - HEADER, piece, 0, length, LEVEL);
    ByteBuffer buffer = ByteBuffer.wrap(content, 0, HEADER + frameBytes);
    Digest sha256 = Digest.of(ByteBuffer.wrap(piece, 0, length), 0, length);
    int crc = crc(piece, 0, length);
    int frameCrc = crc(content, HEADER, frameBytes);
    buffer.order(ByteOrder.LITTLE_ENDIAN).putInt(0, MAGIC).putInt(4, HEADER - 8);
    buffer.order(ByteOrder.BIG_ENDIAN).putLong(8, offset).putLong(16, durable);
    buffer.putInt(24, length).putInt(28, frameBytes);
    sha256.write(buffer, 32);
    buffer.putInt(64, crc).putInt(68, frameCrc).putInt(72, crc(content, 0, 72));
    return new Encoded(
        new Frame(position, offset, durable, length, frameBytes, sha256, crc, frameCrc), buffer);
  }

  static int crc(byte[] bytes, int offset, int length) {
    var crc = new CRC32C();
    crc.update(bytes, offset, length);
    return (int) crc.getValue();
  }

  /**
   * The frame whose header is at an index of {@code buffer}, or null if none is there.
   *
   * @param position of the header in the file
   */
  static @Nullable Frame header(ByteBuffer buffer, int index, long position) {
    if (buffer.limit() - index < HEADER
        || buffer.order(ByteOrder.LITTLE_ENDIAN).getInt(index) != MAGIC) {
      return null;
    }
    buffer.order(ByteOrder.BIG_ENDIAN);
    var crc = new CRC32C();
    crc.update(buffer.slice(index, 72));
    if ((int) crc.getValue() != buffer.getInt(index + 72)) {
      return null;
    }
    return new Frame(
        position,
        buffer.getLong(index + 8),
        buffer.getLong(index + 16),
        buffer.getInt(index + 24),
        buffer.getInt(index + 28),
        Digest.read(buffer, index + 32),
        buffer.getInt(index + 64),
        buffer.getInt(index + 68));
  }

  /** Where the piece ends in the output. */
  long end() {
    return offset + bytes;
  }

  /** Where the frame ends in the copy. */
  long next() {
    return position + HEADER + frameBytes;
  }

  int chunk() {
    return Math.toIntExact(offset / OutputSeal.CHUNK);
  }

  /** Whether the piece is a whole chunk of an output of so many bytes. */
  boolean isChunkOf(long total) {
    return offset % OutputSeal.CHUNK == 0 && bytes == Math.min(OutputSeal.CHUNK, total - offset);
  }

  /**
   * Reads the piece into {@code target}, from the index on.
   *
   * @return false if it is not what was written, or cannot be read
   */
  boolean read(DiskFile copy, byte[] target, int index) {
    byte[] frame = new byte[frameBytes];
    try {
      return Bytes.fill(copy, position + HEADER, frame, 0, frameBytes)
          && crc(frame, 0, frameBytes) == frameCrc
          && Zstd.decompressByteArray(target, index, bytes, frame, 0, frameBytes) == bytes
          && crc(target, index, bytes) == crc;
    } catch (IOException | ZstdException e) {
      // What the disk refuses to read is as good as damaged: the other copy is asked.
      return false;
    }
  }
}

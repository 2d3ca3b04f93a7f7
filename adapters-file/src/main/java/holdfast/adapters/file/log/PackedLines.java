package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.EventLog.Category;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.BooleanSupplier;

/** Log lines as {@linkplain LogBlock blocks} one behind another: {@code zstd -dc} shows them. */
final class PackedLines {
  private PackedLines() {}

  /** How the content of a compressed file is related to a plain one. */
  enum Likeness {
    SAME,
    /** It begins with all of the plain one, whose end a crash has taken. */
    LONGER,
    OTHER,
    /** It is damaged, or lacks the end. */
    DAMAGED
  }

  /**
   * Writes all of {@code lines} to {@code target}, compressed.
   *
   * @return false if it was stopped
   */
  static boolean write(DiskFile lines, DiskFile target, Category category, BooleanSupplier stop)
      throws IOException {
    byte[] chunk = new byte[LogBlock.BYTES_MAX];
    long from = 0;
    long to = 0;
    while (true) {
      ByteBuffer buffer = ByteBuffer.wrap(chunk);
      LogBlock.fill(lines, from, buffer);
      if (buffer.position() == 0) {
        return true;
      }
      if (stop.getAsBoolean()) {
        return false;
      }
      int length = wholeLines(chunk, buffer.position());
      from += length;
      ByteBuffer block = LogBlock.encode(chunk, length, category, from >= lines.size());
      int bytes = block.remaining();
      target.write(block, to);
      to += bytes;
    }
  }

  /** Up to the last newline; what has none is no line of ours, and is cut anywhere. */
  private static int wholeLines(byte[] chunk, int length) {
    for (int i = length; i > 0; i--) {
      if (chunk[i - 1] == '\n') {
        return i;
      }
    }
    return length;
  }

  static Likeness compare(DiskFile compressed, DiskFile lines) throws IOException {
    long end = compressed.size();
    long at = 0;
    long offset = 0;
    boolean plainEnded = false;
    boolean differs = false;
    while (at < end) {
      LogBlock block = LogBlock.at(compressed, at);
      byte[] unpacked = block == null ? null : block.lines(compressed);
      if (block == null || unpacked == null) {
        return Likeness.DAMAGED;
      }
      ByteBuffer plain = ByteBuffer.allocate(unpacked.length);
      LogBlock.fill(lines, offset, plain);
      plainEnded |= plain.hasRemaining();
      differs |= !Arrays.equals(unpacked, 0, plain.position(), plain.array(), 0, plain.position());
      offset += unpacked.length;
      at = block.end();
    }
    if (differs) {
      return Likeness.OTHER;
    }
    if (plainEnded) {
      return Likeness.LONGER;
    }
    return lines.size() == offset ? Likeness.SAME : Likeness.DAMAGED;
  }
}

package holdfast.adapters.file.log;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdIOException;
import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.BooleanSupplier;

/**
 * Lines as zstd frames one behind another, each of 1 MiB of lines and with a checksum: {@code zstd
 * -dc} gives them back.
 */
final class CompressedLines {
  private static final int CHUNK = 1 << 20;
  private static final int LEVEL = 3;

  private CompressedLines() {}

  /** How the content of a compressed file is related to a plain one. */
  enum Likeness {
    SAME,
    /** It begins with all of the plain one, whose end a crash has taken. */
    LONGER,
    OTHER,
    DAMAGED
  }

  /**
   * Writes all of {@code lines} to {@code target}, compressed.
   *
   * @return false if it was stopped
   */
  static boolean write(DiskFile lines, DiskFile target, BooleanSupplier stop) throws IOException {
    try (var context = new ZstdCompressCtx().setLevel(LEVEL).setChecksum(true)) {
      ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
      long from = 0;
      long to = 0;
      while (fill(lines, chunk, from)) {
        if (stop.getAsBoolean()) {
          return false;
        }
        byte[] frame = context.compress(Arrays.copyOf(chunk.array(), chunk.limit()));
        from += chunk.limit();
        target.write(ByteBuffer.wrap(frame), to);
        to += frame.length;
      }
      return true;
    }
  }

  static Likeness compare(DiskFile compressed, DiskFile lines) throws IOException {
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
    byte[] unpacked = new byte[CHUNK];
    long at = 0;
    try (var content = new ZstdInputStreamNoFinalizer(new Content(compressed))) {
      while (fill(lines, chunk, at)) {
        int count = content.readNBytes(unpacked, 0, chunk.limit());
        if (!Arrays.equals(unpacked, 0, count, chunk.array(), 0, chunk.limit())) {
          return drained(content, unpacked, Likeness.OTHER);
        }
        at += count;
      }
      boolean more = content.readNBytes(unpacked, 0, 1) > 0;
      return drained(content, unpacked, more ? Likeness.LONGER : Likeness.SAME);
    } catch (ZstdIOException _) {
      return Likeness.DAMAGED;
    }
  }

  /** Damage behind what was compared is damage. */
  private static Likeness drained(InputStream content, byte[] unpacked, Likeness otherwise)
      throws IOException {
    while (content.read(unpacked, 0, unpacked.length) >= 0) {
      // Only whether it can be read to its end is of interest.
    }
    return otherwise;
  }

  /** Fills {@code chunk} from {@code offset} on as far as the file goes. */
  private static boolean fill(DiskFile file, ByteBuffer chunk, long offset) throws IOException {
    chunk.clear();
    while (chunk.hasRemaining() && file.read(chunk, offset + chunk.position()) > 0) {
      // Reads go on until the chunk is full or the file ends.
    }
    chunk.flip();
    return chunk.hasRemaining();
  }

  private static final class Content extends InputStream {
    private final DiskFile file;
    private long at;

    Content(DiskFile file) {
      this.file = file;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      int count = file.read(ByteBuffer.wrap(target, offset, length), at);
      at += Math.max(0, count);
      return count <= 0 ? -1 : count;
    }
  }
}

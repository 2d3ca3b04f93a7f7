package holdfast.adapters.file.output;

import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.task.OutputSeal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the headers in a second copy say. A copy begins with a frame that zstd skips and that names
 * the stream, so that the copy of another one is never taken for this one's:
 *
 * <pre>
 *  offset size
 *     0    4  magic 0x184D2A52 of a skippable frame, little-endian as zstd has it
 *     4    4  the size of what follows in it, little-endian
 *     8    2  version 1, big-endian as all below
 *    10    …  name of the stream in ASCII: task/attempt[.run]/stream
 *     …    4  CRC-32C over all before
 * </pre>
 *
 * Then come {@linkplain Frame frames}.
 *
 * @param named whether it begins with the name of the stream that was looked for
 * @param frames whose headers are sound, in the order in which they stand
 * @param sound how many of them, from the first on, follow one another without a gap
 * @param end where the last of those ends in the copy
 */
record CopyScan(boolean named, List<Frame> frames, int sound, long end) {
  private static final int MAGIC = 0x184D2A52;
  private static final short VERSION = 1;
  private static final int WINDOW = 256 << 10;

  /**
   * So many bytes are looked through for what may follow damage: a copy's place may be anything.
   */
  private static final long SEARCHED_MAX = 64L << 20;

  /** The beginning of a stream's copy. */
  static byte[] beginning(String name) {
    byte[] ascii = name.getBytes(StandardCharsets.US_ASCII);
    byte[] beginning = new byte[14 + ascii.length];
    ByteBuffer buffer = ByteBuffer.wrap(beginning);
    buffer.order(ByteOrder.LITTLE_ENDIAN).putInt(MAGIC).putInt(6 + ascii.length);
    buffer.order(ByteOrder.BIG_ENDIAN).putShort(VERSION).put(ascii);
    buffer.putInt(Frame.crc(beginning, 0, beginning.length - 4));
    return beginning;
  }

  /** Reads all headers. What cannot be read is passed over like what is damaged. */
  static CopyScan of(DiskFile copy, String name) throws IOException {
    byte[] expected = beginning(name);
    byte[] found = new byte[expected.length];
    boolean named = isReadable(copy, found) && Arrays.equals(expected, found);
    var frames = new ArrayList<Frame>();
    long size = copy.size();
    long position = named ? expected.length : 0;
    boolean gap = !named;
    long searched = 0;
    int sound = 0;
    long end = named ? expected.length : 0;
    byte[] header = new byte[Frame.HEADER];
    while (position < size) {
      Frame frame = frameAt(copy, position, size, header);
      if (frame == null) {
        gap = true;
        frame = next(copy, position + 1, Math.min(size, position + SEARCHED_MAX - searched));
        if (frame == null) {
          break;
        }
        searched += frame.position() - position;
      }
      gap |= frame.offset() != (frames.isEmpty() ? 0 : frames.getLast().end());
      frames.add(frame);
      position = frame.next();
      if (!gap) {
        sound++;
        end = position;
      }
    }
    return new CopyScan(named, frames, sound, end);
  }

  private static boolean isReadable(DiskFile copy, byte[] target) {
    try {
      return Bytes.fill(copy, 0, target, 0, target.length);
    } catch (IOException _) {
      return false;
    }
  }

  private static @Nullable Frame frameAt(DiskFile copy, long position, long size, byte[] header) {
    try {
      boolean isThere = Bytes.fill(copy, position, header, 0, Frame.HEADER);
      return isThere ? plausible(Frame.header(ByteBuffer.wrap(header), 0, position), size) : null;
    } catch (IOException _) {
      return null;
    }
  }

  private static @Nullable Frame plausible(@Nullable Frame frame, long size) {
    return frame != null
            && frame.offset() >= 0
            && frame.bytes() > 0
            && frame.bytes() <= OutputSeal.CHUNK
            && frame.frameBytes() > 0
            && frame.next() <= size
        ? frame
        : null;
  }

  /** The first frame at or behind a position, found by its magic. */
  private static @Nullable Frame next(DiskFile copy, long from, long to) throws IOException {
    long size = copy.size();
    byte[] window = new byte[WINDOW];
    for (long at = from; at + Frame.HEADER <= to; at += WINDOW - Frame.HEADER) {
      int length = (int) Math.min(WINDOW, to - at);
      try {
        if (!Bytes.fill(copy, at, window, 0, length)) {
          return null;
        }
      } catch (IOException _) {
        continue;
      }
      ByteBuffer buffer = ByteBuffer.wrap(window, 0, length);
      for (int i = 0; i + Frame.HEADER <= length; i++) {
        Frame frame = window[i] == (byte) Frame.MAGIC ? Frame.header(buffer, i, at + i) : null;
        if (plausible(frame, size) != null) {
          return frame;
        }
      }
    }
    return null;
  }
}

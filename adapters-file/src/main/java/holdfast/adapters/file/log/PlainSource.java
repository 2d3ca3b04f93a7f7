package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.EventLogReader.Line;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A file that is not compressed yet, perhaps still being written. A piece is the lines that begin
 * in a stretch of fixed length, so that any can be found without reading those before it.
 */
final class PlainSource implements LogSource {
  private static final int PIECE = LogBlock.BYTES_MAX;
  private static final int BEGINNING = 4_096;

  private final DiskFile file;
  private final Reading reading;
  private final long newest;
  private final long size;
  private final int pieces;

  PlainSource(DiskFile file, Reading reading, long newest) throws IOException {
    this.file = file;
    this.reading = reading;
    this.newest = newest;
    size = file.size();
    pieces = (int) Math.min(Integer.MAX_VALUE, (size + PIECE - 1) / PIECE);
  }

  @Override
  public int pieces() {
    return pieces;
  }

  @Override
  public long bound(int piece) throws IOException {
    for (int next = piece + 1; next < pieces; next++) {
      long first = first(next);
      if (first > 0) {
        return first - 1;
      }
    }
    return newest;
  }

  @Override
  public long begin(int piece) throws IOException {
    for (int next = piece; next < pieces; next++) {
      long first = first(next);
      if (first > 0) {
        return first;
      }
    }
    return newest;
  }

  /** The number of the first line that begins in a piece and can be read; 0 if there is none. */
  private long first(int piece) throws IOException {
    long first = first(lines(piece, BEGINNING));
    return first > 0 ? first : first(lines(piece, PIECE));
  }

  private long first(Lines lines) {
    long[] first = {0};
    lines.forEach(
        (bytes, from, to) -> {
          Line line = first[0] > 0 ? null : LogLine.decode(bytes, from, to, reading.category());
          first[0] = line == null ? first[0] : line.number();
        });
    return first[0];
  }

  @Override
  public @Nullable Lines read(int piece) throws IOException {
    Lines lines = lines(piece, PIECE);
    // No line of ours is so long; at the end it may be one that is not finished.
    return lines.from() == lines.to() && piece + 1 < pieces ? null : lines;
  }

  /** The lines that begin in the first {@code length} bytes of a piece; only whole ones. */
  private Lines lines(int piece, int length) throws IOException {
    long begin = (long) piece * PIECE;
    int before = piece == 0 ? 0 : 1;
    ByteBuffer buffer =
        ByteBuffer.allocate(
            (int) Math.min(before + length + LogLine.BYTES_MAX, size - begin + before));
    LogBlock.fill(file, begin - before, buffer);
    byte[] bytes = buffer.array();
    int from = before == 0 ? 0 : behindNewline(bytes, 0, buffer.position());
    // The newline that ends the last line which begins in time is at or behind this place.
    int last = Math.min(buffer.position(), before + length) - 1;
    if (from > last) {
      return new Lines(bytes, 0, 0);
    }
    int to = behindNewline(bytes, last, buffer.position());
    return new Lines(
        bytes, from, to <= buffer.position() ? to : lastNewline(bytes, from, buffer.position()));
  }

  /** Behind the first newline from {@code from} on; beyond {@code limit} if there is none. */
  private static int behindNewline(byte[] bytes, int from, int limit) {
    int at = from;
    while (at < limit && bytes[at] != '\n') {
      at++;
    }
    return at + 1;
  }

  private static int lastNewline(byte[] bytes, int from, int limit) {
    for (int i = limit; i > from; i--) {
      if (bytes[i - 1] == '\n') {
        return i;
      }
    }
    return from;
  }

  @Override
  public int damaged() {
    return 0;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}

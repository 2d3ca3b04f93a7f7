package holdfast.adapters.file.log;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLogReader.Filter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A piece of a compressed log file: whole lines, as one zstd frame. Before it stands a frame that
 * zstd skips, so that {@code zstd -dc} on the file gives its lines; it says what may be found in
 * them, so that most pieces need not be unpacked to answer a query.
 *
 * <pre>
 *  offset size
 *     0    4  magic 0x184D2A52 of a skippable frame, little-endian as zstd has it; 0x184D2A53 in
 *             the last block of a file
 *     4    4  size of what follows in it, little-endian
 *     8    4  bytes of the zstd frame, big-endian as all below
 *    12    4  bytes of the lines
 *    16    8  number of the first line; 0 if no line could be read
 *    24    8  number of the last line
 *    32    8  time of the earliest line, seconds since 1970
 *    40    8  time of the latest line
 *    48    4  CRC-32C of the zstd frame
 *    52    4  bytes of the {@link IdFilter}
 *    56    …  the filter
 *     …    4  CRC-32C of all before
 *     …    …  zstd frame
 * </pre>
 *
 * @param isLast whether nothing follows; a file without such a block has lost its end
 * @param at where the header stands in the file
 * @param headerBytes of the header, filter and checksum included
 */
record LogBlock(
    boolean isLast,
    long at,
    int headerBytes,
    int frameBytes,
    int lineBytes,
    long first,
    long last,
    long earliest,
    long latest,
    int frameCrc,
    @SuppressWarnings("ArrayRecordComponent") byte[] filter) {
  private static final int MAGIC = 0x184D2A52;
  private static final int MAGIC_LAST = 0x184D2A53;

  /** Lines are gathered up to this size. */
  static final int BYTES_MAX = 256 << 10;

  /** Header and filter of most blocks; larger ones are read in two steps. */
  private static final int HEADER_USUAL = 4_096;

  private static final int FIXED = 56;
  private static final int FILTER_MAX = BYTES_MAX;

  /** Lines are so much alike that a higher one takes twice the time and saves nothing. */
  private static final int LEVEL = 1;

  /** The block of so many bytes of lines, as it stands in a file. */
  static ByteBuffer encode(byte[] lines, int length, Category category, boolean isLast) {
    var summary = new Summary(category);
    new Lines(lines, 0, length).forEach(summary::add);
    byte[] filter = summary.filter.toBytes();
    int headerBytes = FIXED + filter.length + 4;
    byte[] block = new byte[headerBytes + (int) Zstd.compressBound(length)];
    int frameBytes =
        (int)
            Zstd.compressByteArray(
                block, headerBytes, block.length - headerBytes, lines, 0, length, LEVEL);
    ByteBuffer buffer = ByteBuffer.wrap(block, 0, headerBytes + frameBytes);
    buffer.order(ByteOrder.LITTLE_ENDIAN).putInt(0, isLast ? MAGIC_LAST : MAGIC);
    buffer.putInt(4, headerBytes - 8);
    buffer.order(ByteOrder.BIG_ENDIAN).putInt(8, frameBytes).putInt(12, length);
    buffer.putLong(16, summary.first).putLong(24, summary.last);
    buffer.putLong(32, summary.earliest).putLong(40, summary.latest);
    buffer.putInt(48, crc(block, headerBytes, frameBytes)).putInt(52, filter.length);
    buffer.put(FIXED, filter).putInt(headerBytes - 4, crc(block, 0, headerBytes - 4));
    return buffer;
  }

  private static final class Summary {
    private final Category category;
    private final IdFilter filter = new IdFilter();
    private long first;
    private long last;
    private long earliest = Long.MAX_VALUE;
    private long latest = Long.MIN_VALUE;

    Summary(Category category) {
      this.category = category;
    }

    /**
     * The ids are found by their names and quotes, which cannot stand in a text: there, quotes are
     * escaped.
     */
    void add(byte[] bytes, int from, int to) {
      LogLine.Head head = LogLine.head(bytes, from, to, category);
      if (head != null) {
        filter.add(head.type(), bytes, from, to);
        first = first == 0 ? head.number() : Math.min(first, head.number());
        last = Math.max(last, head.number());
        earliest = Math.min(earliest, head.time().getEpochSecond());
        latest = Math.max(latest, head.time().getEpochSecond());
      }
    }
  }

  private static int crc(byte[] bytes, int offset, int length) {
    var crc = new CRC32C();
    crc.update(bytes, offset, length);
    return (int) crc.getValue();
  }

  /** The block whose header is at {@code at}, or null if no undamaged header is there. */
  static @Nullable LogBlock at(DiskFile file, long at) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(HEADER_USUAL);
    fill(file, at, bytes);
    int size = headerBytes(bytes);
    if (size > HEADER_USUAL) {
      ByteBuffer whole = ByteBuffer.allocate(size).put(bytes.flip());
      fill(file, at + HEADER_USUAL, whole);
      bytes = whole;
    }
    bytes.flip();
    if (size == 0
        || bytes.limit() < size
        || crc(bytes.array(), 0, size - 4) != bytes.getInt(size - 4)
        || bytes.getInt(52) != size - FIXED - 4) {
      return null;
    }
    byte[] filter = new byte[size - FIXED - 4];
    bytes.get(FIXED, filter);
    var block =
        new LogBlock(
            bytes.get(0) == (byte) MAGIC_LAST,
            at,
            size,
            bytes.getInt(8),
            bytes.getInt(12),
            bytes.getLong(16),
            bytes.getLong(24),
            bytes.getLong(32),
            bytes.getLong(40),
            bytes.getInt(48),
            filter);
    return block.isPlausible() ? block : null;
  }

  private boolean isPlausible() {
    return lineBytes > 0
        && lineBytes <= BYTES_MAX
        && frameBytes > 0
        && frameBytes <= Zstd.compressBound(BYTES_MAX);
  }

  /** Whether a header may begin with this number. */
  static boolean isMagic(int number) {
    return number == MAGIC || number == MAGIC_LAST;
  }

  /** Bytes that the header claims to have; 0 if it is none. */
  private static int headerBytes(ByteBuffer bytes) {
    if (bytes.position() < FIXED + 4 || !isMagic(bytes.order(ByteOrder.LITTLE_ENDIAN).getInt(0))) {
      bytes.order(ByteOrder.BIG_ENDIAN);
      return 0;
    }
    int size = bytes.getInt(4) + 8;
    bytes.order(ByteOrder.BIG_ENDIAN);
    return size < FIXED + 4 || size > FIXED + 4 + FILTER_MAX ? 0 : size;
  }

  /** Reads until there is no room or the file ends. */
  static void fill(DiskFile file, long at, ByteBuffer target) throws IOException {
    long offset = at;
    while (target.hasRemaining()) {
      int read = file.read(target, offset);
      if (read <= 0) {
        return;
      }
      offset += read;
    }
  }

  /** The same without what says which ids may be in it, which is large. */
  LogBlock withoutFilter() {
    return new LogBlock(
        isLast,
        at,
        headerBytes,
        frameBytes,
        lineBytes,
        first,
        last,
        earliest,
        latest,
        frameCrc,
        new byte[0]);
  }

  /** Where the block ends in the file. */
  long end() {
    return at + headerBytes + frameBytes;
  }

  /** Whether something in it may be wanted. */
  boolean mayHold(Filter wanted, List<Long> ids) {
    Instant from = wanted.from();
    Instant to = wanted.to();
    return (from == null || latest >= from.getEpochSecond())
        && (to == null || earliest <= to.getEpochSecond())
        && IdFilter.mayHold(filter, ids);
  }

  /** The lines, or null if they are damaged. */
  byte @Nullable [] lines(DiskFile file) throws IOException {
    byte[] frame = new byte[frameBytes];
    ByteBuffer buffer = ByteBuffer.wrap(frame);
    fill(file, at + headerBytes, buffer);
    if (buffer.hasRemaining() || crc(frame, 0, frameBytes) != frameCrc) {
      return null;
    }
    byte[] lines = new byte[lineBytes];
    try {
      long bytes = Zstd.decompressByteArray(lines, 0, lineBytes, frame, 0, frameBytes);
      return bytes == lineBytes ? lines : null;
    } catch (ZstdException _) {
      return null;
    }
  }
}

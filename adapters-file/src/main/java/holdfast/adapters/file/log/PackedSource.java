package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.EventLogReader.Filter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A compressed file. The headers of its blocks say which of them are worth unpacking. */
final class PackedSource implements LogSource {
  private static final int SEARCHED_AT_ONCE = 64 << 10;

  private final DiskFile file;
  private final List<LogBlock> blocks = new ArrayList<>();
  private int damaged;

  PackedSource(DiskFile file, Filter filter, long newest) throws IOException {
    this.file = file;
    List<Long> ids = IdFilter.wanted(filter);
    long size = file.size();
    long at = 0;
    boolean complete = false;
    while (at < size) {
      LogBlock block = LogBlock.at(file, at);
      if (block == null || block.end() > size) {
        damaged++;
        at = next(at + 1, size);
      } else {
        // The filter is of no use any more: only what it let pass is kept in memory.
        if (block.first() > 0 && block.first() <= newest && block.mayHold(filter, ids)) {
          blocks.add(block.withoutFilter());
        }
        at = block.end();
        complete = block.isLast();
      }
    }
    if (!complete) {
      damaged++;
    }
  }

  /** Where the next undamaged header stands, or the end. */
  private long next(long from, long size) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(SEARCHED_AT_ONCE).order(ByteOrder.LITTLE_ENDIAN);
    for (long at = from; at < size; at += SEARCHED_AT_ONCE - 3) {
      bytes.clear();
      LogBlock.fill(file, at, bytes);
      for (int i = 0; i + 4 <= bytes.position(); i++) {
        if (LogBlock.isMagic(bytes.getInt(i)) && LogBlock.at(file, at + i) != null) {
          return at + i;
        }
      }
    }
    return size;
  }

  @Override
  public int pieces() {
    return blocks.size();
  }

  @Override
  public long bound(int piece) {
    return blocks.get(piece).last();
  }

  @Override
  public long begin(int piece) {
    return blocks.get(piece).first();
  }

  @Override
  public @Nullable Lines read(int piece) throws IOException {
    byte[] lines = blocks.get(piece).lines(file);
    return lines == null ? null : new Lines(lines, 0, lines.length);
  }

  @Override
  public int damaged() {
    return damaged;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}

package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLogReader.Line;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One category's file, {@code name.jsonl}, which is rotated into older ones between lines only. One
 * thread, but for {@link #forceWritten}.
 *
 * <p>After a force that failed, what was written may be read and yet never reach the disk, and the
 * next force would report success. So the file is in doubt then, and is written anew before
 * anything else is done with it.
 */
final class LogFile {
  /** What is looked through for the number of the first line. */
  private static final int BEGINNING = 2 * LogLine.BYTES_MAX;

  private final Disk disk;
  private final Path path;
  private final long bytesMax;
  private final RotatedFiles older;
  private final Consumer<RotatedFiles> rotated;
  private final List<Numbered> lines = new ArrayList<>();

  /** Held while the file is forced, exchanged, or becomes an older one. */
  private final ReentrantLock forcing = new ReentrantLock();

  private volatile boolean isDoubtful;
  private @Nullable DiskFile file;
  private @Nullable String refusal;
  private long size;

  /** The number of the first line in the file; 0 if it has none yet. */
  private long first;

  private record Numbered(long number, @SuppressWarnings("ArrayRecordComponent") byte[] bytes) {}

  /**
   * @param older where it goes when it is full
   * @param rotated told that there are older files which may be compressed
   */
  LogFile(Disk disk, Path path, long bytesMax, RotatedFiles older, Consumer<RotatedFiles> rotated) {
    this.disk = disk;
    this.path = path;
    this.bytesMax = bytesMax;
    this.older = older;
    this.rotated = rotated;
  }

  /** Clears up after the server before; whatever stands there, a log must not fail a start. */
  void prepare() {
    try {
      RotatedFiles.clear(disk, path.resolveSibling(path.getFileName() + Disk.TEMPORARY_SUFFIX));
      if (older.tidy()) {
        rotated.accept(older);
      }
    } catch (IOException _) {
      // It stays as it is; the next rotation has to do with it again.
      return;
    }
  }

  /** Adds a line, which ends in a newline; written by the next {@link #write}. */
  void add(long number, byte[] line) {
    lines.add(new Numbered(number, line));
  }

  /** Whether lines were added that are not written yet. */
  boolean hasLines() {
    return !lines.isEmpty();
  }

  /** Says that what is there may not be on the disk, though it can be read. Any thread. */
  void doubt() {
    isDoubtful = true;
  }

  /** Whether it must be written anew, which {@link #write} does. Any thread. */
  boolean isDoubtful() {
    return isDoubtful;
  }

  /**
   * Makes what was written durable, while more may be written. Any thread.
   *
   * @throws IOException if the disk refuses that, or did before and nothing was written since
   */
  void forceWritten() throws IOException {
    forcing.lock();
    try {
      requireNoDoubt();
      try (DiskFile open = RotatedFiles.open(disk, path)) {
        // What was rotated away was forced before.
        if (open != null) {
          force(open);
        }
      }
    } finally {
      forcing.unlock();
    }
  }

  private void requireNoDoubt() throws IOException {
    if (isDoubtful) {
      throw new IOException(path + " could not be forced, and was not written anew yet");
    }
  }

  private void force(DiskFile open) throws IOException {
    try {
      open.force();
    } catch (IOException e) {
      isDoubtful = true;
      throw e;
    }
  }

  private void renew() throws IOException {
    forcing.lock();
    try {
      close();
      if (disk.kind(path) == Disk.Kind.FILE) {
        disk.copy(path, path);
      }
      isDoubtful = false;
    } finally {
      forcing.unlock();
    }
  }

  /**
   * Writes the lines that were added, behind what is there; that is written anew first if it is in
   * doubt.
   *
   * @return how many of them, the last ones, were lost because the disk refused them
   */
  int write() {
    int done = 0;
    try {
      if (isDoubtful) {
        renew();
      }
      while (done < lines.size()) {
        open(lines.get(done).number());
        if (size > 0 && size + lines.get(done).bytes().length > bytesMax) {
          rotate();
        }
        done += writeSome(done);
      }
      refusal = null;
      return 0;
    } catch (IOException e) {
      // An event log may lose lines; it says so itself once it can be written again.
      refusal = path + ": " + e.getMessage();
      giveUp();
      return lines.size() - done;
    } finally {
      lines.clear();
    }
  }

  /** Why the disk did not take all that was last written, or null. */
  @Nullable String refusal() {
    return refusal;
  }

  /** Writes as many lines as fit before the next rotation, at least one, in one piece. */
  private int writeSome(int from) throws IOException {
    DiskFile open = open(lines.get(from).number());
    int to = from;
    long bytes = 0;
    while (to < lines.size()
        && (to == from || size + bytes + lines.get(to).bytes().length <= bytesMax)) {
      bytes += lines.get(to).bytes().length;
      to++;
    }
    ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(bytes));
    lines.subList(from, to).forEach(line -> buffer.put(line.bytes()));
    open.write(buffer.flip(), size);
    size += bytes;
    return to - from;
  }

  /** Opens the file; {@code number} is that of the line which is written next. */
  private DiskFile open(long number) throws IOException {
    DiskFile open = file;
    if (open == null) {
      boolean there = disk.kind(path) == Disk.Kind.FILE;
      if (!there) {
        RotatedFiles.clear(disk, path);
      }
      open = disk.open(path, there ? Disk.Access.WRITE : Disk.Access.CREATE);
      file = open;
      size = open.size();
      first = first(open, older.category());
      endTornLine(open);
    }
    if (first == 0) {
      first = number;
    }
    return open;
  }

  /** The number of the first line that can be read at the beginning of a file; 0 if none can. */
  static long first(DiskFile file, Category category) throws IOException {
    ByteBuffer beginning = ByteBuffer.allocate((int) Math.min(BEGINNING, file.size()));
    LogBlock.fill(file, 0, beginning);
    long[] first = {0};
    new Lines(beginning.array(), 0, beginning.position())
        .forEach(
            (bytes, from, to) -> {
              Line line = first[0] > 0 ? null : LogLine.decode(bytes, from, to, category);
              first[0] = line == null ? first[0] : line.number();
            });
    return first[0];
  }

  /** A crash may have left half a line: the next one must not be glued to it. */
  private void endTornLine(DiskFile open) throws IOException {
    ByteBuffer last = ByteBuffer.allocate(1);
    if (size > 0 && open.read(last, size - 1) == 1 && last.get(0) != '\n') {
      open.write(ByteBuffer.wrap(new byte[] {'\n'}), size);
      size++;
    }
  }

  private void rotate() throws IOException {
    long began = first;
    DiskFile open = file;
    forcing.lock();
    try {
      if (open != null && older.category() == Category.AUDIT) {
        // What is chained to it is vouched for: that must not outlive it.
        requireNoDoubt();
        force(open);
      }
      close();
      older.add(path, began);
    } finally {
      forcing.unlock();
    }
    rotated.accept(older);
  }

  /** Makes what was written durable, as far as the disk will. */
  void force() {
    DiskFile open = file;
    if (open != null) {
      try {
        open.force();
      } catch (IOException _) {
        // After that nothing is known of the file but what it says when it is opened again.
        close();
      }
    }
  }

  /**
   * Takes back half of a piece that could not be written whole, so that its lines are lost once.
   */
  private void giveUp() {
    DiskFile open = file;
    if (open != null) {
      try {
        open.truncate(size);
      } catch (IOException _) {
        // The piece stands as far as it came; its lines are counted as lost nevertheless.
      }
    }
    close();
  }

  void close() {
    DiskFile open = file;
    file = null;
    size = 0;
    first = 0;
    if (open != null) {
      try {
        open.close();
      } catch (IOException _) {
        // Nothing is buffered in here: closing cannot lose a line.
        return;
      }
    }
  }
}

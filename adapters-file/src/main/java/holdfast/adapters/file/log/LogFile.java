package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One category's file, {@code name.jsonl}, which is rotated into older ones between lines only. One
 * thread.
 */
final class LogFile {
  private final Disk disk;
  private final Path path;
  private final long bytesMax;
  private final RotatedFiles older;
  private final Consumer<RotatedFiles> rotated;
  private final List<byte[]> lines = new ArrayList<>();
  private @Nullable DiskFile file;
  private long size;

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
      if (older.tidy()) {
        rotated.accept(older);
      }
    } catch (IOException _) {
      // It stays as it is; the next rotation has to do with it again.
      return;
    }
  }

  /** Adds a line, which ends in a newline; written by the next {@link #write}. */
  void add(byte[] line) {
    lines.add(line);
  }

  /**
   * Writes the lines that were added.
   *
   * @return how many of them were lost because the disk refused them
   */
  long write() {
    int done = 0;
    try {
      while (done < lines.size()) {
        if (size > 0 && size + lines.get(done).length > bytesMax) {
          rotate();
        }
        done += writeSome(done);
      }
      return 0;
    } catch (IOException _) {
      // An event log may lose lines; it says so itself once it can be written again.
      close();
      return (long) lines.size() - done;
    } finally {
      lines.clear();
    }
  }

  /** Writes as many lines as fit before the next rotation, at least one, in one piece. */
  private int writeSome(int from) throws IOException {
    DiskFile open = open();
    int to = from;
    long bytes = 0;
    while (to < lines.size() && (to == from || size + bytes + lines.get(to).length <= bytesMax)) {
      bytes += lines.get(to).length;
      to++;
    }
    ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(bytes));
    lines.subList(from, to).forEach(buffer::put);
    open.write(buffer.flip(), size);
    size += bytes;
    return to - from;
  }

  private DiskFile open() throws IOException {
    DiskFile open = file;
    if (open == null) {
      boolean there = disk.kind(path) == Disk.Kind.FILE;
      if (!there) {
        RotatedFiles.clear(disk, path);
      }
      open = disk.open(path, there ? Disk.Access.WRITE : Disk.Access.CREATE);
      file = open;
      size = open.size();
      endTornLine(open);
    }
    return open;
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
    close();
    older.add(path);
    rotated.accept(older);
  }

  void close() {
    DiskFile open = file;
    file = null;
    size = 0;
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

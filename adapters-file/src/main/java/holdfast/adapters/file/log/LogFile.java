package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One category's file and the older ones it was rotated into: {@code name.jsonl}, {@code
 * name.1.jsonl}, which is the youngest of them, and so on. Rotates between lines only. One thread.
 */
final class LogFile {
  private final Disk disk;
  private final Path directory;
  private final String name;
  private final long bytesMax;
  private final int filesMax;
  private final List<byte[]> lines = new ArrayList<>();
  private @Nullable DiskFile file;
  private long size;

  LogFile(Disk disk, Path directory, String name, long bytesMax, int filesMax) {
    this.disk = disk;
    this.directory = directory;
    this.name = name;
    this.bytesMax = bytesMax;
    this.filesMax = filesMax;
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

  private Path path(int age) {
    return directory.resolve(age == 0 ? name + ".jsonl" : name + "." + age + ".jsonl");
  }

  private DiskFile open() throws IOException {
    DiskFile open = file;
    if (open == null) {
      boolean there = disk.kind(path(0)) == Disk.Kind.FILE;
      open = disk.open(path(0), there ? Disk.Access.WRITE : Disk.Access.CREATE);
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
    disk.delete(path(filesMax - 1));
    for (int age = filesMax - 2; age >= 0; age--) {
      if (disk.kind(path(age)) == Disk.Kind.FILE) {
        disk.rename(path(age), path(age + 1));
      }
    }
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

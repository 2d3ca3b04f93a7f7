package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.EventLog.Category;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The older files of one category: {@code name.<number of the first line>.jsonl}. The name of such
 * a file never changes; it is there plain, or compressed with {@code .zst} behind its name.
 *
 * <p>A compressed file gets its name only when it is whole and durable and was read back; the plain
 * one goes after that. So a crash leaves the one, or the other, or both, and then the plain one
 * goes the next time. The oldest are removed; {@code name.removed} holds the number below which
 * lines were. Any thread; nothing waits for a compression.
 */
final class RotatedFiles {
  private static final int REMOVED_BYTES_MAX = 32;

  private final Disk disk;
  private final Path directory;
  private final Category category;
  private final Pattern names;
  private volatile long removedBelow = -1;
  private BeforeRemoval beforeRemoval = _ -> true;

  /** Asked before a file is removed. */
  @FunctionalInterface
  interface BeforeRemoval {
    /** Whether the file that begins with the line of this number may go. */
    boolean mayGo(long first) throws IOException;
  }

  RotatedFiles(Disk disk, Path directory, Category category) {
    this.disk = disk;
    this.directory = directory;
    this.category = category;
    names = Pattern.compile(name() + "\\.([1-9][0-9]{0,17})\\.jsonl(\\.zst)?");
  }

  /** Sets who is asked. Before anything is removed. */
  void beforeRemoval(BeforeRemoval asked) {
    beforeRemoval = asked;
  }

  Category category() {
    return category;
  }

  private String name() {
    return category.label();
  }

  /** The file that is being written. */
  Path current() {
    return directory.resolve(name() + ".jsonl");
  }

  private Path plain(long first) {
    return directory.resolve(name() + "." + first + ".jsonl");
  }

  private Path compressed(long first) {
    return directory.resolve(name() + "." + first + ".jsonl.zst");
  }

  private Path unfinished() {
    return directory.resolve(name() + ".jsonl.zst" + Disk.TEMPORARY_SUFFIX);
  }

  private Path removedNote() {
    return directory.resolve(name() + ".removed");
  }

  /** The file that begins with this line. */
  Path named(long first, boolean isCompressed) {
    return isCompressed ? compressed(first) : plain(first);
  }

  /** The numbers of the first lines of all of them, oldest first. */
  List<Long> firsts() throws IOException {
    var firsts = new TreeSet<Long>();
    for (String file : disk.list(directory)) {
      Matcher found = names.matcher(file);
      if (found.matches()) {
        firsts.add(Long.parseLong(found.group(1)));
      }
    }
    return List.copyOf(firsts);
  }

  /** Bytes of all of them, those being compressed included. */
  long bytes() throws IOException {
    long bytes = 0;
    for (String file : disk.list(directory)) {
      if (names.matcher(file).matches() || file.endsWith(Disk.TEMPORARY_SUFFIX)) {
        bytes += size(directory.resolve(file));
      }
    }
    return bytes;
  }

  private long size(Path file) throws IOException {
    try (DiskFile opened = open(file)) {
      return opened == null ? 0 : opened.size();
    }
  }

  /** When the oldest was last written to, or null if there is none. */
  @Nullable Instant oldestWritten() throws IOException {
    List<Long> firsts = firsts();
    if (firsts.isEmpty()) {
      return null;
    }
    long oldest = firsts.getFirst();
    try {
      return disk.modified(
          disk.kind(plain(oldest)) == Disk.Kind.MISSING ? compressed(oldest) : plain(oldest));
    } catch (IOException e) {
      if (disk.kind(plain(oldest)) != Disk.Kind.MISSING) {
        throw e;
      }
      // Its compression has come to its end just now.
      return disk.modified(compressed(oldest));
    }
  }

  /** An opened file of lines. */
  record Opened(DiskFile file, boolean isCompressed) {}

  /** Opens the file that begins with a line, or null if it was removed. */
  @Nullable Opened open(long first) throws IOException {
    DiskFile lines = open(plain(first));
    if (lines != null) {
      return new Opened(lines, false);
    }
    DiskFile packed = open(compressed(first));
    return packed == null ? null : new Opened(packed, true);
  }

  private @Nullable DiskFile open(Path file) throws IOException {
    return open(disk, file);
  }

  /** Opens a file for reading, or returns null if there is none. */
  static @Nullable DiskFile open(Disk disk, Path file) throws IOException {
    try {
      return disk.kind(file) == Disk.Kind.FILE ? disk.open(file, Disk.Access.READ) : null;
    } catch (NoSuchFileException _) {
      // Whatever bears the name by now is another: an unfinished file goes, and the next one comes.
      return null;
    } catch (IOException e) {
      if (disk.kind(file) == Disk.Kind.FILE) {
        throw e;
      }
      // It has been renamed or removed in between.
      return null;
    }
  }

  /** Makes {@code youngest}, whose first line has this number, one of them. */
  synchronized void add(Path youngest, long first) throws IOException {
    clear(disk, plain(first));
    disk.rename(youngest, plain(first));
    // It must bear its name for good before another file takes the old one, or has the same lines.
    disk.forceDirectory(directory);
  }

  /** Removes the oldest; whether there was one that could go. */
  synchronized boolean removeOldest() throws IOException {
    List<Long> firsts = firsts();
    if (firsts.isEmpty()) {
      return false;
    }
    long oldest = firsts.getFirst();
    if (!beforeRemoval.mayGo(oldest)) {
      return false;
    }
    // Noted before, so that nobody who misses the lines is told that there never were any.
    noteRemoved(firsts.size() > 1 ? firsts.get(1) : oldest + 1);
    clear(disk, plain(oldest));
    clear(disk, compressed(oldest));
    if (category == Category.AUDIT) {
      // A power cut must not bring it back and leave younger ones gone: that is a gap in the trail.
      disk.forceDirectory(directory);
    }
    return true;
  }

  private void noteRemoved(long below) throws IOException {
    removedBelow = below;
    disk.delete(removedNote());
    try (DiskFile note = disk.open(removedNote(), Disk.Access.CREATE)) {
      byte[] text = (below + "\n").getBytes(StandardCharsets.US_ASCII);
      note.write(java.nio.ByteBuffer.wrap(text), 0);
    }
  }

  /** All lines with smaller numbers have been removed, if there were any; 0 if none was. */
  long removedBelow() {
    if (removedBelow < 0) {
      removedBelow = noted();
    }
    return removedBelow;
  }

  private long noted() {
    try {
      if (disk.kind(removedNote()) != Disk.Kind.FILE) {
        return 0;
      }
      String text =
          new String(disk.readAll(removedNote(), REMOVED_BYTES_MAX), StandardCharsets.US_ASCII);
      return text.matches("[0-9]{1,18}\n") ? Long.parseLong(text.strip()) : 0;
    } catch (IOException _) {
      // Without the note nobody is told that lines are gone: nothing else depends on it.
      return 0;
    }
  }

  /** Removes a file; what is none is given another name, for it may be somebody's. */
  static void clear(Disk disk, Path path) throws IOException {
    if (disk.kind(path) != Disk.Kind.DIRECTORY) {
      disk.delete(path);
      return;
    }
    int number = 1;
    while (disk.kind(path.resolveSibling(path.getFileName() + ".aside-" + number))
        != Disk.Kind.MISSING) {
      number++;
    }
    disk.rename(path, path.resolveSibling(path.getFileName() + ".aside-" + number));
  }

  /**
   * Removes what a crash left unfinished.
   *
   * @return whether something is there that can be compressed
   */
  synchronized boolean tidy() throws IOException {
    clear(disk, unfinished());
    boolean isPlain = false;
    for (long first : firsts()) {
      isPlain |= disk.kind(plain(first)) == Disk.Kind.FILE;
    }
    return isPlain;
  }

  /**
   * Compresses all that are plain, the youngest first. One thread at a time.
   *
   * @param stop whether to give up; what is compressed by then stays so
   * @throws IOException if one of them cannot be; it stays plain
   */
  void compress(BooleanSupplier stop) throws IOException {
    var firsts = new ArrayList<>(firsts()).reversed();
    for (long first : firsts) {
      if (!stop.getAsBoolean()) {
        compress(first, stop);
      }
    }
  }

  private void compress(long first, BooleanSupplier stop) throws IOException {
    try (DiskFile lines = open(plain(first))) {
      if (lines == null || isCompressed(first, lines)) {
        return;
      }
      clear(disk, unfinished());
      try (DiskFile target = disk.open(unfinished(), Disk.Access.CREATE)) {
        if (!PackedLines.write(lines, target, category, stop)) {
          return;
        }
        target.force();
        if (PackedLines.compare(target, lines) != PackedLines.Likeness.SAME) {
          throw new IOException("what was written to " + unfinished() + " is not what is there");
        }
      }
      publish(first);
    } finally {
      disk.delete(unfinished());
    }
  }

  /** Whether a crash came between naming the compressed file and removing the plain one. */
  private boolean isCompressed(long first, DiskFile lines) throws IOException {
    try (DiskFile before = open(compressed(first))) {
      return before != null
          && switch (PackedLines.compare(before, lines)) {
            case SAME, LONGER -> {
              disk.delete(plain(first));
              yield true;
            }
            case DAMAGED -> false;
            // Somebody put it there: both stay as they are, until both are too old.
            case OTHER -> true;
          };
    }
  }

  private void publish(long first) throws IOException {
    synchronized (this) {
      if (disk.kind(plain(first)) == Disk.Kind.MISSING) {
        // It has become too old meanwhile.
        return;
      }
      Instant written = disk.modified(plain(first));
      clear(disk, compressed(first));
      disk.rename(unfinished(), compressed(first));
      try (DiskFile named = disk.open(compressed(first), Disk.Access.WRITE)) {
        named.modified(written);
      }
    }
    disk.forceDirectory(directory);
    disk.delete(plain(first));
  }
}

package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The older files of one category, by age: {@code name.1.jsonl} is the youngest. Each is there
 * plain, or compressed with {@code .zst} behind its name, and counts once either way.
 *
 * <p>A compressed file gets its name only when it is whole and durable and was read back; the plain
 * one goes after that. So a crash leaves the one, or the other, or both, and then the plain one
 * goes the next time. Any thread; renaming waits for no compression.
 */
final class RotatedFiles {
  private final Disk disk;
  private final Path directory;
  private final String name;
  private final int filesMax;
  private final Pattern names;

  /** The age of the file that is being compressed, which grows with each rotation; 0 if none. */
  private int compressing;

  /**
   * @param filesMax of the category, the one being written included
   */
  RotatedFiles(Disk disk, Path directory, String name, int filesMax) {
    this.disk = disk;
    this.directory = directory;
    this.name = name;
    this.filesMax = filesMax;
    names = Pattern.compile(Pattern.quote(name) + "\\.([1-9][0-9]{0,8})\\.jsonl(\\.zst)?");
  }

  private Path plain(int age) {
    return directory.resolve(name + "." + age + ".jsonl");
  }

  private Path compressed(int age) {
    return directory.resolve(name + "." + age + ".jsonl.zst");
  }

  private Path unfinished() {
    return directory.resolve(name + ".jsonl.zst" + Disk.TEMPORARY_SUFFIX);
  }

  /** Makes {@code youngest} the youngest of them; the oldest goes if there are too many. */
  synchronized void add(Path youngest) throws IOException {
    if (filesMax == 1) {
      clear(disk, youngest);
      return;
    }
    shift();
    // A compressed file and a plain one of the same age must be of the same lines.
    disk.forceDirectory(directory);
    disk.rename(youngest, plain(1));
  }

  /** Makes room at age 1. Up to the first gap only: what failed half way can be repeated. */
  private void shift() throws IOException {
    int gap = 1;
    while (gap < filesMax && isThere(gap)) {
      gap++;
    }
    if (gap == filesMax) {
      gap--;
      if (compressing == gap) {
        compressing = 0;
      }
      clear(disk, plain(gap));
      clear(disk, compressed(gap));
    }
    for (int age = gap - 1; age >= 1; age--) {
      // The compressed one first: alone it is whole, and the plain one may be about to go.
      move(compressed(age), compressed(age + 1));
      move(plain(age), plain(age + 1));
      if (compressing == age) {
        compressing++;
      }
    }
  }

  private boolean isThere(int age) throws IOException {
    return disk.kind(plain(age)) != Disk.Kind.MISSING
        || disk.kind(compressed(age)) != Disk.Kind.MISSING;
  }

  private void move(Path from, Path to) throws IOException {
    if (disk.kind(from) != Disk.Kind.MISSING) {
      disk.rename(from, to);
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
   * Removes what a crash left unfinished, and what is older than may be kept.
   *
   * @return whether something is there that can be compressed
   */
  synchronized boolean tidy() throws IOException {
    disk.delete(unfinished());
    boolean isPlain = false;
    for (String file : disk.list(directory)) {
      Matcher found = names.matcher(file);
      if (found.matches() && Integer.parseInt(found.group(1)) >= filesMax) {
        clear(disk, directory.resolve(file));
      } else if (found.matches() && found.group(2) == null) {
        isPlain = true;
      }
    }
    return isPlain;
  }

  /**
   * Compresses all that are plain. One thread at a time.
   *
   * @param stop whether to give up; what is compressed by then stays so
   * @throws IOException if one of them cannot be; it stays plain
   */
  void compress(BooleanSupplier stop) throws IOException {
    for (int age = 1; age < filesMax && !stop.getAsBoolean(); age++) {
      compress(age, stop);
    }
  }

  private void compress(int youngest, BooleanSupplier stop) throws IOException {
    try (DiskFile lines = openPlain(youngest)) {
      if (lines == null || isCompressed(lines, stop)) {
        return;
      }
      disk.delete(unfinished());
      try (DiskFile target = disk.open(unfinished(), Disk.Access.CREATE)) {
        if (!CompressedLines.write(lines, target, stop)) {
          return;
        }
        target.force();
        if (CompressedLines.compare(target, lines) != CompressedLines.Likeness.SAME) {
          throw new IOException("what was written to " + unfinished() + " is not what is there");
        }
      }
      publish();
    } finally {
      synchronized (this) {
        compressing = 0;
        disk.delete(unfinished());
      }
    }
  }

  private synchronized @Nullable DiskFile openPlain(int age) throws IOException {
    if (disk.kind(plain(age)) != Disk.Kind.FILE) {
      return null;
    }
    compressing = age;
    return disk.open(plain(age), Disk.Access.READ);
  }

  /** Whether a crash came between naming the compressed file and removing the plain one. */
  private boolean isCompressed(DiskFile lines, BooleanSupplier stop) throws IOException {
    DiskFile opened;
    synchronized (this) {
      if (compressing == 0) {
        return true;
      }
      Path file = compressed(compressing);
      if (disk.kind(file) != Disk.Kind.FILE) {
        return false;
      }
      opened = disk.open(file, Disk.Access.READ);
    }
    try (DiskFile before = opened) {
      return switch (CompressedLines.compare(before, lines)) {
        case SAME, LONGER -> {
          removePlain();
          yield true;
        }
        case DAMAGED -> stop.getAsBoolean();
        // Somebody put it there: both stay as they are, and age together.
        case OTHER -> true;
      };
    }
  }

  private void publish() throws IOException {
    synchronized (this) {
      if (compressing == 0) {
        // It has become too old meanwhile.
        return;
      }
      disk.rename(unfinished(), compressed(compressing));
    }
    disk.forceDirectory(directory);
    removePlain();
  }

  private synchronized void removePlain() throws IOException {
    if (compressing > 0) {
      disk.delete(plain(compressing));
    }
  }
}

package holdfast.adapters.file.backup;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Copies files out of a directory that others write to. Each copy is what the file held, from its
 * beginning, at some moment of the copying; it bears the same time. Nothing is forced: that is done
 * once, for all of it. Not for several threads.
 */
public final class Copying {
  private static final int CHUNK = 1 << 20;

  private final Disk disk;
  private final BooleanSupplier isOver;
  private final ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK);
  private long bytes;

  /**
   * @param isOver whether nobody wants the copies any more
   */
  public Copying(Disk disk, BooleanSupplier isOver) {
    this.disk = disk;
    this.isOver = isOver;
  }

  /** Thrown when nobody wants the copies any more. */
  public static final class AbandonedException extends IOException {
    private static final long serialVersionUID = 1L;

    AbandonedException() {
      super("given up on request");
    }
  }

  /** How much was written. */
  public long bytes() {
    return bytes;
  }

  /** How the files of a directory are copied. */
  public enum How {
    /** Each of them. */
    ANEW,
    /** Those whose length or time is not that of their copy. */
    IF_CHANGED,
    /** The same, but of files of lines, which grow, the whole lines. */
    LINES
  }

  /** Copies whatever stands there now, in the place of an earlier copy. */
  public boolean anew(Path from, Path to) throws IOException {
    return copy(from, to, Long.MAX_VALUE);
  }

  /** The same, but an earlier copy of the same length and time is taken for what it says it is. */
  public boolean ifChanged(Path from, Path to) throws IOException {
    if (disk.kind(to) == Disk.Kind.FILE && disk.kind(from) == Disk.Kind.FILE) {
      try {
        if (isSame(from, to)) {
          return true;
        }
      } catch (NoSuchFileException _) {
        // It has gone between the two looks, which is what the copying finds as well.
      }
    }
    return anew(from, to);
  }

  private boolean isSame(Path from, Path to) throws IOException {
    try (DiskFile source = disk.open(from, Disk.Access.READ);
        DiskFile target = disk.open(to, Disk.Access.READ)) {
      return source.size() == target.size() && disk.modified(from).equals(disk.modified(to));
    }
  }

  /** Copies a file of lines up to the end of its last whole one. */
  public boolean lines(Path from, Path to) throws IOException {
    long end = 0;
    try (DiskFile source = disk.open(from, Disk.Access.READ)) {
      end = endOfLines(source);
    } catch (NoSuchFileException _) {
      // Rotated away: there is no copy then.
    }
    return copy(from, to, end);
  }

  private long endOfLines(DiskFile source) throws IOException {
    long size = source.size();
    for (long at = size; at > 0; ) {
      int length = (int) Math.min(CHUNK, at);
      at -= length;
      chunk.clear().limit(length);
      source.read(chunk, at);
      for (int i = chunk.position() - 1; i >= 0; i--) {
        if (chunk.get(i) == '\n') {
          return at + i + 1;
        }
      }
    }
    return 0;
  }

  private boolean copy(Path from, Path to, long bytesMax) throws IOException {
    refuseIfOver();
    disk.delete(to);
    try (DiskFile source = disk.open(from, Disk.Access.READ)) {
      Instant modified = disk.modified(from);
      try (DiskFile target = disk.open(to, Disk.Access.CREATE)) {
        long at = 0;
        while (at < bytesMax) {
          chunk.clear().limit((int) Math.min(CHUNK, bytesMax - at));
          if (source.read(chunk, at) <= 0) {
            break;
          }
          chunk.flip();
          int count = chunk.remaining();
          target.write(chunk, at);
          at += count;
          bytes += count;
          refuseIfOver();
        }
        target.modified(modified);
      }
      return true;
    } catch (NoSuchFileException e) {
      if (disk.kind(from) != Disk.Kind.MISSING) {
        throw e;
      }
      disk.delete(to);
      return false;
    }
  }

  private void refuseIfOver() throws AbandonedException {
    if (isOver.getAsBoolean()) {
      throw new AbandonedException();
    }
  }

  /**
   * Copies the files of one directory, and removes copies of what is not there any more. Whatever
   * is no file is passed over.
   *
   * @param wanted by their names
   */
  public void files(Path from, Path to, Predicate<String> wanted, How how) throws IOException {
    var copied = new HashSet<String>();
    for (String name : disk.list(from)) {
      if (wanted.test(name) && disk.kind(from.resolve(name)) == Disk.Kind.FILE) {
        if (copied.isEmpty()) {
          directory(to);
        }
        if (copy(from.resolve(name), to.resolve(name), how)) {
          copied.add(name);
        }
      }
    }
    for (String name : disk.list(to)) {
      if (wanted.test(name)
          && !copied.contains(name)
          && disk.kind(to.resolve(name)) == Disk.Kind.FILE) {
        disk.delete(to.resolve(name));
      }
    }
  }

  private boolean copy(Path from, Path to, How how) throws IOException {
    return switch (how) {
      case ANEW -> anew(from, to);
      case IF_CHANGED -> ifChanged(from, to);
      case LINES -> from.toString().endsWith(".jsonl") ? lines(from, to) : ifChanged(from, to);
    };
  }

  /** Makes a directory and what is missing above it, unforced as the rest. */
  public void directory(Path directory) throws IOException {
    if (disk.kind(directory) == Disk.Kind.MISSING) {
      directory(Disk.parent(directory));
      disk.createDirectoryUnforced(directory);
    }
  }

  /** Removes what copies there are of directories that are gone. */
  public void keepOnly(Path directory, Set<String> directories) throws IOException {
    for (String name : disk.list(directory)) {
      Path inner = directory.resolve(name);
      if (!directories.contains(name) && disk.kind(inner) == Disk.Kind.DIRECTORY) {
        remove(disk, inner);
      }
    }
  }

  /** Removes a tree, links as such. */
  public static void remove(Disk disk, @Nullable Path path) throws IOException {
    if (path == null) {
      return;
    }
    if (disk.kind(path) == Disk.Kind.DIRECTORY) {
      for (String name : disk.list(path)) {
        remove(disk, path.resolve(name));
      }
    }
    disk.delete(path);
  }
}

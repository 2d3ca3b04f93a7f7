package holdfast.adapters.file.backup;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.FileLock;
import holdfast.adapters.file.disk.LockHeldException;
import holdfast.adapters.file.disk.NioDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Where a backup is made: under another name beside its own, which it gets when it is whole and
 * durable. What an earlier one that was killed has left there is removed first. Any thread may
 * remove it.
 */
public final class BackupPlace {
  private static final String SUFFIX = ".unfinished";
  private static final String MARK = "BACKUP";

  private final Disk disk;
  private final Path target;
  private final Path unfinished;
  private final FileLock mark;
  private final AtomicBoolean isOver = new AtomicBoolean();

  private BackupPlace(Disk disk, Path target, Path unfinished, FileLock mark) {
    this.disk = disk;
    this.target = target;
    this.unfinished = unfinished;
    this.mark = mark;
  }

  /** The target cannot be used; the message says why and what to do. */
  public static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message);
    }
  }

  /**
   * Makes the place.
   *
   * @param wanted that must not exist, or be an empty directory
   * @param sources no part of which it may be
   */
  public static BackupPlace make(Path wanted, List<Path> sources) throws IOException {
    var disk = new NioDisk();
    Path parent = Disk.parent(wanted.toAbsolutePath().normalize());
    if (!NioDisk.isDirectory(parent)) {
      throw new RefusedException(
          parent + " is no directory. Make it, or mount what belongs there, and try again");
    }
    parent = parent.toRealPath();
    Path name = wanted.toAbsolutePath().normalize().getFileName();
    Path target = parent.resolve(name);
    for (Path source : sources) {
      Path real = source.toRealPath();
      if (target.startsWith(real) || real.startsWith(target)) {
        throw new RefusedException(
            target + " and " + real + " lie one in the other. Name a directory outside of it");
      }
    }
    refuseUnlessFree(disk, target, parent);
    Path unfinished = target.resolveSibling(name + SUFFIX);
    removeLeft(disk, unfinished);
    disk.createDirectory(unfinished);
    FileLock mark = FileLock.acquire(unfinished.resolve(MARK));
    mark.write("pid " + ProcessHandle.current().pid() + "\n");
    return new BackupPlace(disk, target, unfinished, mark);
  }

  private static void refuseUnlessFree(Disk disk, Path target, Path parent) throws IOException {
    switch (disk.kind(target)) {
      case MISSING -> {
        // The usual case.
      }
      case DIRECTORY -> {
        if (!disk.list(target).isEmpty()) {
          throw new RefusedException(
              target + " is not empty, and a backup replaces nothing. Name a new directory");
        }
        if (!NioDisk.areOnOneFileSystem(target, parent)) {
          throw new RefusedException(
              target
                  + " is a mount point. Name a directory below it: "
                  + target.resolve("holdfast"));
        }
      }
      case FILE, OTHER -> throw new RefusedException(target + " is no directory. Name a new one");
    }
  }

  /** What bears no mark of a backup is somebody's: it is not removed. */
  private static void removeLeft(Disk disk, Path unfinished) throws IOException {
    if (disk.kind(unfinished) == Disk.Kind.MISSING) {
      return;
    }
    boolean isMarked =
        disk.kind(unfinished) == Disk.Kind.DIRECTORY
            && (disk.kind(unfinished.resolve(MARK)) == Disk.Kind.FILE
                || disk.list(unfinished).isEmpty());
    if (!isMarked) {
      throw new RefusedException(
          unfinished + " is in the way, and no unfinished backup. Move it away");
    }
    try (FileLock _ = FileLock.acquire(unfinished.resolve(MARK))) {
      for (String name : disk.list(unfinished)) {
        if (!name.equals(MARK)) {
          Copying.remove(disk, unfinished.resolve(name));
        }
      }
      Copying.remove(disk, unfinished);
    } catch (LockHeldException e) {
      throw new RefusedException(
          unfinished + " is being written by another backup: " + e.getMessage() + ". Wait for it");
    }
  }

  /** Where it is written. */
  public Path unfinished() {
    return unfinished;
  }

  /** Where it is in the end. */
  public Path target() {
    return target;
  }

  /** Makes everything durable, and then gives it its name. */
  public void finish() throws IOException {
    disk.forceFileSystem(unfinished);
    if (isOver.compareAndSet(false, true)) {
      disk.delete(unfinished.resolve(MARK));
      disk.forceDirectory(unfinished);
      disk.rename(unfinished, target);
      disk.forceDirectory(Disk.parent(target));
      mark.close();
    }
  }

  /** Removes what was made, unless it is finished. */
  public void remove() throws IOException {
    if (isOver.compareAndSet(false, true)) {
      try {
        Copying.remove(disk, unfinished);
      } finally {
        mark.close();
      }
    }
  }
}

package holdfast.adapters.file.state;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.journal.Identity;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.EntityKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Puts state files in their places. A group is written under other names, made durable at once,
 * renamed, and the names made durable: a crash leaves each file as it was or as it is to be. One
 * thread at a time.
 */
final class StateFileWriter {
  private static final int FORCED_ONE_BY_ONE_MAX = 4;

  private final Disk disk;
  private final Layout layout;
  private final Quarantine quarantine;
  private final Supplier<Identity> identity;

  /** Shards whose names this process has forced. */
  private final Set<Path> shards = new HashSet<>();

  StateFileWriter(Disk disk, Layout layout, Quarantine quarantine, Supplier<Identity> identity) {
    this.disk = disk;
    this.layout = layout;
    this.quarantine = quarantine;
    this.identity = identity;
  }

  /**
   * Writes these files. Those that somebody has edited since they were looked at stay, and are
   * moved from {@code outdated} to {@code unsettled}.
   */
  void write(List<WantedFile> outdated, List<EntityKey> unsettled) throws IOException {
    var temporary = new ArrayList<Path>();
    try {
      boolean oneByOne = outdated.size() <= FORCED_ONE_BY_ONE_MAX;
      for (WantedFile wanted : outdated) {
        makeShard(Disk.parent(wanted.file()), oneByOne);
        temporary.add(writeTemporary(wanted, oneByOne));
      }
      if (!oneByOne) {
        disk.forceFileSystem(layout.state());
      }
      var directories = new HashSet<Path>();
      var kept = new ArrayList<WantedFile>();
      for (int i = 0; i < outdated.size(); i++) {
        WantedFile wanted = outdated.get(i);
        if (!isPutInPlace(temporary.get(i), wanted)) {
          kept.add(wanted);
        }
        directories.add(Disk.parent(wanted.file()));
      }
      force(directories, oneByOne);
      outdated.removeAll(kept);
      kept.forEach(wanted -> unsettled.add(wanted.key()));
    } catch (IOException e) {
      for (Path left : temporary) {
        disk.delete(left);
      }
      throw e;
    }
  }

  /**
   * Puts the new file in the place of the one that was looked at. If another stands there now,
   * somebody has edited it in the meantime: it is put back, to be looked at.
   *
   * <p>Where two names cannot be exchanged in one step, an edit in the instant between the last
   * look and the rename is lost.
   */
  private boolean isPutInPlace(Path temporary, WantedFile wanted) throws IOException {
    Path file = wanted.file();
    Instant looked = wanted.looked().get();
    // What could not be read was moved away rather than copied: there is nothing to exchange with.
    Instant present = looked == null ? null : disk.modifiedOfFile(file);
    if (looked == null || (present == null && disk.kind(file) == Disk.Kind.MISSING)) {
      disk.rename(temporary, file);
      return true;
    }
    if (!looked.equals(present)) {
      disk.delete(temporary);
      return false;
    }
    if (!disk.exchange(temporary, file)) {
      disk.rename(temporary, file);
      return true;
    }
    if (!looked.equals(disk.modifiedOfFile(temporary))) {
      disk.rename(temporary, file);
      return false;
    }
    disk.delete(temporary);
    return true;
  }

  /** A shard that is there may have been made by a process that was killed before it forced it. */
  private void makeShard(Path shard, boolean force) throws IOException {
    Layout.create(disk, shard);
    if (force && shards.add(shard)) {
      disk.forceDirectory(Disk.parent(shard));
    }
  }

  private void force(Set<Path> directories, boolean oneByOne) throws IOException {
    if (oneByOne) {
      for (Path directory : directories) {
        disk.forceDirectory(directory);
      }
    } else {
      disk.forceFileSystem(layout.state());
    }
  }

  /** What stands there is left by a process that was killed, or is none of ours. */
  private DiskFile create(Path temporary) throws IOException {
    try {
      return disk.open(temporary, Disk.Access.CREATE);
    } catch (FileAlreadyExistsException _) {
      if (disk.kind(temporary) == Disk.Kind.DIRECTORY) {
        quarantine.move(temporary, "stands where a file is to be written", null);
      }
      disk.delete(temporary);
      return disk.open(temporary, Disk.Access.CREATE);
    }
  }

  private Path writeTemporary(WantedFile wanted, boolean force) throws IOException {
    Path temporary =
        wanted.file().resolveSibling(wanted.file().getFileName() + Disk.TEMPORARY_SUFFIX);
    try (DiskFile file = create(temporary)) {
      byte[] bytes = StateFile.encode(identity.get(), wanted.version(), wanted.entry());
      file.write(ByteBuffer.wrap(bytes), 0);
      file.modified(wanted.updatedAt());
      if (force) {
        file.force();
      }
    }
    return temporary;
  }
}

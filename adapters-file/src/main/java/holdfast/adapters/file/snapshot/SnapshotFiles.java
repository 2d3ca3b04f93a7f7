package holdfast.adapters.file.snapshot;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.layout.AuditAnchors;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StateImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.UUID;

/**
 * The two files of each snapshot: one among all others, and a copy, which is kept of the newest.
 *
 * <p>The first is written under another name, forced, read back, and only then given its name; the
 * copy is compared with it. Whoever calls sees to it that one call at a time does.
 *
 * @param directory of all snapshots
 * @param twins of the newest one's copy
 * @param audit what every snapshot vouches for besides
 */
public record SnapshotFiles(
    Disk disk, Path directory, Path twins, Quarantine quarantine, AuditAnchors audit) {
  /** Without an audit trail to vouch for. */
  public SnapshotFiles(Disk disk, Path directory, Path twins, Quarantine quarantine) {
    this(disk, directory, twins, quarantine, new AuditAnchors());
  }

  Path file(SnapshotName name) {
    return directory.resolve(name.fileName());
  }

  Path twin(SnapshotName name) {
    return twins.resolve(name.fileName());
  }

  /** The names in both directories, those that hold most history first. */
  public List<SnapshotName> names() throws IOException {
    var names = new TreeSet<SnapshotName>();
    for (Path place : List.of(directory, twins)) {
      for (String file : disk.list(place)) {
        SnapshotName name = SnapshotName.ofFile(file);
        if (name != null) {
          names.add(name);
        }
      }
    }
    return List.copyOf(names.descendingSet());
  }

  /** Both files that may hold a snapshot. */
  public List<Path> files(SnapshotName name) {
    return List.of(file(name), twin(name));
  }

  /**
   * Writes a snapshot and its copy, durably, each read back; nothing older is touched.
   *
   * @return what was read back
   */
  public SnapshotReader.Content write(UUID lineage, long epoch, StateImage image, Reason reason)
      throws IOException {
    SnapshotName name = SnapshotName.of(image.at(), epoch, image.seq());
    for (int i = 1; disk.kind(file(name)) != Disk.Kind.MISSING; i++) {
      name = SnapshotName.of(image.at().plusMillis(i), epoch, image.seq());
    }
    var header = new SnapshotHeader(lineage, name, image.at(), reason, audit.forced());
    try {
      SnapshotReader.Content content = writeVerified(file(name), header, image);
      disk.copy(file(name), twin(name));
      if (!disk.isSame(file(name), twin(name))) {
        throw new IOException(twin(name) + " reads otherwise than it was written");
      }
      return content;
    } catch (IOException e) {
      // One that was not kept twice was not kept: it must not gather at every attempt.
      for (Path file : files(name)) {
        disk.delete(file);
      }
      throw e;
    }
  }

  private SnapshotReader.Content writeVerified(Path file, SnapshotHeader header, StateImage image)
      throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + Disk.TEMPORARY_SUFFIX);
    disk.delete(temporary);
    SnapshotReader.Content content;
    try {
      try (DiskFile opened = disk.open(temporary, Disk.Access.CREATE)) {
        SnapshotWriter.write(opened, header, image);
      }
      content = SnapshotReader.read(disk, temporary, header.name(), null);
    } catch (IOException e) {
      disk.delete(temporary);
      throw e;
    }
    disk.rename(temporary, file);
    disk.forceDirectory(Disk.parent(file));
    return content;
  }

  /**
   * Reads both files of a snapshot, and mends the one that is damaged from the other.
   *
   * @param lineage that it must be of
   * @param mended is told of it
   * @throws DamagedSnapshotException if neither is whole
   */
  SnapshotReader.Content whole(SnapshotName name, UUID lineage, Collection<Mended> mended)
      throws IOException {
    boolean hasTwin = disk.kind(twin(name)) != Disk.Kind.MISSING;
    SnapshotReader.Content content = null;
    DamagedSnapshotException damage = null;
    Path sound = null;
    for (Path file : hasTwin ? files(name) : List.of(file(name))) {
      try {
        if (sound != null && isSame(sound, file)) {
          continue;
        }
        content = of(lineage, SnapshotReader.read(disk, file, name, null));
        sound = file;
      } catch (DamagedSnapshotException e) {
        damage = e;
      }
    }
    if (content == null || sound == null) {
      throw damage == null ? new DamagedSnapshotException("it is missing") : damage;
    }
    if (damage != null) {
      Path broken = sound.equals(file(name)) ? twin(name) : file(name);
      mended.add(replace(broken, sound, String.valueOf(damage.getMessage())));
    }
    return content;
  }

  private boolean isSame(Path one, Path other) {
    try {
      return disk.isSame(one, other);
    } catch (IOException _) {
      // Reading the other as a snapshot says what is wrong with it.
      return false;
    }
  }

  /** What is read of a snapshot that must be of this lineage. */
  static SnapshotReader.Content of(UUID lineage, SnapshotReader.Content content)
      throws DamagedSnapshotException {
    if (!content.header().lineage().equals(lineage)) {
      throw new DamagedSnapshotException("it is of another lineage, " + content.header().lineage());
    }
    return content;
  }

  /** Puts a copy of the sound file in the place of the other, which is kept aside. */
  Mended replace(Path broken, Path sound, String damage) throws IOException {
    Path aside =
        disk.kind(broken) == Disk.Kind.FILE
            ? quarantine.keep(broken, damage, sound.toString())
            : quarantine.move(broken, damage, sound.toString());
    disk.copy(sound, broken);
    return new Mended(
        broken.toString(), damage, sound.toString(), aside == null ? null : aside.toString());
  }

  /** Removes both, durably. */
  void delete(SnapshotName name) throws IOException {
    for (Path file : files(name)) {
      if (disk.delete(file)) {
        disk.forceDirectory(Disk.parent(file));
      }
    }
  }
}

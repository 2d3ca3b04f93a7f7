package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.layout.Instance;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.layout.Manifest;
import holdfast.adapters.file.layout.Manifests;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The files that say whose history a directory holds: INSTANCE, its twin in a mirror apart, and the
 * manifests. A start reads them and rebuilds what it cannot believe; from then on they are kept as
 * they were written.
 *
 * <p>What is replaced is in quarantine first. {@link #read} and {@link #rebuild} are for the one
 * thread that starts. Afterwards one thread at a time mends, and any may settle a copy: before
 * that, INSTANCE is not mended.
 */
final class HistoryNames {
  private final Disk disk;
  private final Layout layout;
  private final Manifests manifests;
  private final Quarantine quarantine;
  private final boolean mirrorApart;

  /**
   * The lineage that INSTANCE is to name; null before a start has settled that, and while an
   * accepted copy has not been settled: INSTANCE still tells of the copy then.
   */
  private volatile @Nullable UUID settled;

  /**
   * What was read.
   *
   * @param instance null if it is missing or damaged
   */
  record Found(@Nullable Instance instance, Manifests.Found manifests) {
    @Nullable Manifest newest() {
      return manifests.newest();
    }

    /** What both INSTANCE and the manifest name, or the one of them that is whole; or null. */
    @Nullable UUID lineage() {
      if (instance != null) {
        return instance.lineage();
      }
      Manifest newest = newest();
      return newest == null ? null : newest.lineage();
    }
  }

  /**
   * @param quarantine keeps what is replaced
   * @param mirrorApart whether the mirror is on a disk of its own, and has an INSTANCE too
   */
  HistoryNames(
      Disk disk, Layout layout, Manifests manifests, Quarantine quarantine, boolean mirrorApart) {
    this.disk = disk;
    this.layout = layout;
    this.manifests = manifests;
    this.quarantine = quarantine;
    this.mirrorApart = mirrorApart;
  }

  /**
   * Reads INSTANCE and the manifests; changes nothing.
   *
   * @throws StorageException if they name different lineages
   */
  Found read() throws IOException {
    Instance instance = Instance.read(disk, layout.instance());
    Manifests.Found found = manifests.read();
    Manifest newest = found.newest();
    if (instance != null && newest != null && !instance.lineage().equals(newest.lineage())) {
      throw new StorageException(
          layout.instance()
              + " names lineage "
              + instance.lineage()
              + " but the manifest names "
              + newest.lineage()
              + ": files of two directories were mixed. Put back what belongs together; nothing"
              + " was changed");
    }
    return new Found(instance, found);
  }

  /** What the mirror's own INSTANCE says, or null if it is missing or damaged. */
  @Nullable Instance readMirror() throws IOException {
    return Instance.read(disk, layout.mirrorInstance());
  }

  /** Whether INSTANCE was written as another file than the one that it is now. */
  boolean isCopy(Found found) throws IOException {
    Instance instance = found.instance();
    return instance != null && instance.inode() != disk.inode(layout.instance());
  }

  /**
   * Rebuilds INSTANCE where it is missing or damaged, and puts aside the manifests that the next
   * one replaces.
   *
   * @param isNew whether there has been no history yet, so that nothing can be missing
   * @return what was rebuilt, one sentence each
   */
  List<String> rebuild(Found found, UUID lineage, boolean isNew) throws IOException {
    var healed = new ArrayList<String>();
    Manifest newest = found.newest();
    if (newest != null && newest.format() < Manifest.FORMAT) {
      backUp(newest.format());
    }
    for (Path file : found.manifests().damaged()) {
      putAside(file);
    }
    if (found.instance() == null) {
      putAside(layout.instance());
      Instance.write(disk, layout.instance(), lineage);
    }
    if (found.instance() == null && !isNew) {
      healed.add(layout.instance() + " was missing or damaged: rebuilt");
    }
    if (mirrorApart && readMirror() == null) {
      boolean isDamaged = disk.kind(layout.mirrorInstance()) == Disk.Kind.FILE;
      if (isDamaged) {
        putAside(layout.mirrorInstance());
        healed.add(layout.mirrorInstance() + " was damaged: rebuilt");
      }
      Instance.write(disk, layout.mirrorInstance(), lineage);
    }
    if (!isNew) {
      found.manifests().damaged().forEach(file -> healed.add(file + " was damaged: rebuilt"));
      found.manifests().missing().stream()
          .filter(file -> !file.equals(layout.manifest()))
          .forEach(file -> healed.add(file + " was missing: rebuilt"));
    }
    return healed;
  }

  /** Keeps what a newer format is about to replace. */
  private void backUp(int format) throws IOException {
    Path backup = layout.recovery().resolve("backup-format-" + format);
    Layout.create(disk, backup);
    for (Path file : List.of(layout.instance(), layout.manifest(), layout.otherManifest())) {
      if (disk.kind(file) == Disk.Kind.FILE) {
        String prefix = file.equals(layout.otherManifest()) ? "other-" : "";
        disk.replace(
            backup.resolve(prefix + file.getFileName()), disk.readAll(file, Manifests.BYTES_MAX));
      }
    }
  }

  /** From now on {@link #mend} sees to it that INSTANCE names this lineage. */
  void keep(UUID lineage) {
    settled = lineage;
  }

  /** Makes this directory the original of its own history, durably. */
  void settle(UUID lineage) throws IOException {
    Instance.write(disk, layout.instance(), lineage);
    keep(lineage);
  }

  /**
   * Puts manifests and INSTANCE back where they are not as they were written.
   *
   * @return the places, and where their bytes are now, if there were any
   */
  Map<Path, Optional<Path>> mend() throws IOException {
    var mended = new LinkedHashMap<>(manifests.mend(quarantine));
    UUID lineage = settled;
    if (lineage != null) {
      mend(layout.instance(), lineage, mended);
      if (mirrorApart) {
        mend(layout.mirrorInstance(), lineage, mended);
      }
    }
    return mended;
  }

  private void mend(Path file, UUID lineage, Map<Path, Optional<Path>> mended) throws IOException {
    Instance found = Instance.read(disk, file);
    boolean sound =
        found != null && found.lineage().equals(lineage) && found.inode() == disk.inode(file);
    if (!sound) {
      Path kept = putAside(file);
      Instance.write(disk, file, lineage);
      mended.put(file, Optional.ofNullable(kept));
    }
  }

  /** Keeps what is about to be rebuilt; what is no file would be in the way. */
  private @Nullable Path putAside(Path file) throws IOException {
    String what = "damaged, of another time, or no file";
    String source = "what the rest of the directory says";
    return disk.kind(file) == Disk.Kind.FILE
        ? quarantine.keep(file, what, source)
        : quarantine.move(file, what, source);
  }
}

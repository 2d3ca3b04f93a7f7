package holdfast.adapters.file.snapshot;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.Identity;
import holdfast.adapters.file.layout.AuditAnchors;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.Scrubbing.Piece;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.LongSupplier;
import java.util.function.ObjLongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots as files in one directory, and a copy of the newest one in another.
 *
 * <p>A snapshot is written under another name, forced, read back, and only then given its name. Any
 * thread; one call at a time does the work.
 */
public final class FileSnapshotStorage implements SnapshotStorage {
  private static final int RELIED_UPON = 2;

  private final Places places;
  private final Supplier<Identity> identity;
  private final ObjLongConsumer<List<String>> retiring;
  private final LongSupplier floor;
  private final int kept;
  private final Map<SnapshotName, Snapshot> known = new HashMap<>();
  private final Map<SnapshotName, String> damaged = new HashMap<>();
  private @Nullable SnapshotName lastScrubbed;
  private boolean replacementWanted;

  /**
   * Where snapshots are.
   *
   * @param directory of all snapshots
   * @param twins of the newest one's copy
   * @param audit what every snapshot vouches for besides
   */
  public record Places(
      Disk disk, Path directory, Path twins, Quarantine quarantine, AuditAnchors audit) {
    public Places(Disk disk, Path directory, Path twins, Quarantine quarantine) {
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
  }

  /**
   * @param identity whose state is kept
   * @param retiring told after each save of the ids of the snapshots that recovery relies on,
   *     newest first, and of the seq of the older one, which was found whole just now; 0 if there
   *     is none
   * @param floor up to where history was retired; 0 if all of it is still there
   * @param kept how many snapshots are kept, at least 2
   */
  public FileSnapshotStorage(
      Places places,
      Supplier<Identity> identity,
      ObjLongConsumer<List<String>> retiring,
      LongSupplier floor,
      int kept) {
    this.places = places;
    this.identity = identity;
    this.retiring = retiring;
    this.floor = floor;
    this.kept = kept;
  }

  @Override
  public synchronized Snapshot save(StateImage image, Reason reason) {
    try {
      Kept saved = keep(identity.get().epoch(), image, reason);
      retireOthers(saved.name());
      replacementWanted = false;
      return saved.snapshot();
    } catch (IOException e) {
      throw notKept(e);
    }
  }

  /** One that was written and read back just now. */
  private record Kept(SnapshotName name, Snapshot snapshot) {}

  private Kept keep(long epoch, StateImage image, Reason reason) throws IOException {
    SnapshotReader.Content content = write(places, identity.get().lineage(), epoch, image, reason);
    SnapshotName name = content.header().name();
    Snapshot snapshot = describe(name, content, true);
    known.put(name, snapshot);
    return new Kept(name, snapshot);
  }

  private StorageException notKept(IOException e) {
    return DiskFullException.told(
        "no snapshot could be made in " + places.directory() + ": " + e, e);
  }

  /** The snapshot that an epoch is to begin with. */
  public record NextEpoch(long epoch, EpochBase base) {}

  /**
   * Keeps the state that the next epoch is to begin with. Until that has begun, the caller holds
   * the monitor of this object: nobody may remove what is not relied upon yet.
   *
   * @throws StorageException if it could not be kept
   */
  public synchronized NextEpoch keepForNextEpoch(StateImage image) {
    try {
      List<SnapshotName> ours = ours();
      long last = ours.isEmpty() ? 0 : ours.getFirst().epoch();
      // The snapshot of an epoch that never began must not pass for one of this.
      long epoch = Math.max(last, identity.get().epoch()) + 1;
      Kept kept = keep(epoch, image, Reason.EPOCH);
      return new NextEpoch(
          epoch, new EpochBase(kept.name().id(), kept.snapshot().sha256(), image.seq()));
    } catch (IOException e) {
      throw notKept(e);
    }
  }

  /** Removes the snapshot of an epoch that does not begin. */
  public synchronized void discard(NextEpoch next) throws IOException {
    SnapshotName name = SnapshotName.parse(next.base().snapshot());
    if (name != null) {
      remove(name);
    }
  }

  /**
   * Writes a snapshot and its copy, durably, each read back; nothing older is touched.
   *
   * @return what was read back
   */
  public static SnapshotReader.Content write(
      Places places, UUID lineage, long epoch, StateImage image, Reason reason) throws IOException {
    Disk disk = places.disk();
    SnapshotName name = SnapshotName.of(image.at(), epoch, image.seq());
    for (int i = 1; disk.kind(places.file(name)) != Disk.Kind.MISSING; i++) {
      name = SnapshotName.of(image.at().plusMillis(i), epoch, image.seq());
    }
    var header = new SnapshotHeader(lineage, name, image.at(), reason, places.audit().forced());
    try {
      SnapshotReader.Content content = writeVerified(disk, places.file(name), header, image);
      disk.copy(places.file(name), places.twin(name));
      if (!disk.isSame(places.file(name), places.twin(name))) {
        throw new IOException(places.twin(name) + " reads otherwise than it was written");
      }
      return content;
    } catch (IOException e) {
      // One that was not kept twice was not kept: it must not gather at every attempt.
      for (Path file : places.files(name)) {
        disk.delete(file);
      }
      throw e;
    }
  }

  private static SnapshotReader.Content writeVerified(
      Disk disk, Path file, SnapshotHeader header, StateImage image) throws IOException {
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

  private static Snapshot describe(
      SnapshotName name, SnapshotReader.Content content, boolean verified) {
    SnapshotFooter footer = content.footer();
    return new Snapshot(
        name.id(),
        content.header().createdAt(),
        name.seq(),
        content.header().lineage().toString().substring(0, 8) + "-" + name.epoch(),
        content.header().reason(),
        footer.tasks(),
        footer.initiatives(),
        content.fileBytes(),
        footer.sha256(),
        verified);
  }

  /** What is no longer needed goes only when what replaces it is durable and whole. */
  private void retireOthers(SnapshotName newest) throws IOException {
    SnapshotName older = olderWhole(newest);
    List<String> reliedUpon =
        older == null ? List.of(newest.id()) : List.of(newest.id(), older.id());
    retiring.accept(reliedUpon, older == null ? 0 : older.seq());
    for (String file : places.disk().list(places.twins())) {
      SnapshotName name = SnapshotName.ofFile(file);
      if (name != null && !name.equals(newest)) {
        places.disk().delete(places.twins().resolve(file));
      }
    }
    places.disk().forceDirectory(places.twins());
    List<SnapshotName> names = ours();
    List<SnapshotName> needed = reliedUpon();
    for (SnapshotName name : names.subList(Math.min(kept, names.size()), names.size())) {
      if (!needed.contains(name)) {
        remove(name);
      }
    }
  }

  /** The newest snapshot of this epoch before {@code newest} that is whole as of now. */
  private @Nullable SnapshotName olderWhole(SnapshotName newest) throws IOException {
    for (SnapshotName name : places.names()) {
      if (name.epoch() == newest.epoch() && name.compareTo(newest) < 0) {
        Verification found = verify(name);
        if (found instanceof Verification.Whole || found instanceof Verification.Mended) {
          return name;
        }
      }
    }
    return null;
  }

  private void remove(SnapshotName name) throws IOException {
    for (Path file : places.files(name)) {
      if (places.disk().delete(file)) {
        places.disk().forceDirectory(Disk.parent(file));
      }
    }
    known.remove(name);
    damaged.remove(name);
  }

  @Override
  public synchronized List<Snapshot> list() {
    try {
      var all = new ArrayList<Snapshot>();
      for (SnapshotName name : places.names()) {
        Snapshot snapshot = known(name);
        if (snapshot != null) {
          all.add(snapshot);
        }
      }
      all.sort((a, b) -> b.id().compareTo(a.id()));
      return all;
    } catch (IOException e) {
      throw new StorageException("the snapshots in " + places.directory() + " cannot be listed", e);
    }
  }

  /** What is known of a snapshot, read once; null if it is damaged or of another lineage. */
  private @Nullable Snapshot known(SnapshotName name) throws IOException {
    Snapshot snapshot = known.get(name);
    if (snapshot != null || damaged.containsKey(name)) {
      return snapshot;
    }
    for (Path file : places.files(name)) {
      try {
        Snapshot found =
            describe(name, ofOurLineage(SnapshotReader.summary(places.disk(), file, name)), false);
        known.put(name, found);
        return found;
      } catch (DamagedSnapshotException | UnknownSnapshotFormatException _) {
        // The scrub says what is wrong with it; here it does not count.
      }
    }
    return null;
  }

  @Override
  public Optional<Snapshot> find(String id) {
    return list().stream().filter(snapshot -> snapshot.id().equals(id)).findFirst();
  }

  @Override
  public synchronized Loading load(String id) {
    SnapshotName name = SnapshotName.parse(id);
    try {
      return name == null || !places.names().contains(name)
          ? new Loading.NoSuchSnapshot()
          : new Loading.Loaded(SnapshotState.read(places, name, identity.get().lineage()));
    } catch (StorageException unusable) {
      return new Loading.Unusable(String.valueOf(unusable.getMessage()));
    } catch (IOException e) {
      throw new StorageException("snapshot " + id + " cannot be read", e);
    }
  }

  @Override
  public synchronized Verification verify(String id) {
    SnapshotName name = SnapshotName.parse(id);
    try {
      return name == null || !places.names().contains(name)
          ? new Verification.NoSuchSnapshot()
          : verify(name);
    } catch (IOException e) {
      throw new StorageException("snapshot " + id + " cannot be checked", e);
    }
  }

  private Verification verify(SnapshotName name) throws IOException {
    var mended = new ArrayList<Mended>();
    try {
      SnapshotReader.Content content = whole(name, mended);
      Snapshot snapshot = describe(name, content, true);
      known.put(name, snapshot);
      damaged.remove(name);
      return mended.isEmpty()
          ? new Verification.Whole(snapshot)
          : new Verification.Mended(snapshot, mended.getFirst().damage());
    } catch (DamagedSnapshotException e) {
      String what = String.valueOf(e.getMessage());
      damaged.put(name, what);
      known.remove(name);
      return new Verification.Damaged(what);
    }
  }

  /** Reads both files of a snapshot, and mends the one that is damaged from the other. */
  private SnapshotReader.Content whole(SnapshotName name, Collection<Mended> mended)
      throws IOException {
    boolean hasTwin = places.disk().kind(places.twin(name)) != Disk.Kind.MISSING;
    SnapshotReader.Content content = null;
    DamagedSnapshotException damage = null;
    Path sound = null;
    for (Path file : hasTwin ? places.files(name) : List.of(places.file(name))) {
      try {
        if (sound != null && isSame(sound, file)) {
          continue;
        }
        content = ofOurLineage(SnapshotReader.read(places.disk(), file, name, null));
        sound = file;
      } catch (DamagedSnapshotException e) {
        damage = e;
      }
    }
    if (content == null || sound == null) {
      throw damage == null ? new DamagedSnapshotException("it is missing") : damage;
    }
    if (damage != null) {
      Path broken = sound.equals(places.file(name)) ? places.twin(name) : places.file(name);
      mended.add(replace(broken, sound, String.valueOf(damage.getMessage())));
    }
    return content;
  }

  private boolean isSame(Path one, Path other) {
    try {
      return places.disk().isSame(one, other);
    } catch (IOException _) {
      // Reading the other as a snapshot says what is wrong with it.
      return false;
    }
  }

  private SnapshotReader.Content ofOurLineage(SnapshotReader.Content content)
      throws DamagedSnapshotException {
    if (!content.header().lineage().equals(identity.get().lineage())) {
      throw new DamagedSnapshotException("it is of another lineage, " + content.header().lineage());
    }
    return content;
  }

  private Mended replace(Path broken, Path sound, String damage) throws IOException {
    Disk disk = places.disk();
    Path aside =
        disk.kind(broken) == Disk.Kind.FILE
            ? places.quarantine().keep(broken, damage, sound.toString())
            : places.quarantine().move(broken, damage, sound.toString());
    disk.copy(sound, broken);
    return new Mended(
        broken.toString(), damage, sound.toString(), aside == null ? null : aside.toString());
  }

  @Override
  public synchronized Deletion delete(String id) {
    SnapshotName name = SnapshotName.parse(id);
    try {
      List<SnapshotName> names = places.names();
      if (name == null || !names.contains(name)) {
        return new Deletion.NoSuchSnapshot();
      }
      if (reliedUpon().contains(name)) {
        return new Deletion.Needed(
            "it is one of the newest " + RELIED_UPON + ", which recovery relies on");
      }
      remove(name);
      return new Deletion.Deleted();
    } catch (IOException e) {
      throw new StorageException("snapshot " + id + " cannot be removed", e);
    }
  }

  /** Those of this lineage that can be read, those that hold most history first. */
  private List<SnapshotName> ours() throws IOException {
    var ours = new ArrayList<SnapshotName>();
    for (SnapshotName name : places.names()) {
      if (known(name) != null) {
        ours.add(name);
      }
    }
    return ours;
  }

  private List<SnapshotName> reliedUpon() throws IOException {
    long epoch = identity.get().epoch();
    return ours().stream().filter(name -> name.epoch() == epoch).limit(RELIED_UPON).toList();
  }

  @Override
  public synchronized boolean wanted() {
    try {
      return replacementWanted || (floor.getAsLong() > 0 && reliedUpon().size() < RELIED_UPON);
    } catch (IOException e) {
      throw new StorageException("the snapshots in " + places.directory() + " cannot be listed", e);
    }
  }

  /** Reads the next snapshot again, and mends it; begins anew after the last. */
  public synchronized Piece scrub() throws IOException {
    List<SnapshotName> names = places.names();
    SnapshotName before = lastScrubbed;
    SnapshotName next =
        names.stream()
            .filter(name -> before == null || name.compareTo(before) < 0)
            .findFirst()
            .orElse(null);
    lastScrubbed = next;
    if (next == null) {
      return new Piece("snapshots", 0, List.of(), true);
    }
    return scrub(next);
  }

  private boolean isNewest(SnapshotName name) throws IOException {
    List<SnapshotName> reliedUpon = reliedUpon();
    return !reliedUpon.isEmpty() && reliedUpon.getFirst().equals(name);
  }

  private Piece scrub(SnapshotName name) throws IOException {
    var mended = new ArrayList<Mended>();
    long bytes = 0;
    try {
      SnapshotReader.Content content = whole(name, mended);
      bytes = content.fileBytes();
      if (isNewest(name) && places.disk().kind(places.twin(name)) == Disk.Kind.MISSING) {
        mended.add(replace(places.twin(name), places.file(name), "it is missing"));
      }
      damaged.remove(name);
    } catch (DamagedSnapshotException e) {
      String what = String.valueOf(e.getMessage());
      // Nobody can use it any more. If recovery relied on it, a new one is made in its stead.
      replacementWanted |= reliedUpon().contains(name);
      damaged.remove(name);
      known.remove(name);
      // Both: a copy that stayed would be found unusable by every start, and then be deleted.
      for (Path file : places.files(name)) {
        Path aside = places.quarantine().move(file, what, null);
        if (aside != null) {
          mended.add(new Mended(file.toString(), what, null, aside.toString()));
        }
      }
    } catch (UnknownSnapshotFormatException e) {
      // It is left as it is: a newer version will know what to do with it.
      mended.add(
          new Mended(places.file(name).toString(), String.valueOf(e.getMessage()), null, null));
    }
    return new Piece("snapshot " + name.id(), bytes, mended, false);
  }
}

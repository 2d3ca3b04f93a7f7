package holdfast.adapters.file.snapshot;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.Identity;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.Scrubbing.Piece;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.ObjLongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots as {@linkplain SnapshotFiles files}: which there are, which are whole, which are
 * needed. Any thread; one call at a time does the work.
 */
public final class FileSnapshotStorage implements SnapshotStorage {
  private static final int RELIED_UPON = 2;

  private final SnapshotFiles files;
  private final Supplier<Identity> identity;
  private final ObjLongConsumer<List<String>> retiring;
  private final LongSupplier floor;
  private final int kept;
  private final Map<SnapshotName, Snapshot> known = new HashMap<>();
  private final Map<SnapshotName, String> damaged = new HashMap<>();
  private @Nullable SnapshotName lastScrubbed;
  private boolean replacementWanted;

  /**
   * @param identity whose state is kept
   * @param retiring told after each save of the ids of the snapshots that recovery relies on,
   *     newest first, and of the seq of the older one, which was found whole just now; 0 if there
   *     is none
   * @param floor up to where history was retired; 0 if all of it is still there
   * @param kept how many snapshots are kept, at least 2
   */
  public FileSnapshotStorage(
      SnapshotFiles files,
      Supplier<Identity> identity,
      ObjLongConsumer<List<String>> retiring,
      LongSupplier floor,
      int kept) {
    this.files = files;
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
    SnapshotReader.Content content = files.write(identity.get().lineage(), epoch, image, reason);
    SnapshotName name = content.header().name();
    Snapshot snapshot = describe(name, content, true);
    known.put(name, snapshot);
    return new Kept(name, snapshot);
  }

  private StorageException notKept(IOException e) {
    return DiskFullException.told(
        "no snapshot could be made in " + files.directory() + ": " + e, e);
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
    for (String file : files.disk().list(files.twins())) {
      SnapshotName name = SnapshotName.ofFile(file);
      if (name != null && !name.equals(newest)) {
        files.disk().delete(files.twins().resolve(file));
      }
    }
    files.disk().forceDirectory(files.twins());
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
    for (SnapshotName name : files.names()) {
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
    files.delete(name);
    known.remove(name);
    damaged.remove(name);
  }

  @Override
  public synchronized List<Snapshot> list() {
    try {
      var all = new ArrayList<Snapshot>();
      for (SnapshotName name : files.names()) {
        Snapshot snapshot = known(name);
        if (snapshot != null) {
          all.add(snapshot);
        }
      }
      all.sort((a, b) -> b.id().compareTo(a.id()));
      return all;
    } catch (IOException e) {
      throw new StorageException("the snapshots in " + files.directory() + " cannot be listed", e);
    }
  }

  /** What is known of a snapshot, read once; null if it is damaged or of another lineage. */
  private @Nullable Snapshot known(SnapshotName name) throws IOException {
    Snapshot snapshot = known.get(name);
    if (snapshot != null || damaged.containsKey(name)) {
      return snapshot;
    }
    for (Path file : files.files(name)) {
      try {
        Snapshot found =
            describe(
                name,
                SnapshotFiles.of(
                    identity.get().lineage(), SnapshotReader.summary(files.disk(), file, name)),
                false);
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
      return name == null || !files.names().contains(name)
          ? new Loading.NoSuchSnapshot()
          : new Loading.Loaded(SnapshotState.read(files, name, identity.get().lineage()));
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
      return name == null || !files.names().contains(name)
          ? new Verification.NoSuchSnapshot()
          : verify(name);
    } catch (IOException e) {
      throw new StorageException("snapshot " + id + " cannot be checked", e);
    }
  }

  private Verification verify(SnapshotName name) throws IOException {
    var mended = new ArrayList<Mended>();
    try {
      SnapshotReader.Content content = files.whole(name, identity.get().lineage(), mended);
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

  @Override
  public synchronized Deletion delete(String id) {
    SnapshotName name = SnapshotName.parse(id);
    try {
      List<SnapshotName> names = files.names();
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
    for (SnapshotName name : files.names()) {
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
      throw new StorageException("the snapshots in " + files.directory() + " cannot be listed", e);
    }
  }

  /** Reads the next snapshot again, and mends it; begins anew after the last. */
  public synchronized Piece scrub() throws IOException {
    List<SnapshotName> names = files.names();
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
      SnapshotReader.Content content = files.whole(name, identity.get().lineage(), mended);
      bytes = content.fileBytes();
      if (isNewest(name) && files.disk().kind(files.twin(name)) == Disk.Kind.MISSING) {
        mended.add(files.replace(files.twin(name), files.file(name), "it is missing"));
      }
      damaged.remove(name);
    } catch (DamagedSnapshotException e) {
      String what = String.valueOf(e.getMessage());
      // Nobody can use it any more. If recovery relied on it, a new one is made in its stead.
      replacementWanted |= reliedUpon().contains(name);
      damaged.remove(name);
      known.remove(name);
      // Both: a copy that stayed would be found unusable by every start, and then be deleted.
      for (Path file : files.files(name)) {
        Path aside = files.quarantine().move(file, what, null);
        if (aside != null) {
          mended.add(new Mended(file.toString(), what, null, aside.toString()));
        }
      }
    } catch (UnknownSnapshotFormatException e) {
      // It is left as it is: a newer version will know what to do with it.
      mended.add(
          new Mended(files.file(name).toString(), String.valueOf(e.getMessage()), null, null));
    }
    return new Piece("snapshot " + name.id(), bytes, mended, false);
  }
}

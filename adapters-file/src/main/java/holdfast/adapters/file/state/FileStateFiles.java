package holdfast.adapters.file.state;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.journal.Identity;
import holdfast.adapters.file.json.CheckedJson;
import holdfast.adapters.file.json.StoredJson.Entry;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.ConflictStorage;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StateFiles;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One readable file for each entity, in shards by the beginning of its id.
 *
 * <p>A group is written under other names, made durable at once, renamed, and the names made
 * durable: a crash leaves each file as it was or as it is to be.
 *
 * <p>Here is what becomes of the files of entities that memory has, or had; {@link StateFileSweep}
 * goes through what else stands there. One thread at a time.
 */
public final class FileStateFiles implements StateFiles {
  private static final int FORCED_ONE_BY_ONE_MAX = 4;

  private final Disk disk;
  private final Layout layout;
  private final Quarantine quarantine;
  private final Supplier<Identity> identity;
  private final Progress progress;
  private final StateFilePlaces places;
  private final StateFileEdits edits;
  private final StateFileSweep sweep;
  private final ConflictStorage conflicts;

  /** What this process has made durable since the checkpoint: of others' writes that is unknown. */
  private final Map<EntityKey, Long> durable = new HashMap<>();

  /** Shards whose names this process has forced. */
  private final Set<Path> shards = new HashSet<>();

  /**
   * How far history and its copies go.
   *
   * @param lastSeq the newest durable seq
   * @param checkpoint as last noted
   * @param onCheckpoint notes a new one durably
   */
  public record Progress(
      LongSupplier lastSeq, LongSupplier checkpoint, LongConsumer onCheckpoint) {}

  public FileStateFiles(
      Disk disk,
      Layout layout,
      Quarantine quarantine,
      Supplier<Identity> identity,
      Progress progress,
      InstantSource clock) {
    this.disk = disk;
    this.layout = layout;
    this.quarantine = quarantine;
    this.identity = identity;
    this.progress = progress;
    places = new StateFilePlaces(disk, layout);
    edits = new StateFileEdits(disk, clock);
    sweep = new StateFileSweep(places, quarantine, identity, progress.lastSeq(), edits);
    conflicts = new FileConflictStorage(disk, layout.conflicts(), quarantine);
  }

  /**
   * An entity, and the file that it belongs in.
   *
   * @param looked when the file was last written to before it was read; null if there was none
   */
  private record Wanted(
      EntityKey key,
      Path file,
      long version,
      long seq,
      Instant updatedAt,
      Entry entry,
      AtomicReference<@Nullable Instant> looked) {}

  /** What a look at files adds to. */
  private record Found(List<Finding> findings, List<EntityKey> unsettled) {}

  @Override
  public long checkpoint() {
    return progress.checkpoint().getAsLong();
  }

  @Override
  public void checkpoint(long seq) {
    if (seq > checkpoint()) {
      progress.onCheckpoint().accept(seq);
      durable.values().removeIf(written -> written <= seq);
    }
  }

  @Override
  public Reconciled reconcile(
      List<Stored<Task>> tasks, List<Stored<Initiative>> initiatives, List<EntityKey> gone) {
    var findings = new ArrayList<Finding>();
    var wanted = new ArrayList<Wanted>();
    tasks.forEach(task -> wanted.add(wanted(task)));
    initiatives.forEach(initiative -> wanted.add(wantedInitiative(initiative)));
    var unsettled = new ArrayList<EntityKey>();
    try {
      places.refuseStrangers();
      var outdated = new ArrayList<Wanted>();
      for (Wanted one : wanted) {
        if (isOutdated(one, findings, unsettled)) {
          outdated.add(one);
        }
      }
      write(outdated, unsettled);
      for (Wanted written : outdated) {
        durable.put(written.key(), written.seq());
        edits.replaced(written.key());
      }
      remove(gone, findings);
      return new Reconciled(outdated.size(), findings, unsettled);
    } catch (IOException e) {
      throw new StorageException("state files cannot be written: " + e, e);
    }
  }

  private Wanted wanted(Stored<Task> stored) {
    Task task = stored.entity();
    EntityKey key = EntityKey.of(task.id());
    return new Wanted(
        key,
        places.file(key),
        task.revision(),
        stored.seq(),
        task.updatedAt(),
        new Entry.OfTask(stored),
        new AtomicReference<>());
  }

  private Wanted wantedInitiative(Stored<Initiative> stored) {
    Initiative initiative = stored.entity();
    EntityKey key = EntityKey.of(initiative.id());
    return new Wanted(
        key,
        places.file(key),
        initiative.revision(),
        stored.seq(),
        initiative.updatedAt(),
        new Entry.OfInitiative(stored),
        new AtomicReference<>());
  }

  /** Looks at what is there; puts aside what must not be overwritten unseen. */
  private boolean isOutdated(Wanted wanted, List<Finding> findings, List<EntityKey> unsettled)
      throws IOException {
    Path file = wanted.file();
    clearShard(Disk.parent(file), findings);
    Disk.Kind kind = disk.kind(file);
    if (kind == Disk.Kind.MISSING) {
      if (wanted.seq() <= checkpoint()) {
        findings.add(finding(wanted, Condition.MISSING, "there is no file", null));
      }
      return true;
    }
    if (kind != Disk.Kind.FILE) {
      String what = "expected a file, found something else";
      Path aside = quarantine.move(file, what, "memory");
      findings.add(finding(wanted, Condition.NOT_A_FILE, what, aside));
      return true;
    }
    Instant modified = disk.modified(file);
    wanted.looked().set(modified);
    byte[] bytes = places.read(file);
    if (bytes == null || !CheckedJson.isSound(bytes)) {
      return isToBeReplaced(wanted, modified, bytes, new Found(findings, unsettled));
    }
    boolean isOutdated = isSoundButOutdated(wanted, StateFile.decode(bytes), findings);
    if (!isOutdated) {
      edits.isSound(wanted.key(), modified);
    }
    return isOutdated;
  }

  /** What stands in a shard's place and is none would lead writes to somewhere else. */
  private void clearShard(Path shard, List<Finding> findings) throws IOException {
    Disk.Kind kind = disk.kind(shard);
    if (kind != Disk.Kind.DIRECTORY && kind != Disk.Kind.MISSING) {
      String what = "expected a directory of state files";
      Path aside = quarantine.move(shard, what, "memory");
      findings.add(StateFileSweep.stranger(null, Condition.NOT_A_FILE, shard, what, aside));
    }
  }

  /** An edit stays where it is until it has been decided what becomes of it. */
  private boolean isToBeReplaced(
      Wanted wanted, Instant modified, byte @Nullable [] bytes, Found found) throws IOException {
    StateFile said = bytes == null ? null : StateFile.decode(bytes);
    boolean isTouched =
        !wasSetTo(wanted, wanted.updatedAt())
            && (said == null || !wasSetTo(wanted, said.updatedAt()));
    EntityKey key = wanted.key();
    if (isTouched && edits.isJudged(key, bytes)) {
      return true;
    }
    if (isTouched && said == null && edits.isBeingWritten(key, wanted.file())) {
      found.unsettled().add(key);
      return false;
    }
    Edit edit = isTouched ? StateFileEdits.of(key, said, modified, bytes) : null;
    if (edit != null && said != null && bytes != null && said.key().equals(key)) {
      String what = "somebody edited it: version " + said.version() + " with another checksum";
      found.findings().add(putAside(wanted, Condition.EDITED, what, edit));
      edits.asked(key, bytes);
      found.unsettled().add(key);
      return false;
    }
    found.findings().add(putAside(wanted, Condition.DAMAGED, "its checksum is wrong", edit));
    return true;
  }

  private Finding putAside(Wanted wanted, Condition condition, String what, @Nullable Edit edit)
      throws IOException {
    Path aside = quarantine.keep(wanted.file(), what, "memory");
    return new Finding(
        wanted.key(),
        condition,
        wanted.file().toString(),
        what,
        aside == null ? null : aside.toString(),
        edit);
  }

  /** Whether the file's time is the one that a version which was changed at {@code time} got. */
  private boolean wasSetTo(Wanted wanted, Instant time) throws IOException {
    return disk.modified(wanted.file())
        .truncatedTo(ChronoUnit.MICROS)
        .equals(time.truncatedTo(ChronoUnit.MICROS));
  }

  private boolean isSoundButOutdated(
      Wanted wanted, @Nullable StateFile said, List<Finding> findings) throws IOException {
    Identity present = identity.get();
    boolean isOurs =
        said != null
            && said.key().equals(wanted.key())
            && said.lineage().equals(present.lineage())
            && said.epoch() == present.epoch();
    if (said == null || !isOurs) {
      boolean isOlderEpoch =
          said != null
              && said.key().equals(wanted.key())
              && said.lineage().equals(present.lineage())
              && said.epoch() < present.epoch();
      if (isOlderEpoch && wanted.seq() > checkpoint()) {
        // An epoch has begun since: nothing is amiss, the file's turn has come.
        return true;
      }
      String what =
          said == null
              ? "its checksum is right, but no version that is known wrote it"
              : "it is of "
                  + said.key()
                  + ", lineage "
                  + said.lineage()
                  + ", epoch "
                  + said.epoch();
      Path aside = quarantine.keep(wanted.file(), what, "memory");
      findings.add(finding(wanted, Condition.FOREIGN, what, aside));
      return true;
    }
    if (said.seq() == wanted.seq() && said.version() == wanted.version()) {
      // An earlier process wrote it, or a force failed: readable, and maybe not on the disk.
      return wanted.seq() > checkpoint()
          && !Long.valueOf(wanted.seq()).equals(durable.get(wanted.key()));
    }
    String what =
        "it has version "
            + said.version()
            + " of seq "
            + said.seq()
            + "; memory has version "
            + wanted.version()
            + " of seq "
            + wanted.seq();
    if (said.seq() > progress.lastSeq().getAsLong()) {
      Path kept = quarantine.keep(wanted.file(), what, null);
      findings.add(
          finding(
              wanted,
              Condition.AHEAD,
              what
                  + ": the journal has lost what came after. Stop the server and put the missing"
                  + " segments back from a backup",
              kept));
      return false;
    }
    if (said.seq() > wanted.seq() || said.version() > wanted.version()) {
      Path kept = quarantine.keep(wanted.file(), what, "memory");
      findings.add(finding(wanted, Condition.FOREIGN, what, kept));
    } else if (wanted.seq() <= checkpoint()) {
      findings.add(finding(wanted, Condition.STALE, what, null));
    }
    return true;
  }

  private static Finding finding(
      Wanted wanted, Condition condition, String detail, @Nullable Path aside) {
    return new Finding(
        wanted.key(),
        condition,
        wanted.file().toString(),
        detail,
        aside == null ? null : aside.toString());
  }

  private void write(List<Wanted> outdated, List<EntityKey> unsettled) throws IOException {
    var temporary = new ArrayList<Path>();
    try {
      boolean oneByOne = outdated.size() <= FORCED_ONE_BY_ONE_MAX;
      for (Wanted wanted : outdated) {
        makeShard(Disk.parent(wanted.file()), oneByOne);
        temporary.add(writeTemporary(wanted, oneByOne));
      }
      if (!oneByOne) {
        disk.forceFileSystem(layout.state());
      }
      var directories = new HashSet<Path>();
      var kept = new ArrayList<Wanted>();
      for (int i = 0; i < outdated.size(); i++) {
        Wanted wanted = outdated.get(i);
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
  private boolean isPutInPlace(Path temporary, Wanted wanted) throws IOException {
    Path file = wanted.file();
    Instant looked = wanted.looked().get();
    // What could not be read was moved away rather than copied: there is nothing to exchange with.
    if (looked == null || disk.kind(file) == Disk.Kind.MISSING) {
      disk.rename(temporary, file);
      return true;
    }
    if (!isAsLooked(file, looked)) {
      disk.delete(temporary);
      return false;
    }
    if (!disk.exchange(temporary, file)) {
      disk.rename(temporary, file);
      return true;
    }
    if (!isAsLooked(temporary, looked)) {
      disk.rename(temporary, file);
      return false;
    }
    disk.delete(temporary);
    return true;
  }

  private boolean isAsLooked(Path file, Instant looked) throws IOException {
    return disk.kind(file) == Disk.Kind.FILE && disk.modified(file).equals(looked);
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

  private Path writeTemporary(Wanted wanted, boolean force) throws IOException {
    Path temporary =
        wanted.file().resolveSibling(wanted.file().getFileName() + Disk.TEMPORARY_SUFFIX);
    if (disk.kind(temporary) == Disk.Kind.DIRECTORY) {
      quarantine.move(temporary, "stands where a file is to be written", null);
    }
    disk.delete(temporary);
    try (DiskFile file = disk.open(temporary, Disk.Access.CREATE)) {
      byte[] bytes = StateFile.encode(identity.get(), wanted.version(), wanted.entry());
      file.write(ByteBuffer.wrap(bytes), 0);
      file.modified(wanted.updatedAt());
      if (force) {
        file.force();
      }
    }
    return temporary;
  }

  private void remove(List<EntityKey> gone, List<Finding> findings) throws IOException {
    var directories = new HashSet<Path>();
    for (EntityKey key : gone) {
      Path file = places.file(key);
      Path shard = Disk.parent(file);
      clearShard(shard, findings);
      if (disk.kind(file) == Disk.Kind.DIRECTORY) {
        quarantine.move(file, "stands where a file was", null);
      }
      disk.delete(file);
      // Also if it was not there: an earlier removal may not have been made durable.
      if (disk.kind(shard) == Disk.Kind.DIRECTORY) {
        directories.add(shard);
      }
      durable.remove(key);
    }
    for (Path directory : directories) {
      disk.forceDirectory(directory);
    }
  }

  @Override
  public Swept sweep(Predicate<EntityKey> exists) {
    try {
      places.refuseStrangers();
      return sweep.next(exists);
    } catch (IOException e) {
      throw new StorageException("the state files cannot be looked through: " + e, e);
    }
  }

  @Override
  public List<EntityKey> touched(List<Stored<Task>> tasks, List<Stored<Initiative>> initiatives) {
    var touched = new ArrayList<EntityKey>();
    try {
      for (Stored<Task> task : tasks) {
        Task entity = task.entity();
        addIfTouched(EntityKey.of(entity.id()), entity.updatedAt(), touched);
      }
      for (Stored<Initiative> initiative : initiatives) {
        Initiative entity = initiative.entity();
        addIfTouched(EntityKey.of(entity.id()), entity.updatedAt(), touched);
      }
      return touched;
    } catch (IOException e) {
      throw new StorageException("the state files cannot be looked at: " + e, e);
    }
  }

  private void addIfTouched(EntityKey key, Instant updatedAt, List<EntityKey> touched)
      throws IOException {
    Path file = places.file(key);
    if (disk.kind(file) == Disk.Kind.FILE) {
      Instant modified = disk.modified(file);
      boolean isAsWritten =
          modified.truncatedTo(ChronoUnit.MICROS).equals(updatedAt.truncatedTo(ChronoUnit.MICROS));
      if (isAsWritten || edits.isKnownAsSound(key, modified)) {
        return;
      }
    }
    touched.add(key);
  }

  @Override
  public void judged(EntityKey key) {
    edits.judged(key);
  }

  @Override
  public @Nullable String putAside(EntityKey key, String why) {
    try {
      Path aside = quarantine.move(places.file(key), why, null);
      edits.replaced(key);
      return aside == null ? null : aside.toString();
    } catch (IOException e) {
      throw new StorageException("the state file of " + key + " cannot be put aside: " + e, e);
    }
  }

  @Override
  public Watch watch(Consumer<EntityKey> heard) {
    return StateFileWatch.of(places, heard);
  }

  @Override
  public ConflictStorage conflicts() {
    return conflicts;
  }
}

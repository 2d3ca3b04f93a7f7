package holdfast.adapters.file.state;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.journal.Identity;
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
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One readable file for each entity, in shards by the beginning of its id.
 *
 * <p>Here is what becomes of the files of entities that memory has, or had: {@link StateFileLook}
 * judges them, {@link StateFileWriter} writes them. {@link StateFileSweep} goes through what else
 * stands there. One thread at a time.
 */
public final class FileStateFiles implements StateFiles {
  private final Disk disk;
  private final Quarantine quarantine;
  private final Progress progress;
  private final StateFilePlaces places;
  private final StateFileEdits edits;
  private final StateFileLook look;
  private final StateFileWriter writer;
  private final StateFileSweep sweep;
  private final ConflictStorage conflicts;

  /** What this process has made durable since the checkpoint: of others' writes that is unknown. */
  private final Map<EntityKey, Long> durable = new HashMap<>();

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
    this.quarantine = quarantine;
    this.progress = progress;
    places = new StateFilePlaces(disk, layout);
    edits = new StateFileEdits(disk, clock);
    look =
        new StateFileLook(
            disk,
            quarantine,
            identity,
            progress,
            places,
            edits,
            wanted -> Long.valueOf(wanted.seq()).equals(durable.get(wanted.key())));
    writer = new StateFileWriter(disk, layout, quarantine, identity);
    sweep = new StateFileSweep(places, quarantine, identity, progress.lastSeq(), edits);
    conflicts = new FileConflictStorage(disk, layout.conflicts(), quarantine);
  }

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
    var wanted = new ArrayList<WantedFile>();
    tasks.forEach(task -> wanted.add(WantedFile.ofTask(task, places)));
    initiatives.forEach(initiative -> wanted.add(WantedFile.ofInitiative(initiative, places)));
    var unsettled = new ArrayList<EntityKey>();
    var found = new StateFileLook.Found(findings, unsettled);
    try {
      places.refuseStrangers();
      var outdated = new ArrayList<WantedFile>();
      for (WantedFile one : wanted) {
        if (look.isOutdated(one, found)) {
          outdated.add(one);
        }
      }
      writer.write(outdated, unsettled);
      for (WantedFile written : outdated) {
        durable.put(written.key(), written.seq());
        edits.replaced(written.key());
      }
      remove(gone, findings);
      return new Reconciled(outdated.size(), findings, unsettled);
    } catch (IOException e) {
      throw DiskFullException.told("state files cannot be written: " + e, e);
    }
  }

  private void remove(List<EntityKey> gone, List<Finding> findings) throws IOException {
    var directories = new HashSet<Path>();
    for (EntityKey key : gone) {
      Path file = places.file(key);
      Path shard = Disk.parent(file);
      look.clearShard(shard, findings);
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
    Instant modified = disk.modifiedOfFile(file);
    if (modified != null) {
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

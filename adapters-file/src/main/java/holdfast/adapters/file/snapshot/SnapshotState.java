package holdfast.adapters.file.snapshot;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.json.StoredJson.Entry;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.task.Task;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** The state that a snapshot holds. For one thread, once. */
public final class SnapshotState {
  private final List<Stored<Task>> tasks = new ArrayList<>();
  private final List<Stored<Initiative>> initiatives = new ArrayList<>();
  private final List<Tombstone> tombstones = new ArrayList<>();
  private final List<IdempotencyRecord> keys = new ArrayList<>();

  private SnapshotState() {}

  /**
   * Reads it from whichever of the snapshot's files is whole.
   *
   * @param lineage that it must be of
   * @throws StorageException if there is none that can be used: names each file, and why not
   */
  public static StateImage read(SnapshotFiles places, SnapshotName name, UUID lineage)
      throws IOException {
    var damage = new ArrayList<String>();
    for (Path file : places.files(name)) {
      var state = new SnapshotState();
      try {
        SnapshotHeader header =
            SnapshotReader.read(places.disk(), file, name, state::take).header();
        if (header.lineage().equals(lineage)) {
          return state.image(name, header);
        }
        damage.add(file + " is of lineage " + header.lineage() + ", not of " + lineage);
      } catch (DamagedSnapshotException e) {
        if (places.disk().kind(file) != Disk.Kind.MISSING) {
          damage.add(file + ": " + e.getMessage());
        }
      }
    }
    throw new StorageException(
        "snapshot "
            + name.id()
            + " cannot be used: "
            + String.join("; ", damage)
            + ". Choose another one; nothing was changed");
  }

  private void take(Entry entry) {
    switch (entry) {
      case Entry.OfTask(var task) -> tasks.add(task);
      case Entry.OfInitiative(var initiative) -> initiatives.add(initiative);
      case Entry.Gone(var tombstone) -> tombstones.add(tombstone);
      case Entry.Key(var key) -> keys.add(key);
    }
  }

  private StateImage image(SnapshotName name, SnapshotHeader header) {
    return new StateImage(name.seq(), header.createdAt(), tasks, initiatives, tombstones, keys);
  }
}

package holdfast.adapters.file;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.Change;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.task.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What storage must hold: a fold over changes, without any bytes. */
final class Model {
  private final Map<String, Stored<Task>> tasks = new TreeMap<>();
  private final Map<String, Stored<Initiative>> initiatives = new TreeMap<>();
  private final Map<String, Tombstone> tombstones = new TreeMap<>();
  private final Map<String, IdempotencyRecord> keys = new TreeMap<>();
  private long seq;

  long seq() {
    return seq;
  }

  void load(StateImage image) {
    seq = image.seq();
    image.tasks().forEach(task -> tasks.put(task.entity().id().value(), task));
    image.initiatives().forEach(one -> initiatives.put(one.entity().id().value(), one));
    image.tombstones().forEach(gone -> tombstones.put(gone.key().kind() + gone.key().id(), gone));
    image.idempotency().forEach(key -> keys.put(key.key(), key));
  }

  /** Forgets everything, and holds another state. */
  void replace(StateImage image) {
    tasks.clear();
    initiatives.clear();
    tombstones.clear();
    keys.clear();
    load(image);
  }

  void apply(Change change) {
    seq++;
    IdempotencyRecord key = change.idempotency();
    if (key != null) {
      keys.put(key.key(), key);
    }
    String id = change.key().id();
    switch (change) {
      case Change.PutTask put -> tasks.put(id, new Stored<>(put.task(), seq, put.cause()));
      case Change.PutInitiative put ->
          initiatives.put(id, new Stored<>(put.initiative(), seq, put.cause()));
      case Change.PurgeTask purge -> {
        tasks.remove(id);
        bury(purge);
      }
      case Change.DeleteInitiative delete -> {
        initiatives.remove(id);
        bury(delete);
      }
    }
  }

  private void bury(Change removal) {
    tombstones.put(
        removal.key().kind() + removal.key().id(), new Tombstone(removal.key(), seq, removal.at()));
  }

  /** All of it, in order of ids: two models with the same content give equal images. */
  StateImage image() {
    return new StateImage(
        seq,
        SampleTasks.NOON,
        List.copyOf(tasks.values()),
        List.copyOf(initiatives.values()),
        List.copyOf(tombstones.values()),
        List.copyOf(keys.values()));
  }

  Optional<Stored<Task>> task(EntityKey key) {
    return key.kind() == EntityKey.Kind.TASK
        ? Optional.ofNullable(tasks.get(key.id()))
        : Optional.empty();
  }

  Optional<Stored<Initiative>> initiative(EntityKey key) {
    return key.kind() == EntityKey.Kind.INITIATIVE
        ? Optional.ofNullable(initiatives.get(key.id()))
        : Optional.empty();
  }

  boolean exists(EntityKey key) {
    return task(key).isPresent() || initiative(key).isPresent();
  }

  List<Stored<Task>> tasks() {
    return List.copyOf(tasks.values());
  }

  /** Every entity that exists. */
  List<EntityKey> keys() {
    var all = new ArrayList<EntityKey>();
    tasks.values().forEach(task -> all.add(EntityKey.of(task.entity().id())));
    initiatives.values().forEach(one -> all.add(EntityKey.of(one.entity().id())));
    return all;
  }

  /** Every entity that changed last behind {@code checkpoint}, those that are gone included. */
  List<EntityKey> newerThan(long checkpoint) {
    var newer = new ArrayList<EntityKey>();
    tasks.values().stream()
        .filter(task -> task.seq() > checkpoint)
        .forEach(task -> newer.add(EntityKey.of(task.entity().id())));
    initiatives.values().stream()
        .filter(one -> one.seq() > checkpoint)
        .forEach(one -> newer.add(EntityKey.of(one.entity().id())));
    tombstones.values().stream()
        .filter(gone -> gone.seq() > checkpoint)
        .forEach(gone -> newer.add(gone.key()));
    return newer;
  }
}

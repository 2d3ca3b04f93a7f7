package holdfast.application;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.Change;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Replay;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Changes that follow upon each other, and what they come to: a fold of its own, up to any seq. */
final class RecordedHistory {
  private static final int KEYS = 40;

  private final List<Committed> changes = new ArrayList<>();
  private final List<Task> tasks = new ArrayList<>();
  private final List<Long> initiatives = new ArrayList<>();
  private long made;

  /** An empty state for these changes to be applied to. */
  static LiveState emptyState() {
    return new LiveState(
        new Opened(
            "instance",
            "epoch",
            1,
            0,
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            null,
            false,
            new Replay(RecoveryReport.Cause.FIRST_START, false, 0, false, List.of(), List.of())));
  }

  List<Committed> changes() {
    return changes;
  }

  /** One more change of any kind; those of tasks that are there are the most frequent. */
  Committed next(Random random) {
    int dice = random.nextInt(100);
    if (tasks.isEmpty() || dice < 25) {
      return submit(random.nextBoolean() ? "key-" + random.nextInt(KEYS) : null);
    }
    if (dice < 75) {
      return patch(random.nextInt(tasks.size()));
    }
    if (dice < 90) {
      return purge(random.nextInt(tasks.size()));
    }
    if (initiatives.isEmpty() || dice < 95) {
      return initiative(random.nextInt(20));
    }
    return deleteInitiative(random.nextInt(initiatives.size()));
  }

  Committed submit(@Nullable String key) {
    made++;
    IdempotencyRecord bound =
        key == null ? null : SampleTasks.idempotency(key, EntityKey.of(SampleTasks.id(made)));
    Change.PutTask put =
        SampleTasks.submit(made, SampleTasks.spec("true", Long.toString(made)), bound);
    tasks.add(put.task());
    return record(put);
  }

  Committed patch(int index) {
    Task task = tasks.get(index);
    Change.PutTask put =
        SampleTasks.change(
            task,
            new TaskEvent.Patched(
                SampleTasks.NOON, SampleTasks.spec("true", "revision " + changes.size())));
    tasks.set(index, put.task());
    return record(put);
  }

  Committed purge(int index) {
    return record(SampleTasks.purge(tasks.remove(index)));
  }

  /** Makes an initiative, or changes it if there is one with this number. */
  Committed initiative(long number) {
    if (!initiatives.contains(number)) {
      initiatives.add(number);
    }
    return record(SampleTasks.initiative(number, "title " + changes.size()));
  }

  Committed deleteInitiative(int index) {
    return record(
        new Change.DeleteInitiative(
            SampleTasks.initiativeId(initiatives.remove(index)), 1, SampleTasks.NOON));
  }

  private Committed record(Change change) {
    var committed = new Committed(changes.size() + 1, change);
    changes.add(committed);
    return committed;
  }

  /** What the changes up to {@code seq} come to, in order of ids. */
  StateImage upTo(long seq) {
    var fold = new Fold();
    changes.subList(0, (int) seq).forEach(fold::apply);
    return fold.image(seq);
  }

  /** An image in order of ids: two of the same content are equal. */
  static StateImage sorted(StateImage image) {
    var fold = new Fold();
    image.tasks().forEach(one -> once(fold.tasks.put(one.entity().id().value(), one)));
    image.initiatives().forEach(one -> once(fold.initiatives.put(one.entity().id().value(), one)));
    image.tombstones().forEach(one -> once(fold.tombstones.put(one.key().toString(), one)));
    image.idempotency().forEach(one -> once(fold.keys.put(one.key(), one)));
    return fold.image(image.seq());
  }

  private static void once(@Nullable Object before) {
    if (before != null) {
      throw new AssertionError("twice in the image: " + before);
    }
  }

  private static final class Fold {
    private final Map<String, Stored<Task>> tasks = new TreeMap<>();
    private final Map<String, Stored<Initiative>> initiatives = new TreeMap<>();
    private final Map<String, Tombstone> tombstones = new TreeMap<>();
    private final Map<String, IdempotencyRecord> keys = new TreeMap<>();

    void apply(Committed committed) {
      Change change = committed.change();
      long seq = committed.seq();
      IdempotencyRecord key = change.idempotency();
      if (key != null) {
        keys.put(key.key(), key);
      }
      String id = change.key().id();
      switch (change) {
        case Change.PutTask put -> tasks.put(id, new Stored<>(put.task(), seq, put.cause()));
        case Change.PutInitiative put ->
            initiatives.put(id, new Stored<>(put.initiative(), seq, put.cause()));
        case Change.PurgeTask _ -> tasks.remove(id);
        case Change.DeleteInitiative _ -> initiatives.remove(id);
      }
      switch (change) {
        case Change.PurgeTask _, Change.DeleteInitiative _ ->
            tombstones.put(change.key().toString(), new Tombstone(change.key(), seq, change.at()));
        case Change.PutTask _, Change.PutInitiative _ -> {
          // Nothing has gone.
        }
      }
    }

    StateImage image(long seq) {
      return new StateImage(
          seq,
          SampleTasks.NOON,
          List.copyOf(tasks.values()),
          List.copyOf(initiatives.values()),
          List.copyOf(tombstones.values()),
          List.copyOf(keys.values()));
    }
  }
}

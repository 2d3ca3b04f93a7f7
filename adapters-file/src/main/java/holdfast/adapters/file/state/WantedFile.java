package holdfast.adapters.file.state;

import holdfast.adapters.file.json.StoredJson.Entry;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * An entity as memory has it, and the file that it belongs in.
 *
 * @param looked when the file was last written to before it was read; null if there was none
 */
record WantedFile(
    EntityKey key,
    Path file,
    long version,
    long seq,
    Instant updatedAt,
    Entry entry,
    AtomicReference<@Nullable Instant> looked) {

  static WantedFile ofTask(Stored<Task> stored, StateFilePlaces places) {
    Task task = stored.entity();
    return of(
        EntityKey.of(task.id()),
        task.revision(),
        stored.seq(),
        task.updatedAt(),
        new Entry.OfTask(stored),
        places);
  }

  static WantedFile ofInitiative(Stored<Initiative> stored, StateFilePlaces places) {
    Initiative initiative = stored.entity();
    return of(
        EntityKey.of(initiative.id()),
        initiative.revision(),
        stored.seq(),
        initiative.updatedAt(),
        new Entry.OfInitiative(stored),
        places);
  }

  private static WantedFile of(
      EntityKey key,
      long version,
      long seq,
      Instant updatedAt,
      Entry entry,
      StateFilePlaces places) {
    return new WantedFile(
        key, places.file(key), version, seq, updatedAt, entry, new AtomicReference<>());
  }
}

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
    EntityKey key = EntityKey.of(task.id());
    return new WantedFile(
        key,
        places.file(key),
        task.revision(),
        stored.seq(),
        task.updatedAt(),
        new Entry.OfTask(stored),
        new AtomicReference<>());
  }

  static WantedFile ofInitiative(Stored<Initiative> stored, StateFilePlaces places) {
    Initiative initiative = stored.entity();
    EntityKey key = EntityKey.of(initiative.id());
    return new WantedFile(
        key,
        places.file(key),
        initiative.revision(),
        stored.seq(),
        initiative.updatedAt(),
        new Entry.OfInitiative(stored),
        new AtomicReference<>());
  }
}

package holdfast.adapters.file;

import holdfast.adapters.file.journal.JournalSink;
import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.json.ChangeCodec;
import holdfast.adapters.file.json.EncodedChange;
import holdfast.adapters.file.json.MalformedJsonException;
import holdfast.adapters.file.json.Recurring;
import holdfast.adapters.file.json.StoredJson.Entry;
import holdfast.adapters.file.layout.Census;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.task.Task;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a base and the journal behind it add up to. Of each segment only the newest after-image of
 * each entity is parsed, straight from the bytes that were read: the checksums vouch for the rest,
 * and nothing but the entities themselves outlives the segment.
 *
 * <p>Used once, by one thread.
 */
final class StateFold {
  private final EntityHeads heads;
  private final Instant now;
  private final Map<EntityKey, SequencedChange> newest = new LinkedHashMap<>();
  private final Map<EntityKey, Stored<Task>> tasks = new LinkedHashMap<>();
  private final Map<EntityKey, Stored<Initiative>> initiatives = new LinkedHashMap<>();
  private final Map<EntityKey, Tombstone> tombstones = new LinkedHashMap<>();
  private final Map<String, IdempotencyRecord> bound = new LinkedHashMap<>();
  private final Recurring recurring = new Recurring();

  /**
   * @param heads is told of every change
   * @param now idempotency keys that have expired by then are left out
   */
  StateFold(EntityHeads heads, Instant now) {
    this.heads = heads;
    this.now = now;
  }

  /** Takes what a base holds. */
  void load(Entry entry) {
    switch (entry) {
      case Entry.OfTask(var task) -> load(task);
      case Entry.OfInitiative(var initiative) -> loadInitiative(initiative);
      case Entry.Gone(var tombstone) -> load(tombstone);
      case Entry.Key(var record) -> load(record);
    }
  }

  /** Takes an entity of the base. */
  void load(Stored<Task> task) {
    EntityKey key = EntityKey.of(task.entity().id());
    tasks.put(key, task);
    heads.loaded(key, task.entity().revision(), task.seq());
  }

  /** Takes an initiative of the base. */
  void loadInitiative(Stored<Initiative> initiative) {
    EntityKey key = EntityKey.of(initiative.entity().id());
    initiatives.put(key, initiative);
    heads.loaded(key, initiative.entity().revision(), initiative.seq());
  }

  void load(Tombstone tombstone) {
    tombstones.put(tombstone.key(), tombstone);
    heads.loaded(tombstone.key(), 0, tombstone.seq());
  }

  void load(IdempotencyRecord record) {
    if (record.expiresAt().isAfter(now)) {
      bound.put(record.key(), record);
    }
  }

  /** Forgets what a base that turned out to be damaged had loaded. */
  void clear() {
    heads.clear();
    tasks.clear();
    initiatives.clear();
    tombstones.clear();
    bound.clear();
  }

  /** All of it, as of {@code seq}. */
  StateImage image(long seq) {
    return new StateImage(seq, now, tasks(), initiatives(), tombstones(), idempotency());
  }

  /** How many entities there are, and which. */
  Census census() {
    return CensusLog.of(tasks.values(), initiatives.values());
  }

  /** Whether anything is known of an entity, its end included. */
  boolean knows(EntityKey key) {
    return tasks.containsKey(key) || initiatives.containsKey(key) || tombstones.containsKey(key);
  }

  /** When an entity changed last, or null if there is none. */
  @Nullable Instant updatedAt(EntityKey key) {
    Stored<Task> task = tasks.get(key);
    Stored<Initiative> initiative = initiatives.get(key);
    if (task != null) {
      return task.entity().updatedAt();
    }
    return initiative == null ? null : initiative.entity().updatedAt();
  }

  /** Where the journal's changes are to go. */
  JournalSink sink() {
    return new JournalSink(this::change, this::segmentEnded);
  }

  /** The same, for changes that somebody else looks at too. */
  JournalSink sink(Consumer<SequencedChange> observer) {
    return new JournalSink(observer.andThen(this::change), this::segmentEnded);
  }

  /**
   * @throws StorageException if the change binds an idempotency key in a way that is not known
   */
  private void change(SequencedChange change) {
    heads.replayed(change);
    newest.put(change.change().key(), change);
    try {
      IdempotencyRecord record = ChangeCodec.idempotency(change.change());
      if (record != null && record.expiresAt().isAfter(now)) {
        // Of two records with one key the later counts.
        bound.put(record.key(), record);
      }
    } catch (MalformedJsonException | IllegalArgumentException e) {
      throw unknown(change, e);
    }
  }

  /**
   * @throws StorageException if an after-image is none that is known
   */
  private void segmentEnded() {
    for (SequencedChange change : newest.values()) {
      try {
        take(change.change(), change.seq());
      } catch (MalformedJsonException | IllegalArgumentException e) {
        throw unknown(change, e);
      }
    }
    newest.clear();
  }

  private void take(EncodedChange change, long seq) {
    EntityKey key = change.key();
    if (change.removal()) {
      tasks.remove(key);
      initiatives.remove(key);
      tombstones.put(key, new Tombstone(key, seq, ChangeCodec.at(change)));
      return;
    }
    String cause = recurring.one(ChangeCodec.cause(change));
    switch (key.kind()) {
      case TASK -> tasks.put(key, new Stored<>(ChangeCodec.task(change, recurring), seq, cause));
      case INITIATIVE ->
          initiatives.put(key, new Stored<>(ChangeCodec.initiative(change), seq, cause));
    }
  }

  private static StorageException unknown(SequencedChange change, RuntimeException cause) {
    return new StorageException(
        "seq "
            + change.seq()
            + " of "
            + change.change().key()
            + " has the right checksum, but this version cannot read it: "
            + cause.getMessage()
            + ". Use the version that wrote it; nothing was changed",
        cause);
  }

  List<Stored<Task>> tasks() {
    return List.copyOf(tasks.values());
  }

  List<Stored<Initiative>> initiatives() {
    return List.copyOf(initiatives.values());
  }

  List<Tombstone> tombstones() {
    return List.copyOf(tombstones.values());
  }

  /** Keys that are still bound. */
  List<IdempotencyRecord> idempotency() {
    return List.copyOf(bound.values());
  }
}

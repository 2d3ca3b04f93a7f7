package holdfast.adapters.file;

import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.json.ChangeCodec;
import holdfast.adapters.file.json.EncodedChange;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.task.Task;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * What a journal adds up to. Only the newest after-image of each entity is parsed, once all is
 * read: the checksums vouch for the rest.
 */
final class StateFold {
  private final Map<EntityKey, SequencedChange> newest = new HashMap<>();
  private final List<EncodedChange> bound = new ArrayList<>();
  private final Instant now;

  /**
   * @param now idempotency keys that have expired by then are left out
   */
  StateFold(Instant now) {
    this.now = now;
  }

  void add(SequencedChange change) {
    newest.put(change.change().key(), change);
    if (change.change().hasIdempotency()) {
      bound.add(change.change().idempotencyOnly());
    }
  }

  List<Stored<Task>> tasks() {
    return stored(EntityKey.Kind.TASK, ChangeCodec::task);
  }

  List<Stored<Initiative>> initiatives() {
    return stored(EntityKey.Kind.INITIATIVE, ChangeCodec::initiative);
  }

  private <E> List<Stored<E>> stored(EntityKey.Kind kind, Function<EncodedChange, E> decode) {
    return newest.values().parallelStream()
        .filter(change -> change.change().key().kind() == kind && !change.change().removal())
        .map(
            change ->
                new Stored<>(
                    decode.apply(change.change()),
                    change.seq(),
                    ChangeCodec.cause(change.change())))
        .toList();
  }

  List<Tombstone> tombstones() {
    return newest.values().stream()
        .filter(change -> change.change().removal())
        .map(
            change ->
                new Tombstone(change.change().key(), change.seq(), ChangeCodec.at(change.change())))
        .toList();
  }

  /** Keys that are still bound; of two records with one key the later counts. */
  List<IdempotencyRecord> idempotency() {
    var byKey = new LinkedHashMap<String, IdempotencyRecord>();
    for (IdempotencyRecord record :
        bound.parallelStream().map(ChangeCodec::idempotency).filter(Objects::nonNull).toList()) {
      if (record.expiresAt().isAfter(now)) {
        byKey.put(record.key(), record);
      }
    }
    return List.copyOf(byKey.values());
  }
}

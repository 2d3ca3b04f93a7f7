package holdfast.domain.port;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.task.Task;
import java.time.Instant;
import java.util.List;

/**
 * The whole state as of one seq: nothing that a later change made, everything that it or an earlier
 * one did.
 *
 * @param seq of the last change that is in it; 0 if there was none
 * @param at when it was taken
 * @param idempotency keys that are bound; some may have expired since
 */
public record StateImage(
    long seq,
    Instant at,
    List<Stored<Task>> tasks,
    List<Stored<Initiative>> initiatives,
    List<Tombstone> tombstones,
    List<IdempotencyRecord> idempotency) {

  public StateImage {
    tasks = List.copyOf(tasks);
    initiatives = List.copyOf(initiatives);
    tombstones = List.copyOf(tombstones);
    idempotency = List.copyOf(idempotency);
  }
}

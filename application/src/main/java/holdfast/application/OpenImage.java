package holdfast.application;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.time.Instant;
import java.util.List;

/**
 * The whole state as of one change, while it is copied and later changes are applied. Opened and
 * closed where changes are applied; copied on any one thread.
 */
record OpenImage(
    long seq,
    ImagedMap<TaskId, Stored<Task>>.Image tasks,
    ImagedMap<InitiativeId, Stored<Initiative>>.Image initiatives,
    ImagedMap<EntityKey, Tombstone>.Image tombstones,
    ImagedMap<String, IdempotencyRecord>.Image keys) {

  /**
   * Copies at most {@code max} more entries of each kind.
   *
   * @return whether there may be more
   */
  boolean copy(int max) {
    boolean more = tasks.copy(max);
    more |= initiatives.copy(max);
    more |= tombstones.copy(max);
    more |= keys.copy(max);
    return more;
  }

  /** Ends the noting of changes. Idempotent. */
  void close() {
    tasks.close();
    initiatives.close();
    tombstones.close();
    keys.close();
  }

  /**
   * The state as of {@link #seq}, once everything is copied and the image is closed.
   *
   * @param at when it was opened
   */
  StateImage finished(Instant at) {
    return new StateImage(
        seq,
        at,
        whole("tasks", tasks),
        whole("initiatives", initiatives),
        whole("tombstones", tombstones),
        keys.values());
  }

  /** A snapshot that lacks something must not be made, whatever the reason. */
  private <V> List<V> whole(String what, ImagedMap<?, V>.Image image) {
    List<V> values = image.values();
    if (values.size() != image.size()) {
      throw new IllegalStateException(
          "the image of seq "
              + seq
              + " has "
              + values.size()
              + " "
              + what
              + " where the state had "
              + image.size()
              + "; no snapshot is made of it");
    }
    return values;
  }
}

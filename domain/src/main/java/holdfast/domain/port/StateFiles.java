package holdfast.domain.port;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A readable copy of every entity, beside the storage that is in force. What a copy says counts
 * only where that storage is gone; but a copy that is not as it was written tells that somebody, or
 * something, was there.
 *
 * <p>One thread at a time, after {@link TaskStorage#open}; calls block on the disk.
 */
public interface StateFiles {

  /** Every change up to this seq is in the copies, durably; 0 if that is not known. */
  long checkpoint();

  /**
   * Looks at the copies of these entities and makes those that are not as they should be so,
   * durably. What is damaged, foreign or edited is kept aside before it is replaced.
   *
   * @param tasks as memory has them; at most a few hundred at a time
   * @param gone entities that no copy may exist of
   */
  Reconciled reconcile(
      List<Stored<Task>> tasks, List<Stored<Initiative>> initiatives, List<EntityKey> gone);

  /**
   * Puts aside the copies of entities that do not exist. Looks at one part of the copies in each
   * call and begins anew after the last.
   *
   * @param exists tells whether memory has an entity
   */
  Swept sweep(Predicate<EntityKey> exists);

  /** Declares that every change up to {@code seq} has been reconciled. Never lowers it. */
  void checkpoint(long seq);

  /**
   * What {@link #reconcile} did.
   *
   * @param written copies that were written
   * @param findings those that were not as expected
   */
  record Reconciled(int written, List<Finding> findings) {}

  /**
   * What {@link #sweep} did.
   *
   * @param looked how many copies it looked at
   * @param last whether the next call begins anew
   */
  record Swept(int looked, boolean last, List<Finding> findings) {}

  /**
   * A copy that was not as expected.
   *
   * @param place where it is
   * @param detail what was expected and found
   * @param quarantined where its bytes were put, or null
   */
  record Finding(
      @Nullable EntityKey key,
      Condition condition,
      String place,
      String detail,
      @Nullable String quarantined) {}

  /** How a copy can differ from what memory has. */
  enum Condition {
    /** Undamaged and older than the checkpoint allows: put back from somewhere. */
    STALE,
    MISSING,
    /**
     * Undamaged, ours, and of a change that the storage in force does not know: history is lost.
     */
    AHEAD,
    /** Undamaged, of another lineage or epoch, or of an entity that is gone. */
    FOREIGN,
    /** Not as written, and nobody wrote to it. */
    DAMAGED,
    /** Not as written, and somebody wrote to it. */
    EDITED,
    /** Of an entity that never existed here. */
    UNKNOWN,
    /** Something else than a file: a link, a pipe, a directory. */
    NOT_A_FILE
  }
}

package holdfast.domain.port;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
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

  /**
   * Those of these entities whose copies are not there, are none, or were written to since they
   * were last made or looked at. Reads no content.
   *
   * @param tasks as memory has them; at most a few hundred at a time
   */
  List<EntityKey> touched(List<Stored<Task>> tasks, List<Stored<Initiative>> initiatives);

  /**
   * Declares that it has been decided what becomes of an edit that {@link #reconcile} or {@link
   * #sweep} found: the copy may be replaced by what memory has then. One that is edited again is
   * found again.
   */
  void judged(EntityKey key);

  /**
   * Puts aside the copy of an entity that does not exist.
   *
   * @return where it is now, or null if there is none
   */
  @Nullable String putAside(EntityKey key, String why);

  /**
   * Begins to listen for edits. What is heard is a hint: some may be missed, and others may be of
   * this program's own making.
   *
   * @param heard told of each, on a thread of its own
   */
  Watch watch(Consumer<EntityKey> heard);

  /** Where it is kept what became of edits. */
  ConflictStorage conflicts();

  /** A look-out for edits. */
  interface Watch extends AutoCloseable {

    /** Why edits may be heard of late, as a sentence, or null. */
    @Nullable String obstacle();

    @Override
    void close();
  }

  /** Declares that every change up to {@code seq} has been reconciled. Never lowers it. */
  void checkpoint(long seq);

  /**
   * What {@link #reconcile} did.
   *
   * @param written copies that were written
   * @param findings those that were not as expected
   * @param unsettled entities whose copies somebody seems to be writing this very moment, and one
   *     whose edit waits for a decision: their copies are as they were
   */
  record Reconciled(int written, List<Finding> findings, List<EntityKey> unsettled) {
    public Reconciled(int written, List<Finding> findings) {
      this(written, findings, List.of());
    }
  }

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
   * @param edit what somebody wrote into it, or null
   */
  record Finding(
      @Nullable EntityKey key,
      Condition condition,
      String place,
      String detail,
      @Nullable String quarantined,
      @Nullable Edit edit) {
    public Finding(
        @Nullable EntityKey key,
        Condition condition,
        String place,
        String detail,
        @Nullable String quarantined) {
      this(key, condition, place, detail, quarantined, null);
    }
  }

  /**
   * What somebody wrote into a copy. The copy stands as it is until {@link #judged}.
   *
   * @param version the revision of which the copy was, before the edit
   * @param seq of the change that made this revision
   * @param modified when the copy was last written to
   * @param side the entity that it spells, or null if it spells none
   * @param fault why it cannot be taken over whatever the strategy, or null
   */
  record Edit(
      long version,
      long seq,
      Instant modified,
      Conflict.@Nullable Side side,
      @Nullable String fault) {}

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

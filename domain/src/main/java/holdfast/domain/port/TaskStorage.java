package holdfast.domain.port;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.task.Task;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps tasks, initiatives, idempotency keys and tombstones, and orders their changes.
 *
 * <p>What it promises, whatever it is made of:
 *
 * <ul>
 *   <li>A commit is atomic, and durable when it is {@link CommitResult.Done}; it was delivered to
 *       the feed before. What was delivered is never taken back.
 *   <li>Changes are ordered as {@link #commit} was called. A change may build on one that is still
 *       pending.
 *   <li>After a failure nothing further is acknowledged.
 * </ul>
 *
 * <p>All methods may be called from any thread after {@link #open}.
 */
public interface TaskStorage extends AutoCloseable {

  /** Who commits: decides what is refused when storage is short of room. */
  enum Origin {
    /** On a user's behalf, adding work: may be refused as BUSY or DISK_FULL. */
    CLIENT_NEW,
    /** On a user's behalf, about what exists: may be refused as BUSY. */
    CLIENT,
    /** A fact that has already happened: waits for room rather than be refused. */
    INTERNAL
  }

  /**
   * Recovers everything acknowledged and begins a new term. Called once, before anything else.
   *
   * @param feed receives every later change
   * @throws StorageException if something acknowledged is missing, or the storage cannot be used
   */
  Opened open(CommitFeed feed);

  /** Adds somebody who is told what commits take. Before {@link #open}. */
  default void meter(CommitMeter meter) {}

  /**
   * Hands over changes to be made durable together. Returns at once, except for INTERNAL commits,
   * which may wait for room. An empty list is a barrier: it is done when everything handed over
   * before is.
   */
  PendingCommit commit(List<Change> changes, Origin origin);

  /**
   * What happened to an entity, newest first: everything durable, and at least what was fed.
   *
   * @param beforeSeq only changes with a smaller seq
   * @param limit at most so many
   * @return whether purged or not; shorter than the whole history if older changes have been
   *     retired
   */
  List<Committed> history(EntityKey key, long beforeSeq, int limit);

  /**
   * What was committed behind {@code afterSeq}, oldest first: everything durable that has not been
   * retired.
   *
   * @param limit at most so many
   */
  List<Committed> changes(long afterSeq, int limit);

  /**
   * Goes on with another state, in a new epoch. Everything handed over before is durable and was
   * fed first; commits that come meanwhile wait or are refused as BUSY, and later ones build upon
   * {@code next}. It is all or nothing, whatever crash comes in between.
   *
   * @param presentSeq of the state that {@code next} was made from: if a change has come since,
   *     nothing is replaced
   * @param next its seq is beyond every one that was given out
   * @throws InterruptedException if interrupted; it goes on regardless
   */
  Replacement replace(long presentSeq, StateImage next) throws InterruptedException;

  /** What came of putting another state in the place of the present one. */
  sealed interface Replacement {
    /**
     * It is in force, durably.
     *
     * @param notes what was put aside, or could not be yet, one sentence each
     */
    record Replaced(String epoch, List<String> notes) implements Replacement {}

    /** Nothing was changed. */
    record Refused(CommitResult.Reason reason, String detail) implements Replacement {}

    /** Which of the two is in force will be known after the next start: either of them, whole. */
    record Unknown(String detail) implements Replacement {}
  }

  /**
   * Takes no further change, and ends the server as a failed write does: what memory has is not
   * what is durable, and only the next start can put that right.
   */
  void fail(Throwable failure);

  /**
   * Says that nothing is left of what an accepted copy must not go on with: from now on it is no
   * copy. Until then a start needs acceptance again.
   *
   * @throws StorageException if that could not be made durable
   */
  default void copySettled() {}

  /** Completes what is pending, marks the end as clean and lets go of everything. Idempotent. */
  @Override
  void close();

  /**
   * The state at {@code seq}.
   *
   * @param instanceId the lineage; the same for the life of the storage
   * @param epoch changes only when history does: survives every ordinary restart
   * @param term larger at every start
   * @param readOnly why no change is taken, and what to do about it, or null. Nothing that the
   *     tasks started may be touched then: it belongs to another server
   * @param acceptedCopy whether this storage was a copy of another until this start: what its tasks
   *     started belongs to that one
   */
  record Opened(
      String instanceId,
      String epoch,
      long term,
      long seq,
      List<Stored<Task>> tasks,
      List<Stored<Initiative>> initiatives,
      List<Tombstone> tombstones,
      List<IdempotencyRecord> idempotency,
      @Nullable String readOnly,
      boolean acceptedCopy,
      Replay replay) {}

  /** An entity, and the change that made it what it is. */
  record Stored<E>(E entity, long seq, String cause) {}

  /** An entity that is gone for good. */
  record Tombstone(EntityKey key, long seq, Instant at) {}

  /**
   * How the state was found.
   *
   * @param records replayed
   * @param healed what was rebuilt, one sentence each
   * @param quarantined what was put aside, one sentence each
   */
  record Replay(
      RecoveryReport.Cause cause,
      boolean degraded,
      long records,
      boolean tornTail,
      List<String> healed,
      List<String> quarantined) {}

  /**
   * Where there must be room.
   *
   * @param name of what is kept there
   * @param usableBytes 0 if that cannot be told
   * @param trouble why it cannot be told, or null
   */
  record Room(String name, String place, long usableBytes, @Nullable String trouble) {}

  /** The room that there is at present, for each place. May touch the disk. */
  default List<Room> rooms() {
    return List.of();
  }

  /**
   * How storage is at present.
   *
   * @param failure why nothing is committed any more until a restart, or null
   * @param scarcity why new work is refused for want of room, or null
   * @param trouble what else is amiss, or null
   * @param copies where each change is durable before it is acknowledged
   * @param waiting how long what is being made durable has been waiting for the disk; zero if
   *     nothing is
   * @param reserveBytes that must be free for new work to be taken
   * @param ballastBytes kept taken, to be given back to facts and starts on a full disk
   */
  record Condition(
      @Nullable String failure,
      @Nullable String scarcity,
      @Nullable String trouble,
      List<String> copies,
      Duration waiting,
      long reserveBytes,
      long ballastBytes) {
    /** Of storage that has nothing to say. */
    public static final Condition SOUND =
        new Condition(null, null, null, List.of(), Duration.ZERO, 0, 0);

    public Condition {
      copies = List.copyOf(copies);
    }

    /** What is wrong, the worst of it, or null. */
    public @Nullable String impairment() {
      if (failure != null) {
        return failure;
      }
      return scarcity == null ? trouble : scarcity;
    }
  }

  /** For health reports. Neither blocks nor touches the disk. */
  default Condition condition() {
    return Condition.SOUND;
  }
}

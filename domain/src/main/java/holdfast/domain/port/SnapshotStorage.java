package holdfast.domain.port;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Keeps images of the whole state, so that a start need not read all of history, and old history
 * can be retired.
 *
 * <p>Any thread, after {@link TaskStorage#open}; calls block on the disk. A failure is a {@link
 * StorageException} and leaves every earlier snapshot as it was.
 */
public interface SnapshotStorage {

  /**
   * Keeps {@code image}: it is durable and was read back and found whole when this returns. Then
   * snapshots beyond those to be kept are removed, and history that no recovery needs any more is
   * retired: what is older than the second-newest snapshot of this epoch.
   *
   * @throws StorageFullException if there is no room for it; nothing was retired then
   * @throws StorageException if it could not be kept; nothing was retired then
   */
  Snapshot save(StateImage image, Reason reason);

  /** All that are kept, newest first. */
  List<Snapshot> list();

  Optional<Snapshot> find(String id);

  /** Reads the state that a snapshot holds, from whichever of its copies is whole. */
  Loading load(String id);

  /**
   * Reads a snapshot from beginning to end. A damaged one is mended from its copy if there is one
   * that is whole.
   */
  Verification verify(String id);

  /** Removes a snapshot, durably, unless recovery relies on it. */
  Deletion delete(String id);

  /**
   * Whether there are too few whole ones for history to be retired safely, so that one ought to be
   * made now.
   */
  boolean wanted();

  /**
   * One that is kept.
   *
   * @param id also its name; sorts by time
   * @param bytes its size in storage
   * @param sha256 of its content, in hexadecimal
   * @param verified whether it was found whole when it was last read
   */
  record Snapshot(
      String id,
      Instant createdAt,
      long seq,
      String epoch,
      Reason reason,
      int tasks,
      int initiatives,
      long bytes,
      String sha256,
      boolean verified) {}

  /** Why one was made. */
  enum Reason {
    PERIODIC,
    MANUAL,
    SHUTDOWN,
    /** One of those that recovery relies on was damaged. */
    DAMAGE,
    /** Before a restore, so that it can be undone. */
    PRE_RESTORE,
    /** The state that a new epoch began with. */
    EPOCH
  }

  /** What came of reading a state. */
  sealed interface Loading {
    /** All of it, with every checksum right. */
    record Loaded(StateImage image) implements Loading {}

    /**
     * It is damaged, of another lineage, or of a newer format.
     *
     * @param detail names the files, and what to do
     */
    record Unusable(String detail) implements Loading {}

    record NoSuchSnapshot() implements Loading {}
  }

  /** What came of reading one. */
  sealed interface Verification {
    record Whole(Snapshot snapshot) implements Verification {}

    /** It was damaged, and is whole again. */
    record Mended(Snapshot snapshot, String detail) implements Verification {}

    record Damaged(String detail) implements Verification {}

    record NoSuchSnapshot() implements Verification {}
  }

  /** What came of removing one. */
  sealed interface Deletion {
    record Deleted() implements Deletion {}

    /** It is one of the newest two. */
    record Needed(String detail) implements Deletion {}

    record NoSuchSnapshot() implements Deletion {}
  }
}

package holdfast.domain.port;

/** How a commit ended. */
public sealed interface CommitResult {

  /**
   * Durable in full.
   *
   * @param seq of the last change; for a commit without changes, the last durable seq
   */
  record Done(long seq) implements CommitResult {}

  /**
   * An entity was not at the revision that a change built upon. Nothing was written.
   *
   * @param revision the entity's present revision; 0 if it does not exist
   */
  record Conflict(EntityKey key, long revision) implements CommitResult {}

  /** Nothing was written, and nothing will be. */
  record Refused(Reason reason, String detail) implements CommitResult {}

  /** Whether it is durable is not known and cannot be found out before the next start. */
  record Unknown(String detail) implements CommitResult {}

  /** Why storage takes no (more) changes. */
  enum Reason {
    /** Too much is waiting already: try again shortly. */
    BUSY,
    /** The space that is left is reserved for the ends of tasks that run. */
    DISK_FULL,
    /** The change is larger than storage takes in one piece. */
    TOO_LARGE,
    /** Storage is a copy that nobody has accepted yet. */
    COPY_NOT_ACCEPTED,
    /** The server is about to end and begins nothing new. */
    STOPPING,
    /** Storage is closed or has failed. */
    CLOSED
  }
}

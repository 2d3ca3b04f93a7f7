package holdfast.domain.port;

/** A commit on its way to the disk. */
public interface PendingCommit {

  /**
   * Waits until the commit is durable and has been delivered to the {@link CommitFeed}, or has
   * failed. Any thread, any number of times.
   *
   * @throws InterruptedException if interrupted; the commit goes on regardless
   */
  CommitResult await() throws InterruptedException;
}

package holdfast.adapters.file;

import holdfast.adapters.file.EntityHeads.Pending;
import holdfast.adapters.file.json.EncodedChange;
import holdfast.domain.port.Change;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.Committed;
import holdfast.domain.port.PendingCommit;
import holdfast.domain.port.TaskStorage.Origin;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * A commit between its order and its durability.
 *
 * <p>The journal's thread completes it; any thread waits.
 */
final class QueuedCommit implements PendingCommit {
  private final List<Change> changes;
  private final List<EncodedChange> encoded;
  private final Origin origin;
  private final int bytes;
  private final CountDownLatch done = new CountDownLatch(1);
  private List<Pending> pending = List.of();
  private volatile @Nullable CommitResult result;

  /**
   * @param bytes that its records occupy
   */
  QueuedCommit(List<Change> changes, List<EncodedChange> encoded, Origin origin, int bytes) {
    this.changes = List.copyOf(changes);
    this.encoded = encoded;
    this.origin = origin;
    this.bytes = bytes;
  }

  /** A commit that ended before it was queued. */
  static QueuedCommit ended(CommitResult result) {
    var commit = new QueuedCommit(List.of(), List.of(), Origin.INTERNAL, 0);
    commit.complete(result);
    return commit;
  }

  List<EncodedChange> encoded() {
    return encoded;
  }

  /** Whether it adds work on a user's behalf, so that it may be refused for want of room. */
  boolean isNewWork() {
    return origin == Origin.CLIENT_NEW && !isBarrier();
  }

  /** Bytes that its records occupy. */
  int bytes() {
    return bytes;
  }

  boolean isBarrier() {
    return changes.isEmpty();
  }

  /** Gives the changes their numbers. Under the queue's lock. */
  void number(List<Pending> numbered) {
    pending = numbered;
  }

  /** The changes with their numbers. Under the queue's lock, or on the journal's thread. */
  List<Pending> pending() {
    return pending;
  }

  /** Adds what is durable now to {@code committed}. The journal's thread. */
  void addTo(List<Committed> committed) {
    for (int i = 0; i < changes.size(); i++) {
      committed.add(new Committed(pending.get(i).change().seq(), changes.get(i)));
    }
  }

  /** Sets the result and wakes whoever waits for it. */
  void complete(CommitResult outcome) {
    settle(outcome);
    wake();
  }

  /** Sets the result; whoever waits already sleeps on until {@link #wake}. */
  void settle(CommitResult outcome) {
    result = outcome;
  }

  /** Wakes whoever waits for the result, which is set. */
  void wake() {
    done.countDown();
  }

  /** Completes what an exception kept from being completed. */
  void completeUnlessDone(CommitResult outcome) {
    if (result == null) {
      settle(outcome);
    }
    wake();
  }

  @Override
  public CommitResult await() throws InterruptedException {
    CommitResult outcome = result;
    if (outcome == null) {
      done.await();
      outcome = result;
    }
    if (outcome == null) {
      throw new AssertionError("completed without a result");
    }
    return outcome;
  }
}

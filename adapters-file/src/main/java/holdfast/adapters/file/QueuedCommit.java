package holdfast.adapters.file;

import holdfast.adapters.file.EntityHeads.Pending;
import holdfast.domain.port.Change;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.Committed;
import holdfast.domain.port.PendingCommit;
import java.util.ArrayList;
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
  private final List<Pending> pending;
  private final int bytes;
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile @Nullable CommitResult result;

  QueuedCommit(List<Change> changes, List<Pending> pending, int bytes) {
    this.changes = changes;
    this.pending = pending;
    this.bytes = bytes;
  }

  /** A commit that ended before it was queued. */
  static QueuedCommit ended(CommitResult result) {
    var commit = new QueuedCommit(List.of(), List.of(), 0);
    commit.complete(result);
    return commit;
  }

  List<Pending> pending() {
    return pending;
  }

  /** Bytes that its records occupy. */
  int bytes() {
    return bytes;
  }

  boolean isBarrier() {
    return pending.isEmpty();
  }

  List<Committed> committed() {
    var committed = new ArrayList<Committed>(changes.size());
    for (int i = 0; i < changes.size(); i++) {
      committed.add(new Committed(pending.get(i).change().seq(), changes.get(i)));
    }
    return committed;
  }

  void complete(CommitResult outcome) {
    result = outcome;
    done.countDown();
  }

  /** Completes what an exception kept from being completed. */
  void completeUnlessDone(CommitResult outcome) {
    if (result == null) {
      complete(outcome);
    }
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

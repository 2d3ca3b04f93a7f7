package holdfast.application;

import holdfast.domain.port.Change;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.PendingCommit;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What has been decided and is not durable yet: the next decision builds on it, nobody is shown it.
 *
 * <p>An entity may have several pending changes, each built upon the one before. They become
 * durable from the first on; if one fails, so do those behind it, and the one before it counts
 * again.
 */
final class PendingChanges {
  private final Map<EntityKey, ArrayDeque<Pending>> byEntity = new HashMap<>();
  private final Map<String, Pending> byKey = new HashMap<>();

  /** One change on its way to the disk. */
  static final class Pending {
    private final Change change;
    private volatile @Nullable PendingCommit commit;

    private Pending(Change change) {
      this.change = change;
    }

    Change change() {
      return change;
    }

    /** Notes the commit to wait for, before the decision lock is let go. */
    void handedOver(PendingCommit handedOver) {
      commit = handedOver;
    }

    /** Waits until it is known what became of the change. */
    CommitResult await() throws InterruptedException {
      PendingCommit handedOver = commit;
      if (handedOver == null) {
        throw new IllegalStateException("not handed over to storage: " + change.key());
      }
      return handedOver.await();
    }
  }

  /** Notes a decision. Called under the decision lock. */
  synchronized Pending add(Change change) {
    var pending = new Pending(change);
    byEntity.computeIfAbsent(change.key(), _ -> new ArrayDeque<>(2)).addLast(pending);
    if (change.idempotency() != null) {
      byKey.put(change.idempotency().key(), pending);
    }
    return pending;
  }

  /** The last pending change of an entity, or null if all its changes are durable. */
  synchronized @Nullable Pending last(EntityKey key) {
    ArrayDeque<Pending> pending = byEntity.get(key);
    return pending == null ? null : pending.peekLast();
  }

  /** The pending change that makes an idempotency key known, or null. */
  synchronized @Nullable Pending ofIdempotencyKey(String key) {
    return byKey.get(key);
  }

  /** A pending task that is to belong to an initiative, or null if there is none. */
  synchronized @Nullable Pending memberOf(String initiative) {
    for (ArrayDeque<Pending> changes : byEntity.values()) {
      Pending last = changes.peekLast();
      if (last != null
          && last.change instanceof Change.PutTask put
          && initiative.equals(put.task().spec().initiative())) {
        return last;
      }
    }
    return null;
  }

  /** Whether nothing is pending. */
  synchronized boolean isEmpty() {
    return byEntity.isEmpty() && byKey.isEmpty();
  }

  /** Lets go of what the state now shows. Called after the state has taken it in. */
  synchronized void settle(Committed committed) {
    EntityKey key = committed.change().key();
    ArrayDeque<Pending> pending = byEntity.get(key);
    if (pending == null) {
      return;
    }
    while (!pending.isEmpty()
        && pending.getFirst().change.revisionBefore() <= committed.change().revisionBefore()) {
      dropKey(pending.removeFirst());
    }
    dropIfEmpty(key, pending);
  }

  /** Forgets everything. Nothing may be on its way to the disk. */
  synchronized void clear() {
    byEntity.clear();
    byKey.clear();
  }

  /** Forgets a change that will never be durable, and those built upon it. Idempotent. */
  synchronized void abandon(Pending failed) {
    EntityKey key = failed.change.key();
    ArrayDeque<Pending> pending = byEntity.get(key);
    if (pending == null || !pending.contains(failed)) {
      return;
    }
    Pending last;
    do {
      last = pending.removeLast();
      dropKey(last);
    } while (last != failed);
    dropIfEmpty(key, pending);
  }

  private void dropIfEmpty(EntityKey key, ArrayDeque<Pending> pending) {
    if (pending.isEmpty()) {
      byEntity.remove(key);
    }
  }

  private void dropKey(Pending pending) {
    if (pending.change.idempotency() != null) {
      byKey.remove(pending.change.idempotency().key(), pending);
    }
  }
}

package holdfast.adapters.file;

import holdfast.adapters.file.journal.Journal;
import holdfast.adapters.file.json.ChangeCodec;
import holdfast.adapters.file.json.EncodedChange;
import holdfast.domain.port.Change;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.CommitResult.Reason;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.port.TaskStorage.Replacement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Puts commits in order and keeps them for the journal's thread. Bounded in commits and in bytes.
 * Any thread; nothing in here touches a disk.
 */
final class CommitQueue {
  private static final long QUEUED_BYTES_MAX = 64L << 20;
  private static final CommitResult.Refused DISK_FULL =
      new CommitResult.Refused(
          Reason.DISK_FULL, "the free space is reserved for the ends of tasks that run");

  private static final CommitResult.Refused REPLACING =
      new CommitResult.Refused(
          Reason.BUSY, "another state is being put in the place of the present one");

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final Condition room = lock.newCondition();
  private final ArrayDeque<QueuedCommit> queue = new ArrayDeque<>();
  private EntityHeads heads;
  private final int commitsMax;
  private final int commitBytesMax;
  private long queuedBytes;
  private long nextSeq;
  private @Nullable String closed;
  private @Nullable QueuedReplacement replacement;
  private volatile boolean diskFull;

  /**
   * @param heads what was replayed; the queue's own from now on
   * @param commitsMax commits that may wait before clients are refused
   * @param commitBytesMax bytes of records that one commit may have
   */
  CommitQueue(EntityHeads heads, long nextSeq, int commitsMax, int commitBytesMax) {
    this.heads = heads;
    this.nextSeq = nextSeq;
    this.commitsMax = commitsMax;
    this.commitBytesMax = commitBytesMax;
  }

  /** Whether clients' additions are refused because too little room is left on the disk. */
  void diskFull(boolean full) {
    diskFull = full;
  }

  boolean isDiskFull() {
    return diskFull;
  }

  QueuedCommit put(List<Change> changes, Origin origin) {
    // Encoding is the expensive part and needs no order, so it is done before the lock is taken.
    var encoded = new ArrayList<EncodedChange>(changes.size());
    long bytes = 0;
    for (Change change : changes) {
      EncodedChange one = ChangeCodec.encode(change);
      encoded.add(one);
      bytes += Journal.recordBytes(one);
    }
    if (bytes > commitBytesMax) {
      return refused(
          Reason.TOO_LARGE, "the change is " + bytes + " bytes; at most " + commitBytesMax);
    }
    var commit = new QueuedCommit(changes, encoded, origin, (int) bytes);
    lock.lock();
    try {
      awaitRoom(origin, (int) bytes);
      CommitResult refusal = refusal(encoded, origin, (int) bytes);
      if (refusal != null) {
        return QueuedCommit.ended(refusal);
      }
      number(commit);
      queue.add(commit);
      queuedBytes += bytes;
      work.signal();
      return commit;
    } finally {
      lock.unlock();
    }
  }

  private void number(QueuedCommit commit) {
    commit.number(heads.number(commit.encoded(), nextSeq));
    nextSeq += commit.pending().size();
  }

  private static QueuedCommit refused(Reason reason, String detail) {
    return QueuedCommit.ended(new CommitResult.Refused(reason, detail));
  }

  private void awaitRoom(Origin origin, int bytes) {
    while (origin == Origin.INTERNAL && closed == null && (replacement != null || isFull(bytes))) {
      room.awaitUninterruptibly();
    }
  }

  private boolean isFull(int bytes) {
    return queue.size() >= commitsMax || queuedBytes + bytes > QUEUED_BYTES_MAX;
  }

  /**
   * Asks for another state in the place of the present one, behind everything that is queued. Until
   * {@link #resume} nothing else is taken on.
   *
   * @return why not, or null
   */
  CommitResult.@Nullable Refused replace(QueuedReplacement wanted) {
    lock.lock();
    try {
      if (closed != null) {
        return new CommitResult.Refused(Reason.CLOSED, closed);
      }
      if (replacement != null) {
        return REPLACING;
      }
      if (diskFull) {
        return DISK_FULL;
      }
      replacement = wanted;
      work.signal();
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** What is due once nothing is queued any more, or null. The journal's thread. */
  @Nullable QueuedReplacement due() {
    lock.lock();
    try {
      return queue.isEmpty() ? replacement : null;
    } finally {
      lock.unlock();
    }
  }

  /** Goes on upon another state. The journal's thread, before {@link #resume}. */
  void replaced(EntityHeads others, long seq) {
    lock.lock();
    try {
      heads = others;
      nextSeq = seq;
    } finally {
      lock.unlock();
    }
  }

  /** Takes commits again, whatever came of the replacement. The journal's thread. */
  void resume() {
    lock.lock();
    try {
      replacement = null;
      room.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private @Nullable CommitResult refusal(List<EncodedChange> changes, Origin origin, int bytes) {
    if (closed != null) {
      return new CommitResult.Refused(Reason.CLOSED, closed);
    }
    if (replacement != null) {
      return REPLACING;
    }
    if (origin == Origin.CLIENT_NEW && diskFull && !changes.isEmpty()) {
      return DISK_FULL;
    }
    if (isFull(bytes)) {
      return new CommitResult.Refused(
          Reason.BUSY, queue.size() + " commits are waiting for the disk");
    }
    return heads.conflict(changes);
  }

  /**
   * Takes what has gathered, in order, up to {@code bytesMax} bytes of records.
   *
   * @param idleMillis how long to wait for anything
   * @return empty if nothing came in time, null if the queue is closed and empty
   */
  @Nullable List<QueuedCommit> take(int bytesMax, long idleMillis) throws InterruptedException {
    lock.lock();
    try {
      long nanos = TimeUnit.MILLISECONDS.toNanos(idleMillis);
      while (queue.isEmpty() && replacement == null && closed == null && nanos > 0) {
        nanos = work.awaitNanos(nanos);
      }
      if (queue.isEmpty() && replacement == null && closed != null) {
        return null;
      }
      var group = new ArrayList<QueuedCommit>(queue.size());
      long bytes = 0;
      QueuedCommit next = queue.peek();
      while (next != null && bytes + next.bytes() <= bytesMax) {
        bytes += next.bytes();
        group.add(queue.remove());
        next = queue.peek();
      }
      queuedBytes -= bytes;
      room.signalAll();
      return group;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Refuses all new work that is on its way, for the disk is full: what was accepted just before
   * that need not wait for room that may never come. What was built upon it conflicts; everything
   * else is numbered anew. The journal's thread, which has written none of it.
   *
   * @param group what was taken last
   * @return what remains of it
   */
  List<QueuedCommit> refuseNewWork(List<QueuedCommit> group) {
    lock.lock();
    try {
      diskFull = true;
      if (group.stream().noneMatch(QueuedCommit::isNewWork)
          && queue.stream().noneMatch(QueuedCommit::isNewWork)) {
        return group;
      }
      for (List<QueuedCommit> commits : List.of(group, List.copyOf(queue))) {
        for (QueuedCommit commit : commits) {
          nextSeq -= commit.pending().size();
          heads.forget(commit.pending());
        }
      }
      List<QueuedCommit> remaining = remaining(group);
      List<QueuedCommit> queued = remaining(queue);
      queue.clear();
      queue.addAll(queued);
      queuedBytes = queued.stream().mapToLong(QueuedCommit::bytes).sum();
      room.signalAll();
      return remaining;
    } finally {
      lock.unlock();
    }
  }

  private List<QueuedCommit> remaining(Collection<QueuedCommit> commits) {
    var remaining = new ArrayList<QueuedCommit>(commits.size());
    for (QueuedCommit commit : commits) {
      CommitResult refusal = commit.isNewWork() ? DISK_FULL : heads.conflict(commit.encoded());
      if (refusal == null) {
        number(commit);
        remaining.add(commit);
      } else {
        commit.complete(refusal);
      }
    }
    return remaining;
  }

  /** Refuses further commits, for {@code why}. What is queued can still be taken. */
  void close(String why) {
    lock.lock();
    try {
      if (closed == null) {
        closed = why;
      }
      work.signalAll();
      room.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Refuses further commits and everything queued: none of it was written. */
  void abandon(String why) {
    lock.lock();
    try {
      closed = why;
      for (QueuedCommit commit : queue) {
        commit.complete(new CommitResult.Refused(Reason.CLOSED, why));
      }
      queue.clear();
      queuedBytes = 0;
      if (replacement != null) {
        replacement.complete(new Replacement.Refused(Reason.CLOSED, why));
        replacement = null;
      }
      work.signalAll();
      room.signalAll();
    } finally {
      lock.unlock();
    }
  }

  long durableSeq(EntityKey key) {
    lock.lock();
    try {
      return heads.durableSeq(key);
    } finally {
      lock.unlock();
    }
  }
}

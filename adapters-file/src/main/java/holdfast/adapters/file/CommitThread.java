package holdfast.adapters.file;

import holdfast.adapters.file.EntityHeads.Pending;
import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.journal.SequencedChange;
import holdfast.domain.port.CommitFeed;
import holdfast.domain.port.CommitMeter;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.Committed;
import holdfast.domain.port.TaskStorage.Replacement;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that writes the journal: takes what has gathered, makes it durable, feeds it, and
 * acknowledges it. No timer: the force in flight gathers the next batch.
 *
 * <p>After a failure nothing more is written or acknowledged. A failed force is never repeated: the
 * pages it did not write are gone from memory, and a second one would report success.
 */
final class CommitThread {
  private static final long IDLE_MILLIS = 100;
  private static final long NO_ROOM_MILLIS = 200;

  private final CommitQueue queue;
  private final History history;
  private final CommitFeed feed;
  private final ReplaceState replacing;
  private final CommitMeter meter;
  private final Consumer<Throwable> onFatal;
  private final int batchBytesMax;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread;
  private volatile @Nullable Throwable failure;
  private volatile boolean abandoned;

  /** When what is being made durable was begun, by {@link System#nanoTime}; 0 if nothing is. */
  private volatile long begunNanos;

  private long lastSeq;
  private boolean sealed = true;

  CommitThread(
      CommitQueue queue,
      History history,
      CommitFeed feed,
      ReplaceState replacing,
      CommitMeter meter,
      Consumer<Throwable> onFatal,
      int batchBytesMax,
      long lastSeq) {
    this.queue = queue;
    this.history = history;
    this.feed = feed;
    this.replacing = replacing;
    this.meter = meter;
    this.onFatal = onFatal;
    this.batchBytesMax = batchBytesMax;
    this.lastSeq = lastSeq;
    thread = Thread.ofPlatform().daemon().name("holdfast-journal").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** Why the journal failed, or null. */
  @Nullable Throwable failure() {
    return failure;
  }

  /** How long what is being made durable has been waiting for the disk. Any thread. */
  Duration waiting() {
    long begun = begunNanos;
    return begun == 0 ? Duration.ZERO : Duration.ofNanos(Math.max(0, System.nanoTime() - begun));
  }

  private void run() {
    try {
      List<QueuedCommit> group = queue.take(batchBytesMax, IDLE_MILLIS);
      while (group != null) {
        history.rollIfWanted();
        QueuedReplacement due = group.isEmpty() ? queue.due() : null;
        if (due != null) {
          replace(due);
        } else if (group.isEmpty()) {
          sealIfNeeded();
        } else {
          commit(group);
        }
        group = queue.take(batchBytesMax, IDLE_MILLIS);
      }
      if (!abandoned) {
        history.end();
      }
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      fail(e);
    } finally {
      ended.countDown();
    }
  }

  private void sealIfNeeded() throws IOException {
    if (!sealed) {
      history.seal();
      sealed = true;
    }
  }

  private void replace(QueuedReplacement due) throws IOException {
    try {
      Replacement outcome = replacing.run(due.presentSeq(), due.next());
      if (outcome instanceof Replacement.Replaced) {
        lastSeq = due.next().seq();
        sealed = false;
        queue.replaced(EntityHeads.of(due.next()), lastSeq + 1);
      }
      queue.resume();
      due.complete(outcome);
    } catch (IOException | RuntimeException | Error e) {
      due.complete(
          new Replacement.Unknown(
              "the journal failed, and the former state or the new one is in force, whole: " + e));
      throw e;
    }
  }

  private void commit(List<QueuedCommit> taken) throws IOException, InterruptedException {
    List<QueuedCommit> group = taken;
    try {
      group = awaitRoomOnDisk(taken);
      List<SequencedChange> changes = changes(group);
      if (!changes.isEmpty()) {
        sealed = false;
        long begun = System.nanoTime();
        begunNanos = begun == 0 ? 1 : begun;
        history.append(changes);
        begunNanos = 0;
        meter.committed(changes.size(), System.nanoTime() - begun);
      }
      deliver(group, changes.size());
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      String detail = "the journal failed, and what was being written may be durable or not: " + e;
      for (QueuedCommit commit : group) {
        commit.completeUnlessDone(new CommitResult.Unknown(detail));
      }
      throw e;
    }
  }

  private static List<SequencedChange> changes(List<QueuedCommit> group) {
    var changes = new ArrayList<SequencedChange>(group.size());
    for (QueuedCommit commit : group) {
      for (Pending pending : commit.pending()) {
        changes.add(pending.change());
      }
    }
    return changes;
  }

  /**
   * Waits for a segment. Facts are never dropped for want of room: it goes on when there is some.
   * New work is refused meanwhile.
   *
   * @return what remains to be written
   */
  private List<QueuedCommit> awaitRoomOnDisk(List<QueuedCommit> taken)
      throws IOException, InterruptedException {
    List<QueuedCommit> group = taken;
    while (true) {
      try {
        history.reserve(group.stream().mapToInt(QueuedCommit::bytes).sum());
        return group;
      } catch (DiskFullException e) {
        group = queue.refuseNewWork(group);
        if (group.isEmpty()) {
          return group;
        }
        boolean given = history.giveBallast();
        if (!given && closing.await(NO_ROOM_MILLIS, TimeUnit.MILLISECONDS)) {
          throw e;
        }
      }
    }
  }

  private void deliver(List<QueuedCommit> group, int changes) {
    var committed = new ArrayList<Committed>(changes);
    for (QueuedCommit commit : group) {
      commit.addTo(committed);
      // Before it is told of: whoever hears of a change finds it in the entity's history.
      commit.pending().forEach(Pending::durable);
    }
    if (!committed.isEmpty()) {
      feed.committed(Collections.unmodifiableList(committed));
    }
    for (QueuedCommit commit : group) {
      for (Pending pending : commit.pending()) {
        lastSeq = pending.change().seq();
      }
      commit.settle(new CommitResult.Done(lastSeq));
    }
    wake(group);
  }

  /**
   * A platform thread pays dearly for each virtual thread that it wakes, a virtual one hardly
   * anything: it pays for one, which wakes the others while the next batch is being written.
   */
  private static void wake(List<QueuedCommit> group) {
    if (group.size() == 1) {
      group.getFirst().wake();
    } else {
      Thread.startVirtualThread(() -> group.forEach(QueuedCommit::wake));
    }
  }

  private void fail(Throwable e) {
    failure = e;
    queue.abandon("the journal failed: " + e);
    onFatal.accept(e);
  }

  /** Ends without writing what is queued, and without a clean end. */
  void abandon() {
    abandoned = true;
    queue.abandon("storage was abandoned");
    close();
  }

  /** Writes out what is queued, marks the end as clean, and waits until that is done. */
  void close() {
    queue.close("storage is closed");
    closing.countDown();
    boolean interrupted = false;
    boolean done = false;
    while (!done) {
      try {
        ended.await();
        done = true;
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

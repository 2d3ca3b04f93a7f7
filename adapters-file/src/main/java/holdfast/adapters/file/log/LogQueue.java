package holdfast.adapters.file.log;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lines that wait to be written, in order, bounded in each category: what overflows is dropped and
 * counted, so that a flood in one category costs no other one a line. Any thread puts, one takes.
 */
final class LogQueue {
  static final int CATEGORY_MAX = 50_000;

  /**
   * The writer is woken when so many wait in one category. Few: what waits for long is moved about
   * by the garbage collector, which costs more than writing it.
   */
  private static final int WAKING = 256;

  /** Whether the writer still lives is looked at so often. */
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final Map<Category, Long> dropped = new EnumMap<>(Category.class);
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<Category, Share> shares = new EnumMap<>(Category.class);
  private ArrayDeque<Entry> queue = new ArrayDeque<>();
  private long appended;
  private long written;
  private long roundsBegun;
  private long roundsEnded;
  private boolean urgent;
  private boolean closed;

  /**
   * What is to be written.
   *
   * @param dropped how many lines of each category there was no room for
   * @param last whether nothing will ever follow
   */
  record Taken(List<Entry> entries, Map<Category, Long> dropped, boolean last) {}

  /** What a category has of the room. */
  private static final class Share {
    private int waiting;

    /** Lines that were taken, and that the disk has refused. */
    private int refused;
  }

  private Share share(Category category) {
    return shares.computeIfAbsent(category, _ -> new Share());
  }

  /** Adds a line. False if there is no room for it. Never waits for the writer. */
  boolean put(Entry entry) {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      Share share = share(entry.category());
      if (share.waiting + share.refused >= CATEGORY_MAX) {
        return false;
      }
      share.waiting++;
      queue.add(entry);
      appended++;
      if (entry.category() == Category.ERROR || share.waiting == WAKING) {
        urgent = true;
        changed.signalAll();
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Says how many lines of a category that were taken wait still, and take up room. */
  void waiting(Category category, int count) {
    lock.lock();
    try {
      share(category).refused = count;
    } finally {
      lock.unlock();
    }
  }

  /** Counts a line that was not taken. */
  void drop(Category category) {
    lock.lock();
    try {
      dropped.merge(category, 1L, Long::sum);
    } finally {
      lock.unlock();
    }
  }

  /** Lines there was no room for since the last were taken, by category. */
  Map<Category, Long> dropped() {
    lock.lock();
    try {
      return Map.copyOf(dropped);
    } finally {
      lock.unlock();
    }
  }

  /** Takes all that waits: after {@code interval}, or before if it is urgent. */
  Taken take(Duration interval) {
    lock.lock();
    try {
      await(interval);
      var taken = new Taken(new ArrayList<>(queue), Map.copyOf(dropped), closed);
      if (queue.size() > CATEGORY_MAX) {
        queue = new ArrayDeque<>();
      } else {
        queue.clear();
      }
      dropped.clear();
      shares.values().forEach(share -> share.waiting = 0);
      urgent = false;
      roundsBegun++;
      return taken;
    } finally {
      lock.unlock();
    }
  }

  private void await(Duration interval) {
    long nanos = interval.toNanos();
    try {
      while (!urgent && !closed && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
    } catch (InterruptedException _) {
      // Nobody interrupts this thread in order; flushing early is the harmless answer to a stray.
      urgent = true;
    }
  }

  /**
   * Says that a round of writing is over, and that so many of those taken need not be waited for
   * any more.
   */
  void done(int count) {
    lock.lock();
    try {
      written += count;
      roundsEnded = roundsBegun;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until all that was put before is written or lost; an interrupt ends the wait. */
  void awaitWritten(Thread writer) {
    lock.lock();
    try {
      long goal = appended;
      urgent = true;
      changed.signalAll();
      while (written < goal && writer.isAlive()) {
        changed.await(LOOK_NANOS, TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the writer has begun and ended a round; an interrupt ends the wait. */
  void awaitRound(Thread writer) {
    lock.lock();
    try {
      long goal = roundsBegun + 1;
      urgent = true;
      changed.signalAll();
      while (roundsEnded < goal && writer.isAlive()) {
        changed.await(LOOK_NANOS, TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  /** Takes nothing more. */
  void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}

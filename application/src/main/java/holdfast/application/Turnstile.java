package holdfast.application;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets commands through, any number at once, except while somebody has the state to himself: each
 * command is over before that begins, answer included, or begins after it has ended.
 *
 * <p>Any thread. Not reentrant.
 */
final class Turnstile {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition opened = lock.newCondition();
  private final Condition left = lock.newCondition();
  private long inside;
  private boolean closed;

  /** Enters, however long that takes; whoever enters leaves. */
  void enter() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (closed) {
        opened.await();
      }
      inside++;
    } finally {
      lock.unlock();
    }
  }

  /** Enters, unless that takes longer than {@code limit}; whether it did. */
  boolean enter(Duration limit) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long nanos = limit.toNanos();
      while (closed && nanos > 0) {
        nanos = opened.awaitNanos(nanos);
      }
      if (closed) {
        return false;
      }
      inside++;
      return true;
    } finally {
      lock.unlock();
    }
  }

  void leave() {
    lock.lock();
    try {
      inside--;
      if (inside == 0) {
        left.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Lets nobody in any more, and waits until everybody has left. One at a time.
   *
   * @param limit of that wait; then it is open again
   * @return whether everybody left: then {@link #open} must follow
   */
  boolean close(Duration limit) throws InterruptedException {
    lock.lockInterruptibly();
    boolean isAlone = false;
    try {
      closed = true;
      long nanos = limit.toNanos();
      while (inside > 0 && nanos > 0) {
        nanos = left.awaitNanos(nanos);
      }
      isAlone = inside == 0;
      return isAlone;
    } finally {
      if (!isAlone) {
        open();
      }
      lock.unlock();
    }
  }

  void open() {
    lock.lock();
    try {
      closed = false;
      opened.signalAll();
    } finally {
      lock.unlock();
    }
  }
}

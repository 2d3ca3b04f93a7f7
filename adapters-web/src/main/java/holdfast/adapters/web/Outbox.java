package holdfast.adapters.web;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Everything that is to be written to one WebSocket, and the one thread that writes it. Answers go
 * first; state and output take turns, so that neither keeps the other waiting.
 *
 * <p>Bounded: answers by number, state by the feed's own bound, output by the chunks a socket is
 * entitled to. All methods but {@link #writeUntilClosed} may be called from any thread and never
 * wait for the client.
 */
final class Outbox {
  private static final int ANSWERS_MAX = 1_024;

  private final FrameWriter writer;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Queue<Work> answers = new ArrayDeque<>();
  private final Queue<PulledSubscription> state = new ArrayDeque<>();
  private final Queue<Work> output = new ArrayDeque<>();
  private boolean pingDue;
  private boolean stateTurn;
  private int commandsPending;
  private @Nullable Closing closing;
  private volatile boolean dead;
  private boolean ended;
  private volatile long closeSentAt;

  /** Something to be written. */
  @FunctionalInterface
  interface Work {
    void write(FrameWriter writer);

    /** Lets go of what it holds; called instead of {@link #write} if the socket is closed first. */
    default void discard() {}
  }

  /** Why the socket is closed. */
  record Closing(CloseCode code, String reason) {}

  Outbox(FrameWriter writer) {
    this.writer = writer;
  }

  /** Sends an answer. A client that asks and does not read is cut off. */
  void answer(Work work) {
    lock.lock();
    try {
      if (answers.size() >= ANSWERS_MAX) {
        closeLocked(CloseCode.TOO_SLOW, "too many answers are waiting to be read");
        return;
      }
      answers.add(work);
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  void answer(byte[] json) {
    answer(out -> out.text(json));
  }

  /** A command is being carried out: its result is waited for before the socket is closed. */
  void commandBegun() {
    lock.lock();
    try {
      commandsPending++;
    } finally {
      lock.unlock();
    }
  }

  /** Sends a command's result; {@code afterwards} runs once it is written. */
  void result(byte[] json, Runnable afterwards) {
    lock.lock();
    try {
      commandsPending--;
      answers.add(
          out -> {
            out.text(json);
            afterwards.run();
          });
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** A subscription has something to say. Called under the feed's lock: quick, and never blocks. */
  void announce(PulledSubscription subscription) {
    lock.lock();
    try {
      if (!subscription.announced) {
        subscription.announced = true;
        state.add(subscription);
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Sends what belongs to an output, in the order of the calls. */
  void output(Work work) {
    lock.lock();
    try {
      if (!ended) {
        output.add(work);
        changed.signal();
        return;
      }
    } finally {
      lock.unlock();
    }
    work.discard();
  }

  void ping() {
    lock.lock();
    try {
      pingDue = true;
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Closes the socket once answers are sent; the first reason given is the one that counts. */
  void close(CloseCode code, String reason) {
    lock.lock();
    try {
      closeLocked(code, reason);
    } finally {
      lock.unlock();
    }
  }

  private void closeLocked(CloseCode code, String reason) {
    if (closing == null) {
      closing = new Closing(code, reason);
      changed.signal();
    }
  }

  boolean isClosing() {
    lock.lock();
    try {
      return closing != null || dead;
    } finally {
      lock.unlock();
    }
  }

  /** Nobody is there any more: the writer ends as soon as its write has failed. */
  void abandon() {
    lock.lock();
    try {
      dead = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Lets go of everything that was not written, and of what comes later. */
  void discardRest() {
    Queue<Work> rest;
    lock.lock();
    try {
      dead = true;
      ended = true;
      rest = new ArrayDeque<>(output);
      output.clear();
      answers.clear();
    } finally {
      lock.unlock();
    }
    rest.forEach(Work::discard);
  }

  /** How the socket is being closed, or null if nobody has said so yet. */
  @Nullable Closing closing() {
    lock.lock();
    try {
      return closing;
    } finally {
      lock.unlock();
    }
  }

  /** When the close frame was written, by {@link System#nanoTime}; 0 if it was not yet. */
  long closeSentAt() {
    return closeSentAt;
  }

  long blockedNanos(long now) {
    return writer.blockedNanos(now);
  }

  /**
   * Writes until the socket is closed or abandoned. On the socket's writer thread.
   *
   * @throws java.io.UncheckedIOException if the client is gone
   */
  void writeUntilClosed() throws InterruptedException {
    while (!isOver()) {
      Work work = next(false);
      if (work == null) {
        writer.flush();
        work = next(true);
      }
      if (work != null) {
        work.write(writer);
      }
    }
  }

  /** Nothing more will be written, ever. */
  private boolean isOver() {
    return dead || closeSentAt != 0;
  }

  /**
   * The next work, or null if there is none ever more, or none and the caller did not want to wait
   * for it.
   */
  private @Nullable Work next(boolean waiting) throws InterruptedException {
    lock.lock();
    try {
      while (true) {
        Work work = nextLocked();
        if (work != null || !waiting || isOver()) {
          return work;
        }
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Work nextLocked() {
    if (isOver()) {
      return null;
    }
    if (pingDue) {
      pingDue = false;
      return FrameWriter::ping;
    }
    Work answer = answers.poll();
    if (answer != null) {
      return answer;
    }
    if (closing != null) {
      return commandsPending > 0 ? null : farewell(closing);
    }
    stateTurn = !stateTurn;
    Work work = stateTurn ? nextState() : output.poll();
    return work != null ? work : stateTurn ? output.poll() : nextState();
  }

  private Work farewell(Closing last) {
    return out -> {
      out.close(last.code(), last.reason());
      out.flush();
      closeSentAt = System.nanoTime() | 1;
    };
  }

  private @Nullable Work nextState() {
    PulledSubscription subscription = state.poll();
    if (subscription == null) {
      return null;
    }
    subscription.announced = false;
    return out -> {
      if (subscription.write(out)) {
        announce(subscription);
      }
    };
  }
}

package holdfast.adapters.web;

import holdfast.adapters.web.wire.Frames;
import holdfast.application.Following;
import holdfast.domain.port.StorageException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Sends one output to one client: reads from the disk only while the client has given credit and
 * the socket has one of its chunks free. Each channel has a thread of its own that does nothing but
 * wait and read; waiting in the order of their arrival for the socket's chunks, channels share the
 * socket fairly.
 */
final class OutputChannel implements Runnable {
  private static final Logger LOG = System.getLogger(OutputChannel.class.getName());

  /** How soon a cancellation is noticed; the thread is never interrupted, it may be in file I/O. */
  private static final Duration LOOK = Duration.ofSeconds(1);

  private final String id;
  private final long number;
  private final Following following;
  private final Outbox outbox;
  private final ChunkPool pool;
  private final Semaphore entitlement;
  private final Runnable ended;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition credited = lock.newCondition();
  private long credit;
  private long offset;
  private volatile boolean cancelled;

  /**
   * @param entitlement the chunks that the socket may have in flight; fair
   * @param ended called once the channel is over by itself
   */
  OutputChannel(
      Opening opening, Outbox outbox, ChunkPool pool, Semaphore entitlement, Runnable ended) {
    this.id = opening.id();
    this.number = opening.number();
    this.following = opening.following();
    this.offset = opening.offset();
    this.credit = opening.credit();
    this.outbox = outbox;
    this.pool = pool;
    this.entitlement = entitlement;
    this.ended = ended;
  }

  /**
   * What a client asked for.
   *
   * @param number the channel's, in binary frames
   * @param offset of the first byte to be sent
   * @param credit bytes that may be sent before more is given
   */
  record Opening(String id, long number, Following following, long offset, long credit) {}

  /**
   * Allows more bytes to be sent.
   *
   * @return false if that would be more than can be counted
   */
  boolean credit(long bytes) {
    lock.lock();
    try {
      if (bytes > Long.MAX_VALUE - credit) {
        return false;
      }
      credit += bytes;
      credited.signal();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Ends it without a word. Any thread; idempotent. */
  void cancel() {
    cancelled = true;
    lock.lock();
    try {
      credited.signal();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void run() {
    try (following) {
      sendAll();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (StorageException failure) {
      LOG.log(Level.ERROR, "an output cannot be read on", failure);
      last(
          new Frames.Refused(
              id,
              ProblemCode.INTERNAL.status(),
              ProblemCode.INTERNAL.title(),
              "the output cannot be read behind offset " + offset + "; see the server's log"));
    }
  }

  private void sendAll() throws InterruptedException {
    while (!cancelled) {
      long allowed = creditNow();
      // Asked before the end is looked at: a complete output does not grow any more.
      boolean complete = following.complete();
      if (following.forgotten()) {
        last(new Frames.Reset(id, "epoch"));
        return;
      }
      if (complete && following.end() <= offset) {
        last(new Frames.End(id, offset, Rendering.outcome(following.outcome())));
        return;
      }
      if (allowed == 0) {
        awaitCredit();
      } else if (following.await(offset, LOOK)) {
        sendSome(allowed);
      }
    }
  }

  private void sendSome(long allowed) throws InterruptedException {
    entitlement.acquire();
    Chunk chunk = pool.take();
    int read = 0;
    try {
      if (!cancelled) {
        read = following.read(offset, chunk.payload(allowed));
      }
    } finally {
      if (read == 0) {
        release(chunk);
      }
    }
    if (read > 0) {
      chunk.address(number, offset);
      offset += read;
      spend(read);
      outbox.output(new Piece(chunk));
    }
  }

  /** A chunk that waits to be written. */
  private final class Piece implements Outbox.Work {
    private final Chunk chunk;

    Piece(Chunk chunk) {
      this.chunk = chunk;
    }

    @Override
    public void write(FrameWriter out) {
      try {
        if (!cancelled) {
          out.binary(chunk);
        }
      } finally {
        release(chunk);
      }
    }

    @Override
    public void discard() {
      release(chunk);
    }
  }

  private void release(Chunk chunk) {
    pool.give(chunk);
    entitlement.release();
  }

  /** Sends the last frame. Its client may use the id again as soon as it has seen it. */
  private void last(Object frame) {
    byte[] json = Rendering.json(frame);
    outbox.output(
        out -> {
          if (!cancelled) {
            ended.run();
            out.text(json);
          }
        });
  }

  private long creditNow() {
    lock.lock();
    try {
      return credit;
    } finally {
      lock.unlock();
    }
  }

  private void spend(int bytes) {
    lock.lock();
    try {
      credit -= bytes;
    } finally {
      lock.unlock();
    }
  }

  private void awaitCredit() throws InterruptedException {
    lock.lock();
    try {
      // Only for a while: an output may come to its end without any more bytes.
      long left = LOOK.toNanos();
      while (credit == 0 && !cancelled && left > 0) {
        left = credited.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }
}

package holdfast.adapters.web;

import holdfast.adapters.web.wire.Frames;
import holdfast.application.Subscription;
import java.util.Locale;
import java.util.function.UnaryOperator;

/**
 * A subscription from which the socket's writer pulls when there is something to say: nothing waits
 * in the socket for a client that is slow.
 */
abstract sealed class PulledSubscription
    permits StateSubscription, LogSubscription, CompactedSubscription {
  private final String id;
  private final Resets resets;
  private final Runnable ended;
  private volatile boolean over;
  private volatile boolean markDue;
  private volatile Runnable unfollow = () -> {};

  /** Whether it waits in the outbox; guarded by the outbox's lock. */
  boolean announced;

  /** Told that a client has to begin anew. */
  @FunctionalInterface
  interface Resets {
    void reset(String id, String reason);
  }

  /**
   * @param resets told of a reset
   * @param ended called once the subscription is over by itself
   */
  PulledSubscription(String id, Resets resets, Runnable ended) {
    this.id = id;
    this.resets = resets;
    this.ended = ended;
  }

  final String id() {
    return id;
  }

  /** Asks for a bookmark if nothing has been sent for a while. Any thread. */
  final void mark() {
    markDue = true;
  }

  /** Whether a bookmark was asked for since this was last called. */
  final boolean takeMark() {
    boolean due = markDue;
    markDue = false;
    return due;
  }

  final boolean isOver() {
    return over;
  }

  /**
   * Begins to be told by {@code source} when there may be something to write. Once.
   *
   * @param source is given whom to tell, and gives what ends that
   */
  final void follow(UnaryOperator<Runnable> source, Runnable announce) {
    unfollow = source.apply(announce);
    if (over) {
      unfollow.run();
    }
  }

  /** Ends it; the writer sends no more of it. Any thread; idempotent. */
  void close() {
    over = true;
    unfollow.run();
  }

  /**
   * Writes some of what is to be said. On the writer's thread.
   *
   * @return whether there is more
   */
  abstract boolean write(FrameWriter out);

  /** Sends a frame that says up to where nothing is missing. */
  final void place(FrameWriter out, String type, long seq) {
    out.text(Rendering.json(new Frames.Place(type, id, seq)));
  }

  /** Tells the client to begin anew, and ends. */
  final boolean reset(FrameWriter out, Subscription.Reason reason) {
    String name = reason.name().toLowerCase(Locale.ROOT);
    out.text(Rendering.json(new Frames.Reset(id, name)));
    close();
    ended.run();
    resets.reset(id, name);
    return false;
  }
}

package holdfast.application;

import holdfast.application.PendingChanges.Pending;
import holdfast.domain.port.Change;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.TaskStorage;
import holdfast.domain.port.TaskStorage.Origin;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes decisions one after another and answers each when everything it rests upon is durable.
 *
 * <p>Any thread. Decisions are made under one lock and take microseconds; waiting is outside of it.
 */
final class SingleWriter {
  private static final int ROUNDS_MAX = 16;

  /** How long a client's command waits for a restore, and a restore for commands under way. */
  private static final Duration WAIT_MAX = Duration.ofSeconds(10);

  private final TaskStorage storage;
  private final Supplier<LiveState> state;
  private final PendingChanges pending;
  private final ReentrantLock deciding = new ReentrantLock();
  private final Turnstile turnstile = new Turnstile();

  SingleWriter(TaskStorage storage, Supplier<LiveState> state, PendingChanges pending) {
    this.storage = storage;
    this.state = state;
    this.pending = pending;
  }

  /**
   * Decides under the lock, commits, and answers when that is durable. For a client: is refused if
   * the state is being replaced and that takes long.
   *
   * @param decide run again if what it rested upon has not come to be, or another writer came first
   */
  <T> Answer<T> settle(Supplier<Step<T>> decide) throws InterruptedException {
    return settle(decide, _ -> {});
  }

  /**
   * The same.
   *
   * @param afterwards what belongs to the command, once it is answered
   */
  <T> Answer<T> settle(Supplier<Step<T>> decide, Consumer<Answer<T>> afterwards)
      throws InterruptedException {
    if (!turnstile.enter(WAIT_MAX)) {
      return new Answer.Unavailable<>(
          CommitResult.Reason.BUSY,
          "the state is being restored from a snapshot; nothing was done");
    }
    return leaving(decide, afterwards);
  }

  /** The same for a fact: it waits however long the state is being replaced. */
  <T> Answer<T> settleFact(Supplier<Step<T>> decide) throws InterruptedException {
    turnstile.enter();
    return leaving(decide, _ -> {});
  }

  private <T> Answer<T> leaving(Supplier<Step<T>> decide, Consumer<Answer<T>> afterwards)
      throws InterruptedException {
    try {
      Answer<T> answer = settled(decide);
      afterwards.accept(answer);
      return answer;
    } finally {
      turnstile.leave();
    }
  }

  /**
   * Keeps commands out, once nothing is decided any more and nothing is on its way to the disk:
   * each is answered before, or decided when this is closed.
   *
   * @return null if commands that are under way did not come to their end in time
   */
  @Nullable Hold hold() throws InterruptedException {
    if (!turnstile.close(WAIT_MAX)) {
      return null;
    }
    boolean isHeld = false;
    try {
      // Whoever was interrupted has left its change behind on its way.
      storage.commit(List.of(), Origin.INTERNAL).await();
      pending.clear();
      isHeld = true;
      return new Hold(turnstile::open);
    } finally {
      if (!isHeld) {
        turnstile.open();
      }
    }
  }

  private <T> Answer<T> settled(Supplier<Step<T>> decide) throws InterruptedException {
    for (int round = 0; round < ROUNDS_MAX; round++) {
      Step<T> step;
      Pending own = null;
      deciding.lock();
      try {
        step = decide.get();
        if (step.change() != null) {
          own = handOver(step.change(), step.origin());
        }
      } finally {
        deciding.unlock();
      }
      Answer<T> answer = own == null ? whenTrue(step) : whenDurable(step, own);
      if (answer != null) {
        return answer;
      }
    }
    return new Answer.Unavailable<>(
        CommitResult.Reason.BUSY, "other writers came first " + ROUNDS_MAX + " times in a row");
  }

  /** Noted as pending first: storage may deliver the change before commit returns. */
  private Pending handOver(Change decided, Origin origin) {
    Behalf behalf = Behalf.current();
    Change change = behalf == null ? decided : decided.by(behalf.by());
    Pending own = pending.add(change);
    boolean handedOver = false;
    try {
      own.handedOver(storage.commit(List.of(change), origin));
      handedOver = true;
    } finally {
      if (!handedOver) {
        pending.abandon(own);
      }
    }
    return own;
  }

  /** The answer that needs nothing new, or null if it must be decided anew. */
  private <T> @Nullable Answer<T> whenTrue(Step<T> step) throws InterruptedException {
    Pending lookedAt = step.lookedAt();
    if (lookedAt == null) {
      return step.answer().apply(state.get().seq());
    }
    CommitResult result = outcome(lookedAt);
    return switch (result) {
      case CommitResult.Done(long seq) -> step.answer().apply(seq);
      case CommitResult.Unknown(String detail) -> new Answer.DurabilityUnknown<>(detail);
      case CommitResult.Refused _, CommitResult.Conflict _ -> null;
    };
  }

  private <T> @Nullable Answer<T> whenDurable(Step<T> step, Pending own)
      throws InterruptedException {
    CommitResult result = outcome(own);
    return switch (result) {
      case CommitResult.Done(long seq) -> {
        Behalf.told();
        yield step.answer().apply(seq);
      }
      case CommitResult.Refused(CommitResult.Reason reason, String detail) ->
          new Answer.Unavailable<>(reason, detail);
      case CommitResult.Unknown(String detail) -> new Answer.DurabilityUnknown<>(detail);
      case CommitResult.Conflict _ -> {
        // If it failed, what was built upon it conflicts; only without it is there a new decision.
        if (step.lookedAt() != null) {
          outcome(step.lookedAt());
        }
        yield null;
      }
    };
  }

  /** Waits; a change that failed counts no more, whoever is first to notice. */
  private CommitResult outcome(Pending awaited) throws InterruptedException {
    CommitResult result = awaited.await();
    if (!(result instanceof CommitResult.Done)) {
      pending.abandon(awaited);
    }
    return result;
  }
}

package holdfast.application;

import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputSeal;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One reader of one stream of one attempt, from before its beginning to after its end. For one
 * thread at a time.
 */
public final class Following implements AutoCloseable {
  private static final long LOOK_NANOS_MIN = TimeUnit.MILLISECONDS.toNanos(1);
  private static final long LOOK_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(40);

  private final Supplier<LiveState> state;
  private final OutputStorage storage;
  private final TaskId task;
  private final int attempt;
  private final OutputStreamName stream;
  private final String epoch;

  /** The run that is read, or will be; null before the attempt has begun. */
  private volatile @Nullable RunRef followed;

  private @Nullable RunRef open;
  private @Nullable OutputSeal openSeal;
  private OutputStorage.@Nullable Reader reader;

  Following(
      Supplier<LiveState> state,
      OutputStorage storage,
      TaskId task,
      int attempt,
      OutputStreamName stream) {
    this.state = state;
    this.storage = storage;
    this.task = task;
    this.attempt = attempt;
    this.stream = stream;
    LiveState now = state.get();
    epoch = now.epoch();
    followed = runIn(now);
  }

  public int attempt() {
    return attempt;
  }

  public OutputStreamName stream() {
    return stream;
  }

  /** Whether the attempt has begun; until then there is nothing to read. */
  public boolean begun() {
    return current() != null;
  }

  /**
   * Whether the state was restored to one that does not know the run followed here: nothing more is
   * read of it, and what bears its number from now on is something else.
   */
  public boolean forgotten() {
    LiveState now = state.get();
    return isForgotten(now, runIn(now));
  }

  private boolean isForgotten(LiveState now, @Nullable RunRef run) {
    return followed != null && !followed.equals(run) && !epoch.equals(now.epoch());
  }

  /** Bytes that can be read at this moment. */
  public long end() {
    OutputStorage.Reader current = reader();
    return current == null ? 0 : current.length();
  }

  /**
   * Whether nothing more will come: the attempt is over, or it will never begin. Late output of
   * descendants may still be found by asking again later.
   */
  public boolean complete() {
    Task now = task();
    if (now == null || forgotten()) {
      return true;
    }
    Attempt current = attemptOf(now);
    return current == null ? now.state().name().isTerminal() : current.outcome() != null;
  }

  /** How the attempt ended, or null while it has not. */
  public @Nullable Outcome outcome() {
    Attempt current = current();
    return current == null ? null : current.outcome();
  }

  /** The size recorded at the attempt's end, or -1 while there is none. */
  public long recordedEnd() {
    Attempt current = current();
    Long recorded = current == null ? null : current.outputBytes().get(stream);
    return recorded == null ? -1 : recorded;
  }

  /**
   * Reads from {@code offset} into {@code target}, at most its remaining room.
   *
   * @return bytes read, 0 if none are there yet
   */
  public int read(long offset, ByteBuffer target) {
    OutputStorage.Reader current = reader();
    return current == null ? 0 : current.read(offset, target);
  }

  /**
   * Waits until there are bytes beyond {@code offset} or the stream is complete. The file is looked
   * at more often the more recently the wait began: the writer is another process and says nothing.
   *
   * @return false if {@code limit} passed first
   */
  public boolean await(long offset, Duration limit) throws InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    long pause = LOOK_NANOS_MIN;
    while (true) {
      // In this order: what was written before the end was recorded is never overlooked.
      boolean complete = complete();
      if (end() > offset || complete) {
        return true;
      }
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      LockSupport.parkNanos(this, Math.min(pause, left));
      if (Thread.interrupted()) {
        throw new InterruptedException("interrupted while following the output of " + task);
      }
      pause = Math.min(pause + pause / 2, LOOK_NANOS_MAX);
    }
  }

  @Override
  public void close() {
    if (reader != null) {
      reader.close();
      reader = null;
      open = null;
    }
  }

  private @Nullable Task task() {
    return taskIn(state.get());
  }

  private @Nullable Task taskIn(LiveState now) {
    return now.task(task) instanceof Lookup.Found<Stored<Task>>(Stored<Task> stored)
        ? stored.entity()
        : null;
  }

  private @Nullable Attempt current() {
    return attemptIn(state.get());
  }

  private @Nullable Attempt attemptIn(LiveState state) {
    Task now = taskIn(state);
    return now == null ? null : attemptOf(now);
  }

  private @Nullable Attempt attemptOf(Task now) {
    return attempt <= now.attempts().size() ? now.attempts().get(attempt - 1) : null;
  }

  private @Nullable RunRef runIn(LiveState state) {
    Attempt current = attemptIn(state);
    return current == null ? null : new RunRef(task, attempt, current.run());
  }

  /**
   * The reader of the run in force: recovery may have replaced one whose command never ran. None
   * once that is another run than the one followed.
   */
  private OutputStorage.@Nullable Reader reader() {
    LiveState now = state.get();
    Attempt current = attemptIn(now);
    RunRef run = runIn(now);
    if (isForgotten(now, run)) {
      return null;
    }
    if (current == null || run == null) {
      return reader;
    }
    OutputSeal seal = current.seals().get(stream);
    // What is sealed meanwhile is checked from then on.
    if (!run.equals(open) || !Objects.equals(seal, openSeal)) {
      close();
      open = run;
      followed = run;
      openSeal = seal;
      reader = storage.open(new OutputStorage.Output(run, stream), seal);
    }
    return reader;
  }
}

package holdfast.application;

import holdfast.domain.port.OutputStorage.Copied;
import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.task.OutputSeal;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the second copy of every output in step while its command writes.
 *
 * <p>A copy is behind by what is written in a fifth of a second, as far as the disk and one
 * processor keep up, and by less than a chunk for a second more. One thread of its own copies.
 */
final class OutputCopies {
  private static final Duration LOOKS_EVERY = Duration.ofMillis(200);

  /** What fills no whole chunk is copied, and all is made durable, with every so manieth look. */
  private static final int LOOKS_FOR_ALL = 5;

  /** A look ends after about so long, however far behind the copies are: then all is forced. */
  private static final long LOOK_NANOS_MAX = TimeUnit.SECONDS.toNanos(1);

  private final Core core;
  private final Background thread = new Background("holdfast-outputs");

  /** Outputs that may grow. */
  private final Map<Output, Growth> live = new ConcurrentHashMap<>();

  private int looks;
  private volatile long lag;
  private volatile @Nullable Trouble trouble;

  /**
   * What was seen of an output when it was last looked at. One that does not grow is looked at less
   * often.
   *
   * @param length of the output
   * @param copied how much of it was in the copy afterwards
   * @param grows whether it had become longer since the look before
   */
  private record Growth(long length, long copied, boolean grows) {
    static final Growth UNKNOWN = new Growth(-1, 0, true);

    Growth next(Copied now) {
      return new Growth(now.length(), now.end(), now.length() != length);
    }

    /**
     * The same look goes on: what does not grow from one moment to the next may grow all the same.
     */
    Growth goesOn(Copied now) {
      return new Growth(now.length(), now.end(), grows);
    }

    boolean isBehind() {
      return length - copied >= OutputSeal.CHUNK;
    }
  }

  OutputCopies(Core core) {
    this.core = core;
  }

  /** Takes note of a run that may write. Neither blocks nor throws. */
  void follow(RunRef run, Task task) {
    task.spec()
        .output()
        .streams()
        .forEach(stream -> live.putIfAbsent(new Output(run, stream), Growth.UNKNOWN));
  }

  void start() {
    thread.every(LOOKS_EVERY, this::look);
  }

  private void look() {
    boolean all = ++looks % LOOKS_FOR_ALL == 0;
    long begun = System.nanoTime();
    String failure = null;
    long behind = 0;
    boolean goesOn = true;
    // In turns, a part of each: whoever writes fast must not keep the others waiting.
    for (int turn = 0; goesOn; turn++) {
      goesOn = false;
      for (Map.Entry<Output, Growth> entry : live.entrySet()) {
        Growth before = entry.getValue();
        if (turn == 0 ? all || before.grows() : before.isBehind()) {
          try {
            Growth after = copy(entry.getKey(), before, turn, all);
            behind += turn == 0 ? Math.max(0, after.length() - before.copied()) : 0;
            goesOn |= after.isBehind() && after.copied() > before.copied();
          } catch (RuntimeException e) {
            // Whatever it was, the others must not wait for it, and the next look must come.
            failure = e.getMessage();
          }
        }
      }
      goesOn &= !thread.isClosed() && System.nanoTime() - begun < LOOK_NANOS_MAX;
    }
    lag = behind;
    if (all) {
      try {
        core.ports().outputs().force();
      } catch (RuntimeException e) {
        failure = e.getMessage();
      }
    }
    trouble =
        failure == null
            ? null
            : new Trouble(
                failure + ". The output itself is not affected",
                "See that the disk of the copies has room and can be written; they are made up for");
  }

  private Growth copy(Output output, Growth before, int turn, boolean all) {
    if (!isLive(output.run())) {
      live.remove(output);
      core.ports().outputs().release(output);
      return before;
    }
    Copied copied = core.ports().outputs().copy(output, all && turn == 0);
    Growth after = turn == 0 ? before.next(copied) : before.goesOn(copied);
    live.replace(output, after);
    return after;
  }

  private boolean isLive(RunRef run) {
    Task task = core.current(run.task());
    return task != null
        && task.run(run.attempt()).filter(run::equals).isPresent()
        && task.attempts().get(run.attempt() - 1).outcome() == null;
  }

  /** Outputs that may still grow, or did until a moment ago. */
  int count() {
    return live.size();
  }

  /**
   * Bytes by which the copies were behind, all together, before they were last brought up to date.
   */
  long lag() {
    return lag;
  }

  @Nullable Trouble trouble() {
    return trouble;
  }

  /** Copies what has been written until now. Commands write on; the next start goes on. */
  void atShutdown() {
    close();
    if (thread.hasEnded()) {
      looks = LOOKS_FOR_ALL - 1;
      look();
    }
  }

  void close() {
    thread.close();
  }
}

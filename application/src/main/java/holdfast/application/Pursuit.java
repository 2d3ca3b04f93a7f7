package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.ProcessControl.Signal;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskState.Stopping;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Carries out one stop: TERM, grace period, KILL, until no process of the run is left, whatever
 * becomes of the task in the meantime. For one thread.
 *
 * <p>TERM is sent once: to many programs a second one means to drop everything. It is sent again
 * only to what the command has left behind.
 */
final class Pursuit {
  private static final Duration PAUSE_MIN = Duration.ofMillis(20);
  private static final Duration PAUSE_MAX = Duration.ofSeconds(1);

  /** How long leftovers are pursued after the command itself has ended and KILL was due. */
  private static final Duration LEFTOVERS_MAX = Duration.ofMinutes(2);

  private final Core core;
  private final RunRef run;
  private Instant killAt;
  private Duration pause = PAUSE_MIN;
  private boolean asked;
  private boolean commandEnded;
  private boolean failed;

  Pursuit(Core core, RunRef run, Stopping order) {
    this.core = core;
    this.run = run;
    killAt = order.killAt();
  }

  /** Does what is due now. Blocks for milliseconds. Returns whether there is nothing more to do. */
  boolean over() {
    Task task = core.current(run.task());
    if (task == null || !task.run(run.attempt()).filter(run::equals).isPresent()) {
      return true;
    }
    Attempt attempt = task.attempts().get(run.attempt() - 1);
    if (attempt.outcome() != null && !commandEnded) {
      commandEnded = true;
      asked = false;
      pause = PAUSE_MIN;
    }
    if (!commandEnded && task.state() instanceof Stopping order) {
      // The state says when KILL is due, and may say so earlier in the meantime.
      killAt = order.killAt();
    }
    Instant now = core.clock().instant();
    boolean kill = !now.isBefore(killAt);
    if (!kill && asked) {
      return false;
    }
    Integer reached = signal(attempt, kill ? Signal.KILL : Signal.TERM);
    asked |= !kill && reached != null && reached > 0;
    boolean tired = now.isAfter(killAt.plus(LEFTOVERS_MAX));
    return commandEnded && ((reached != null && reached == 0) || tired);
  }

  /** How many processes the signal reached; null if that could not be found out. */
  private @Nullable Integer signal(Attempt attempt, Signal signal) {
    try {
      return core.ports().processes().signal(run, attempt, signal);
    } catch (StorageException failure) {
      if (!failed) {
        failed = true;
        core.log(
            Category.ERROR,
            "signal-failed",
            Map.of("taskId", run.task().value(), "error", String.valueOf(failure.getMessage())));
      }
      return null;
    }
  }

  /** How long to wait before the next look; not longer than until KILL is due. */
  Duration pause() {
    Duration next = pause;
    pause = pause.multipliedBy(2).compareTo(PAUSE_MAX) < 0 ? pause.multipliedBy(2) : PAUSE_MAX;
    Duration untilKill = Duration.between(core.clock().instant(), killAt);
    return untilKill.isPositive() && untilKill.compareTo(next) < 0 ? untilKill : next;
  }
}

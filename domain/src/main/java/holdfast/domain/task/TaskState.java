package holdfast.domain.task;

import java.time.Duration;
import java.time.Instant;

/**
 * Where a task stands. A variant carries only what that state alone has.
 *
 * <p>All legal transitions, and what brings them about:
 *
 * <pre>
 *  (new)       → HELD | QUEUED                submit
 *  HELD        → QUEUED                       release
 *              → CANCELED                     cancel
 *  QUEUED      → HELD                         hold
 *              → STARTING                     start
 *              → CANCELED                     cancel
 *  STARTING    → STARTING                     restart (recovery: the command was never reached);
 *                                             adopted by recovery, its process not known yet
 *              → RUNNING                      the process is known
 *              → STOPPING                     stop, kill, output quota
 *              → ended (below)                the attempt ended
 *  RUNNING     → RUNNING                      adopted by recovery; more is known of the process
 *              → PAUSED                       pause
 *              → STOPPING                     stop, kill, timeout, output quota
 *              → ended (below)                the attempt ended
 *  PAUSED      → PAUSED                       as for RUNNING
 *              → RUNNING                      resume
 *              → STOPPING                     stop, kill, timeout, output quota
 *              → ended (below)                the attempt ended
 *  STOPPING    → STOPPING                     kill after stop; adopted; the process is known
 *              → CANCELED | TIMED_OUT | FAILED | BACKING_OFF
 *                                             the attempt ended, by the cause of the stop
 *  BACKING_OFF → QUEUED                       the pause is over
 *              → CANCELED                     cancel
 *  ended       = SUCCEEDED                    exit code 0
 *              | FAILED | BACKING_OFF         any other outcome, by the retry policy
 *              | LOST | QUEUED                no evidence is left, by {@link OnLost}
 *  QUEUED, BACKING_OFF → HELD                 disown (the data directory is an accepted copy)
 *  active      → LOST                         disown
 *              → LOST | CANCELED | QUEUED     a person decided about a run that nothing tells of
 *  terminal    → QUEUED                       retry
 *              → (gone)                       purge
 * </pre>
 *
 * <p>A patch, and late output behind an attempt that has ended, leave the state as it is.
 *
 * <p>SKIPPED is reached from HELD or QUEUED when a task this one depends on did not succeed.
 * Nothing else is legal, and {@link Task} makes no other.
 */
public sealed interface TaskState {

  /** The states' names as they appear in the API and on disk. */
  enum Name {
    HELD,
    QUEUED,
    STARTING,
    RUNNING,
    PAUSED,
    STOPPING,
    BACKING_OFF,
    SUCCEEDED,
    FAILED,
    TIMED_OUT,
    CANCELED,
    LOST,
    SKIPPED;

    /** Whether a process may exist: STARTING, RUNNING, PAUSED, STOPPING. */
    public boolean isActive() {
      return this == STARTING || this == RUNNING || this == PAUSED || this == STOPPING;
    }

    /** Whether the task is over unless somebody retries it. */
    public boolean isTerminal() {
      return switch (this) {
        case SUCCEEDED, FAILED, TIMED_OUT, CANCELED, LOST, SKIPPED -> true;
        case HELD, QUEUED, STARTING, RUNNING, PAUSED, STOPPING, BACKING_OFF -> false;
      };
    }
  }

  /** This state's name. */
  default Name name() {
    return switch (this) {
      case Held _ -> Name.HELD;
      case Queued _ -> Name.QUEUED;
      case Starting _ -> Name.STARTING;
      case Running _ -> Name.RUNNING;
      case Paused _ -> Name.PAUSED;
      case Stopping _ -> Name.STOPPING;
      case BackingOff _ -> Name.BACKING_OFF;
      case Ended(Name name) -> name;
    };
  }

  /** Waits until somebody releases it. */
  record Held() implements TaskState {}

  /**
   * Waits for a free place.
   *
   * @param since when it entered the queue; equal priorities are served by age
   */
  record Queued(Instant since) implements TaskState {}

  /** The start is durable; whether the command was reached is not known yet. */
  record Starting() implements TaskState {}

  /**
   * The command runs.
   *
   * @param since when its process became known; the attempt's timeout counts from here
   */
  record Running(Instant since) implements TaskState {}

  /**
   * The command is suspended.
   *
   * @param since the {@code since} of the RUNNING state that resume returns to
   */
  record Paused(Instant since) implements TaskState {}

  /**
   * The command is asked to end: TERM at {@code since}, KILL when {@code grace} is over.
   *
   * @param grace zero for an immediate kill
   */
  record Stopping(StopCause cause, Instant since, Duration grace) implements TaskState {
    /** When KILL is due. */
    public Instant killAt() {
      return since.plus(grace);
    }
  }

  /** A failed attempt will be followed by another. */
  record BackingOff(Instant until) implements TaskState {}

  /**
   * Over.
   *
   * @param name one of the terminal names
   */
  record Ended(Name name) implements TaskState {
    public Ended {
      if (!name.isTerminal()) {
        throw new IllegalArgumentException(name + " is not a terminal state");
      }
    }
  }
}

package holdfast.domain.task;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What happened to a task. Events say everything their after-image needs: applying them reads no
 * clock and decides nothing.
 */
public sealed interface TaskEvent {

  /** When it was decided. */
  Instant at();

  /** The kebab-case name by which journal, API and logs call it. */
  default String type() {
    return switch (this) {
      case Submitted _ -> "submitted";
      case Held _ -> "held";
      case Released _ -> "released";
      case Canceled _ -> "canceled";
      case Patched _ -> "patched";
      case Edited _ -> "edited";
      case AttemptStarting _ -> "attempt-starting";
      case AttemptRestarting _ -> "attempt-restarting";
      case ProcessStarted _ -> "process-started";
      case Adopted _ -> "adopted";
      case StopRequested _ -> "stop-requested";
      case AttemptEnded _ -> "attempt-ended";
      case RetryQueued _ -> "retry-queued";
      case LateOutput _ -> "late-output";
      case OutputSealed _ -> "output-sealed";
      case RunDecided _ -> "run-decided";
      case Purged _ -> "purged";
    };
  }

  record Submitted(Instant at, TaskSpec spec, boolean held) implements TaskEvent {}

  record Held(Instant at) implements TaskEvent {}

  record Released(Instant at) implements TaskEvent {}

  record Canceled(Instant at) implements TaskEvent {}

  record Patched(Instant at, TaskSpec spec) implements TaskEvent {}

  /** The task's readable copy was edited: what it is to do, and where it is to stand. */
  record Edited(Instant at, TaskSpec spec, TaskState state) implements TaskEvent {}

  record AttemptStarting(Instant at, RunTicket ticket) implements TaskEvent {}

  record AttemptRestarting(Instant at, RunTicket ticket) implements TaskEvent {}

  record ProcessStarted(Instant at, ProcessIdentity process) implements TaskEvent {}

  record Adopted(Instant at, Owner owner, @Nullable ProcessIdentity process) implements TaskEvent {}

  /** Covers stop, kill, timeout and quota: the new STOPPING state says which. */
  record StopRequested(Instant at, TaskState.Stopping stopping, @Nullable String reason)
      implements TaskEvent {}

  /**
   * The attempt is over.
   *
   * @param endedAt when the process ended, as far as is known; not after {@code at}
   * @param next the state that follows
   * @param reason why that state, as a sentence, or null where the outcome says it all
   */
  record AttemptEnded(
      Instant at,
      Outcome outcome,
      @Nullable ProcessIdentity process,
      Map<OutputStreamName, Long> outputBytes,
      Instant endedAt,
      TaskState next,
      @Nullable String reason)
      implements TaskEvent {}

  /**
   * The task is in the queue again.
   *
   * @param automatic false if a user asked, which also renews the retry budget
   */
  record RetryQueued(Instant at, boolean automatic) implements TaskEvent {}

  /**
   * A descendant of the command wrote after the attempt's end was recorded.
   *
   * @param attempt its number
   */
  record LateOutput(Instant at, int attempt, Map<OutputStreamName, Long> outputBytes)
      implements TaskEvent {}

  /**
   * Streams of an ended attempt are in two files, durably.
   *
   * @param attempt its number
   * @param seals what each holds
   */
  record OutputSealed(Instant at, int attempt, Map<OutputStreamName, OutputSeal> seals)
      implements TaskEvent {}

  /**
   * A person decided about a run whose fate could not be found out. Unless that was to ignore it,
   * the attempt is over with an unknown outcome.
   *
   * @param outputBytes what there is of its output; empty if it was ignored
   * @param next the state that follows; the present one if it was ignored
   * @param reason what was decided and on what grounds, as a sentence
   */
  record RunDecided(
      Instant at,
      RunDecision decision,
      Map<OutputStreamName, Long> outputBytes,
      TaskState next,
      String reason)
      implements TaskEvent {}

  record Purged(Instant at) implements TaskEvent {}
}

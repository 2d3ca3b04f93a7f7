package holdfast.domain.task;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What can be asked of an existing task, by a user or by the server itself. */
public sealed interface TaskCommand {

  /** The word for it in refusals and in the API. */
  default String verb() {
    return switch (this) {
      case Hold _ -> "hold";
      case Release _ -> "release";
      case Cancel _ -> "cancel";
      case Stop _ -> "stop";
      case StopAtShutdown _ -> "stop-at-shutdown";
      case Kill _ -> "kill";
      case Retry _ -> "retry";
      case Patch _ -> "patch";
      case Edit _ -> "edit";
      case Purge _ -> "purge";
      case Start _ -> "start";
      case Restart _ -> "restart";
      case ConfirmProcess _ -> "confirm-process";
      case Adopt _ -> "adopt";
      case EndAttempt _ -> "end-attempt";
      case EndBackoff _ -> "end-backoff";
      case Expire _ -> "expire";
      case ExceedOutputQuota _ -> "exceed-output-quota";
      case RecordLateOutput _ -> "record-late-output";
      case SealOutput _ -> "seal-output";
      case Disown _ -> "disown";
      case DecideRun _ -> "decide";
    };
  }

  /** Keep a queued task out of the queue. */
  record Hold() implements TaskCommand {}

  /** Let a held task into the queue. */
  record Release() implements TaskCommand {}

  /** End a task that has no process. */
  record Cancel() implements TaskCommand {}

  /**
   * End the process: TERM, grace period, KILL.
   *
   * @param grace overrides the task's own, or null
   */
  record Stop(@Nullable Duration grace) implements TaskCommand {}

  /** Internal: as {@link Stop}, because the server ends and is to take its tasks with it. */
  record StopAtShutdown() implements TaskCommand {}

  /** End the process now. */
  record Kill() implements TaskCommand {}

  /** Queue another attempt of a finished task. */
  record Retry() implements TaskCommand {}

  /** Replace the specification; before the start all of it, afterwards title, priority, labels. */
  record Patch(TaskSpec spec) implements TaskCommand {}

  /**
   * Become what somebody made of the task's readable copy, as far as a client could ask for it.
   *
   * @param wanted the whole task as the copy has it
   */
  record Edit(Task wanted) implements TaskCommand {
    /** Stands for a secret wherever one is not shown; never a value. */
    public static final String NOT_SHOWN = "[redacted]";
  }

  /** Forget a finished task. */
  record Purge() implements TaskCommand {}

  /** Internal: begin the next attempt of a queued task. */
  record Start(RunTicket ticket) implements TaskCommand {}

  /**
   * Internal, recovery: the run's command was proven never reached; begin it in a new run.
   *
   * @param run the run that was abandoned; anything else in force refuses the command
   */
  record Restart(RunRef run, RunTicket ticket) implements TaskCommand {}

  /** Internal: the run's process is known. */
  record ConfirmProcess(RunRef run, ProcessIdentity process) implements TaskCommand {}

  /**
   * Internal, recovery: the run goes on under this server.
   *
   * @param process what is now known of it, or null if nothing more than before
   */
  record Adopt(RunRef run, Owner owner, @Nullable ProcessIdentity process) implements TaskCommand {}

  /**
   * Internal: the run is over.
   *
   * @param lost whether this is the loss of a process nobody can account for, rather than an end
   * @param endedAt when it ended as far as is known, or null for now
   */
  record EndAttempt(
      RunRef run,
      Outcome outcome,
      boolean lost,
      @Nullable ProcessIdentity process,
      Map<OutputStreamName, Long> outputBytes,
      @Nullable Instant endedAt)
      implements TaskCommand {}

  /** Internal: the pause before a retry is over. */
  record EndBackoff() implements TaskCommand {}

  /** Internal: the run's timeout is over. */
  record Expire(RunRef run) implements TaskCommand {}

  /** Internal: the run wrote more than it may. */
  record ExceedOutputQuota(RunRef run, long quotaBytes) implements TaskCommand {}

  /**
   * Internal, recovery: this server goes on with a copy of another's tasks. What runs belongs to
   * that one; what waits must not run twice.
   *
   * @param outputBytes what this copy has of each stream of the last attempt
   */
  record Disown(Map<OutputStreamName, Long> outputBytes) implements TaskCommand {}

  /**
   * A person decides about a run whose fate recovery could not find out.
   *
   * @param grounds why it could not, as a clause; and whether the process may still be alive
   * @param outputBytes the present size of each stream
   */
  record DecideRun(
      RunRef run, RunDecision decision, String grounds, Map<OutputStreamName, Long> outputBytes)
      implements TaskCommand {}

  /**
   * Internal: streams of the ended run are in two files, durably.
   *
   * @param recorded their sizes as they were recorded when the seals were made; a stream of which
   *     more has become known since is not sealed
   */
  record SealOutput(
      RunRef run, Map<OutputStreamName, OutputSeal> seals, Map<OutputStreamName, Long> recorded)
      implements TaskCommand {}

  /** Internal: a descendant wrote behind the recorded end of the attempt's output. */
  record RecordLateOutput(RunRef run, Map<OutputStreamName, Long> outputBytes)
      implements TaskCommand {}
}

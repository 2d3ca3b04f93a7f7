package holdfast.application;

import holdfast.domain.port.ProcessControl;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.Owner;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.RunTicket;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskLimits;
import holdfast.domain.task.TaskState;
import java.util.Map;

/**
 * Draws the consequence of a verdict about a run, the same for a run that ended before our eyes and
 * for one that a restarted server found.
 */
final class Settlement {
  /** How often a run that never reached its command is started afresh. */
  static final int RESTARTS_MAX = 5;

  private final TaskStore store;
  private final ProcessControl processes;
  private final Owner owner;

  Settlement(TaskStore store, ProcessControl processes, Owner owner) {
    this.store = store;
    this.processes = processes;
    this.owner = owner;
  }

  /**
   * What was concluded and done.
   *
   * @param decision a sentence for the report
   * @param goesOn whether the run, or one in its place, is to be followed
   * @param restarted whether the task has a new run that is still to be launched
   * @param needsDecision whether a person must decide
   */
  record Settled(
      RecoveryVerdict verdict,
      String decision,
      boolean goesOn,
      boolean restarted,
      boolean needsDecision) {}

  /** The server that answers for what is started or adopted from now on. */
  Owner owner() {
    return owner;
  }

  RunTicket ticket() {
    return new RunTicket(store.ids().cookie(), owner, processes.host());
  }

  /** The ticket of a task's next attempt. */
  RunTicket ticket(TaskId task, int attempt) {
    int run = processes.unusedRun(task, attempt);
    return new RunTicket(store.ids().cookie(), owner, processes.host(), run);
  }

  /**
   * Judges and records.
   *
   * @param outputBytes the present size of each stream
   */
  Settled settle(
      Task task, RunRef run, ProcessEvidence evidence, Map<OutputStreamName, Long> outputBytes)
      throws InterruptedException {
    RecoveryVerdict verdict = RecoveryPolicy.judge(evidence);
    return switch (verdict) {
      case RecoveryVerdict.Adopted adopted -> {
        store.record(task.id(), new TaskCommand.Adopt(run, owner, adopted.process()));
        yield new Settled(
            verdict,
            adopted.monitored()
                ? "goes on under this server"
                : "goes on under this server; its exit code will not be known",
            true,
            false,
            false);
      }
      case RecoveryVerdict.ExitedWhileDown exited -> {
        var end =
            new TaskCommand.EndAttempt(
                run, exited.outcome(), false, exited.process(), outputBytes, exited.endedAt());
        yield ended(verdict, task, end);
      }
      case RecoveryVerdict.StartFailed failed -> {
        var end =
            new TaskCommand.EndAttempt(
                run, failed.outcome(), false, null, outputBytes, failed.endedAt());
        yield ended(verdict, task, end);
      }
      case RecoveryVerdict.Lost lost -> {
        var end =
            new TaskCommand.EndAttempt(
                run, new Outcome.Unknown(lost.reason()), true, null, outputBytes, null);
        yield ended(verdict, task, end, onLost(task));
      }
      case RecoveryVerdict.NeverStarted never -> startAfresh(task, run, never, outputBytes);
      case RecoveryVerdict.Undecidable _ ->
          new Settled(
              verdict,
              "left as it is: a person must decide, see POST /api/recovery/tasks/{id}/decision",
              false,
              false,
              true);
    };
  }

  /** By what policy a lost run is followed by another or not. */
  private static String onLost(Task task) {
    return switch (task.spec().onLost()) {
      case FAIL -> ": onLost is fail";
      case RERUN ->
          task.reruns() < TaskLimits.RERUNS_MAX
              ? ": onLost is rerun"
              : ": onLost is rerun, and " + task.reruns() + " reruns were lost before";
    };
  }

  private Settled ended(RecoveryVerdict verdict, Task task, TaskCommand.EndAttempt end)
      throws InterruptedException {
    return ended(verdict, task, end, "");
  }

  private Settled ended(
      RecoveryVerdict verdict, Task task, TaskCommand.EndAttempt end, String policy)
      throws InterruptedException {
    String decision =
        store.record(task.id(), end) instanceof Answer.Done<?>(var stored, _)
                && stored instanceof holdfast.domain.port.TaskStorage.Stored<?>(Task after, _, _)
            ? "recorded; the task is " + after.state().name() + policy
            : "nothing to record: the run had been settled before";
    return new Settled(verdict, decision, false, false, false);
  }

  private Settled startAfresh(
      Task task,
      RunRef run,
      RecoveryVerdict.NeverStarted verdict,
      Map<OutputStreamName, Long> outputBytes)
      throws InterruptedException {
    processes.abandon(run);
    Attempt attempt = task.attempts().getLast();
    boolean wanted = task.state() instanceof TaskState.Starting && attempt.run() <= RESTARTS_MAX;
    if (!wanted) {
      String reason =
          task.state() instanceof TaskState.Starting
              ? "the command was not reached in " + attempt.run() + " starts in a row"
              : "the task was stopped before its command was reached";
      var end =
          new TaskCommand.EndAttempt(
              run, new Outcome.StartFailed(reason), false, null, outputBytes, null);
      return ended(verdict, task, end);
    }
    boolean restarted =
        store.record(task.id(), new TaskCommand.Restart(run, ticket())) instanceof Answer.Done<?>;
    return new Settled(
        verdict,
        restarted
            ? "started in a new run directory"
            : "nothing to start: the run had been settled before",
        restarted,
        restarted,
        false);
  }
}

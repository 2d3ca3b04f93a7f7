package holdfast.application;

import holdfast.domain.port.Change;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.ProcessEvidence.Lock;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryReport.Decided;
import holdfast.domain.recovery.RecoveryReport.TaskVerdict;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.Rejection;
import holdfast.domain.task.RunDecision;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskEvent;
import holdfast.domain.task.TaskId;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Takes a person's decisions about runs whose fate recovery could not find out. Any thread; one
 * decision at a time.
 *
 * <p>The evidence is read once more first: what has become known since is not for anybody to
 * decide.
 */
public final class RecoveryDecisions {
  private static final int HISTORY_MAX = 1_000;

  private final Core core;
  private final Recovery recovery;
  private final @Nullable String readOnly;
  private final ReentrantLock one = new ReentrantLock();

  /**
   * @param readOnly why nothing is decided here, or null
   */
  RecoveryDecisions(Core core, Recovery recovery, @Nullable String readOnly) {
    this.core = core;
    this.recovery = recovery;
    this.readOnly = readOnly;
  }

  /**
   * Decides about the run that is in force. The same decision once more changes nothing.
   *
   * @param ifMatch the revision the caller has seen, or null if any will do
   * @return once it is durable and noted in the report; {@link Answer.Refused} if there is nothing
   *     to decide, or if a run that is known to go on would be repeated
   */
  public Answer<Stored<Task>> decide(TaskId id, RunDecision decision, @Nullable Long ifMatch)
      throws InterruptedException {
    if (readOnly != null) {
      return new Answer.Unavailable<>(CommitResult.Reason.COPY_NOT_ACCEPTED, readOnly);
    }
    one.lockInterruptibly();
    try {
      return switch (core.state().task(id)) {
        case Lookup.Missing<Stored<Task>> _ -> new Answer.NotFound<>(EntityKey.of(id));
        case Lookup.Purged<Stored<Task>> _ -> new Answer.Gone<>(EntityKey.of(id));
        case Lookup.Found<Stored<Task>>(Stored<Task> stored) ->
            ifMatch != null && ifMatch != stored.entity().revision()
                ? new Answer.Stale<>(stored.entity().revision())
                : decide(stored, decision);
      };
    } finally {
      one.unlock();
    }
  }

  private Answer<Stored<Task>> decide(Stored<Task> stored, RunDecision decision)
      throws InterruptedException {
    Task task = stored.entity();
    TaskVerdict verdict = recovery.undecided(task.id()).orElse(null);
    boolean isAsked =
        verdict != null
            && verdict.attempt() == task.attempts().size()
            && task.state().name().isActive();
    if (verdict == null || !isAsked) {
      return isLastDecision(task.id(), decision)
          ? new Answer.Done<>(stored, false)
          : nothingToDecide(task);
    }
    Decided before = verdict.decided();
    if (before != null && before.decision() == decision) {
      return new Answer.Done<>(stored, false);
    }
    RunRef run = task.lastRun().orElseThrow();
    Attempt attempt = task.attempts().getLast();
    ProcessEvidence evidence = core.ports().processes().examine(run, attempt);
    if (!(RecoveryPolicy.judge(evidence) instanceof RecoveryVerdict.Undecidable undecidable)) {
      return settle(task, verdict, evidence);
    }
    if (decision == RunDecision.RETRY && evidence.lock() == Lock.HELD) {
      return new Answer.Refused<>(
          new Rejection.RunGoesOn(task.state().name(), "its monitor's lock is held"));
    }
    if (decision != RunDecision.IGNORE) {
      // Whatever was on its way to the command there does not reach it any more.
      core.ports().processes().abandon(run);
    }
    var wish =
        new TaskCommand.DecideRun(
            run, decision, undecidable.reason() + "; " + alive(attempt), lengths(task, run));
    Answer<Stored<Task>> answer = core.store().command(task.id(), wish, null);
    if (answer instanceof Answer.Done<Stored<Task>>(Stored<Task> after, boolean _)) {
      Task now = after.entity();
      recovery.note(
          verdict.settled(
              now.stateReason() + ". The task is " + now.state().name(),
              new Decided(decision, now.updatedAt())));
    }
    return answer;
  }

  /** What has become of the run is known by now. */
  private Answer<Stored<Task>> settle(Task task, TaskVerdict verdict, ProcessEvidence evidence)
      throws InterruptedException {
    RunRef run = task.lastRun().orElseThrow();
    Settlement.Settled settled = core.settlement().settle(task, run, evidence, lengths(task, run));
    recovery.note(
        verdict.settled(
            "before anybody decided, the verdict became "
                + settled.verdict().name()
                + ": "
                + settled.verdict().reason()
                + ". "
                + settled.decision(),
            null));
    Task now = core.current(task.id());
    return nothingToDecide(now == null ? task : now);
  }

  private static Answer<Stored<Task>> nothingToDecide(Task task) {
    return new Answer.Refused<>(
        new Rejection.NothingToDecide(task.state().name(), task.possible()));
  }

  /** Whether the last decision about the task, in this start or before, was the same. */
  private boolean isLastDecision(TaskId id, RunDecision decision) {
    for (Committed committed :
        core.ports().tasks().history(EntityKey.of(id), Long.MAX_VALUE, HISTORY_MAX)) {
      if (committed.change() instanceof Change.PutTask put
          && put.event() instanceof TaskEvent.RunDecided decided) {
        return decided.decision() == decision;
      }
    }
    return false;
  }

  private Map<OutputStreamName, Long> lengths(Task task, RunRef run) {
    return new Outputs(core.state(), core.ports().outputs()).lengths(run, task.spec().output());
  }

  /** What is to be said of the process before its task is run once more. */
  private String alive(Attempt attempt) {
    HostIdentity here = core.ports().processes().host();
    HostIdentity there = attempt.host();
    ProcessIdentity process = attempt.process();
    boolean isRestarted =
        here.machineId().equals(there.machineId()) && !here.bootId().equals(there.bootId());
    return isRestarted
        ? "that machine has been restarted since, so its process is gone"
        : "its process"
            + (process == null ? "" : ", pid " + process.pid() + " there,")
            + " may still be alive, and nothing was signalled";
  }
}

package holdfast.domain.recovery;

import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.ProcessEvidence.Lock;
import holdfast.domain.recovery.ProcessEvidence.RecordedProcess;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.ProcessIdentity;
import org.jspecify.annotations.Nullable;

/**
 * Evidence in, verdict out.
 *
 * <pre>
 *  lock     exit     recorded process            verdict
 *  any      valid    any                         EXITED_WHILE_DOWN (START_FAILED if exec was not reached)
 *  held     other    any                         ADOPTED
 *  free     other    alive, identity agrees      ADOPTED, unmonitored
 *  free     other    gone, stranger, other boot  LOST
 *  free     other    other, ended pid namespace  LOST
 *  free     none     absent, no cookie bearer    NEVER_STARTED
 *  free     none     absent, a cookie bearer     ADOPTED, unmonitored
 *  free     damaged  absent                      LOST: something was recorded, so something ran
 *  missing  other    as for free, but absent without a cookie bearer is LOST
 *  no directory      as for free
 *  other host        (exit not valid)            UNDECIDABLE
 * </pre>
 */
public final class RecoveryPolicy {
  private RecoveryPolicy() {}

  /** The verdict that {@code evidence} supports; never one that would run a command twice. */
  public static RecoveryVerdict judge(ProcessEvidence evidence) {
    if (evidence.exit() instanceof ExitRecord.Valid valid) {
      return ended(valid);
    }
    if (!evidence.sameHost()) {
      return new RecoveryVerdict.Undecidable(
          "the run was started on another machine or in another pid namespace");
    }
    return switch (evidence.lock()) {
      case HELD ->
          new RecoveryVerdict.Adopted(
              true, aliveOrNull(evidence), "the monitor's lock is held, so the monitor lives");
      case FREE, MISSING, NO_DIRECTORY -> withoutMonitor(evidence);
    };
  }

  private static RecoveryVerdict ended(ExitRecord.Valid valid) {
    return valid.execReached()
        ? new RecoveryVerdict.ExitedWhileDown(
            valid.outcome(),
            valid.process(),
            valid.endedAt(),
            "the monitor recorded the end in the exit file")
        : notReached(valid);
  }

  /** Whatever ended what was to become the command, it was not the command's own doing. */
  private static RecoveryVerdict notReached(ExitRecord.Valid valid) {
    String reason =
        switch (valid.outcome()) {
          case Outcome.StartFailed(String why) -> why;
          case Outcome.Exited(int code, boolean _) ->
              "the start ended with code " + code + " before the command was reached";
          case Outcome.Signaled(int signal) ->
              "signal " + signal + " ended the start before the command was reached";
          case Outcome.Unknown(String why) -> "the command was not reached: " + why;
        };
    return new RecoveryVerdict.StartFailed(
        new Outcome.StartFailed(reason), valid.endedAt(), reason);
  }

  private static RecoveryVerdict withoutMonitor(ProcessEvidence evidence) {
    return switch (evidence.process()) {
      case RecordedProcess.Alive(ProcessIdentity identity) ->
          new RecoveryVerdict.Adopted(
              false, identity, "the process lives but its monitor does not");
      case RecordedProcess.Gone(ProcessIdentity identity) ->
          lost("process " + identity.pid() + " is gone and left no exit record");
      case RecordedProcess.Stranger(ProcessIdentity identity, String difference) ->
          lost("pid " + identity.pid() + " now belongs to another process: " + difference);
      case RecordedProcess.OtherBoot _ -> lost("the machine was restarted while the process ran");
      case RecordedProcess.OtherNamespace _ ->
          lost("the container in which the process ran ended with the server, its first process");
      case RecordedProcess.Damaged(String what) -> damaged(evidence, what);
      case RecordedProcess.Absent _ -> absent(evidence);
    };
  }

  private static RecoveryVerdict damaged(ProcessEvidence evidence, String what) {
    return evidence.cookieBearers().isEmpty()
        ? lost("the record of the process is damaged: " + what)
        : bearerLives(evidence);
  }

  private static RecoveryVerdict absent(ProcessEvidence evidence) {
    if (!evidence.cookieBearers().isEmpty()) {
      return bearerLives(evidence);
    }
    if (evidence.exit() instanceof ExitRecord.Damaged(String what)) {
      return lost("the exit record is damaged: " + what);
    }
    return evidence.lock() == Lock.MISSING
        ? lost("the monitor's lock file is gone, so whether the command ran cannot be told")
        : new RecoveryVerdict.NeverStarted(
            "no process was recorded, no monitor lives, and no process bears the run's cookie");
  }

  private static RecoveryVerdict bearerLives(ProcessEvidence evidence) {
    ProcessIdentity bearer = evidence.cookieBearers().getFirst();
    return new RecoveryVerdict.Adopted(
        false, bearer, "process " + bearer.pid() + " bears the run's cookie");
  }

  private static RecoveryVerdict.Lost lost(String reason) {
    return new RecoveryVerdict.Lost(reason);
  }

  private static @Nullable ProcessIdentity aliveOrNull(ProcessEvidence evidence) {
    return evidence.process() instanceof RecordedProcess.Alive(ProcessIdentity identity)
        ? identity
        : null;
  }
}

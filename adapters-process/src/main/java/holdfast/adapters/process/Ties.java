package holdfast.adapters.process;

import holdfast.domain.task.Attempt;
import holdfast.domain.task.ProcessIdentity;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * What ties a living process to a run, so that nobody else can have it. A pid alone never does. A
 * recorded pid with its start time and boot names one process; that this process is the run's, and
 * not one that a forged record points to, is shown by one of:
 *
 * <ul>
 *   <li>it bears the run's cookie in the environment with which it was executed;
 *   <li>it is a copy of the run's monitor that is about to execute the command;
 *   <li>its parent is the run's monitor, which is the one that holds the run's lock open;
 *   <li>the journal names the very same process, which was shown to be the run's when it was told.
 * </ul>
 *
 * The last two hold for commands that clear or overwrite their environment, too.
 */
final class Ties {
  /** The descriptor on which a monitor inherits the lock. */
  private static final int MONITORS_LOCK = 3;

  private static final int LOOKS_AT_EXEC = 10;
  private static final long LOOK_AT_EXEC_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

  private final String runDirectory;
  private final Attempt attempt;

  Ties(String runDirectory, Attempt attempt) {
    this.runDirectory = runDirectory;
    this.attempt = attempt;
  }

  boolean bearsCookie(long pid) {
    return ProcTable.variables(pid).have(CommandEnvironment.COOKIE, attempt.cookie());
  }

  /** The same, if need be when an exec that is under way is over. */
  boolean bearsCookieSoon(ProcTable.Entry process) {
    return !process.isOfKernel()
        && settledVariables(process).have(CommandEnvironment.COOKIE, attempt.cookie());
  }

  /** Whether a process has the run's lock where only its monitor has it. */
  boolean isMonitor(long pid) {
    if (pid <= 1 || pid == ProcessHandle.current().pid()) {
      return false;
    }
    FileStatus held = FileStatus.following("/proc/" + pid + "/fd/" + MONITORS_LOCK);
    FileStatus lock = FileStatus.following(runDirectory + "/" + RunDirectory.LOCK);
    return held != null && lock != null && held.isSameFile(lock);
  }

  /** Whether a living process that is the recorded one is the run's. */
  boolean prove(ProcTable.Entry recorded) {
    ProcessIdentity journalled = attempt.process();
    boolean known =
        journalled != null
            && recorded.is(journalled)
            && journalled.bootId().equals(attempt.host().bootId());
    if (known || isMonitor(recorded.parent())) {
      return true;
    }
    ProcTable.Variables variables = settledVariables(recorded);
    return variables.have(CommandEnvironment.COOKIE, attempt.cookie())
        || variables.have(CommandEnvironment.MONITOR_OF, attempt.cookie());
  }

  /** In the middle of an exec the old environment is gone and the new one not there yet. */
  private static ProcTable.Variables settledVariables(ProcTable.Entry process) {
    ProcTable.Variables variables = ProcTable.variables(process.pid());
    for (int look = 0; look < LOOKS_AT_EXEC && variables.isEmpty(); look++) {
      if (!process.isSame(ProcTable.find(process.pid()))) {
        return variables;
      }
      LockSupport.parkNanos(LOOK_AT_EXEC_NANOS);
      variables = ProcTable.variables(process.pid());
    }
    return variables;
  }

  /** Whether the run's recorded process executes the command by now, and no longer the monitor. */
  boolean executesCommand(ProcTable.Entry recorded) {
    ProcTable.Variables variables = ProcTable.variables(recorded.pid());
    return variables.have(CommandEnvironment.COOKIE, attempt.cookie())
        || (!variables.have(CommandEnvironment.MONITOR_OF, attempt.cookie())
            && isMonitor(recorded.parent()));
  }
}

package holdfast.domain.port;

import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import java.nio.ByteBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Starts commands so that they outlive the server, finds them again, and signals them.
 *
 * <p>Nothing here is decided from a pid alone: a signal is sent only to a process that was proven
 * to belong to the run just before, through a handle that cannot be recycled.
 *
 * <p>Any thread; calls may block on the disk and on the kernel, for milliseconds.
 */
public interface ProcessControl extends AutoCloseable {

  /** Where this server stands; goes into every attempt before its process exists. */
  HostIdentity host();

  /** The first run of an attempt that was never launched, as far as its files tell: usually 1. */
  int unusedRun(TaskId task, int attempt);

  /**
   * Makes the run directory and starts the monitor, which executes the command. The run's STARTING
   * must be durable before. Never called twice for the same run.
   *
   * @throws StorageException if the run directory cannot be made; as with {@link Launch.Failed},
   *     nothing was executed and nothing will be
   */
  Launch launch(RunRef run, String cookie, TaskSpec spec);

  /** Gathers everything that can be known of a run. Sends no signal and starts nothing. */
  ProcessEvidence examine(RunRef run, Attempt attempt);

  /**
   * Makes sure that nothing late begins in a run that was judged NEVER_STARTED: a monitor that
   * appears after this call gives up before it executes the command.
   */
  void abandon(RunRef run);

  /**
   * Sends a signal to every process of the run: its group, its session, and whoever bears its
   * cookie. The monitor is spared, so that it can record the end.
   *
   * @return how many processes the signal was sent to; 0 if none is left
   */
  int signal(RunRef run, Attempt attempt, Signal signal);

  /** Writes to the run's standard input without waiting for the command to read. */
  InputResult write(RunRef run, ByteBuffer bytes);

  /** Ends the run's standard input once the command has read what was written. */
  InputResult endInput(RunRef run);

  /**
   * Follows a run, started by this server or an earlier one, until its end has been reported.
   * Idempotent.
   */
  void follow(RunRef run, Attempt attempt);

  /**
   * Sets who hears of the runs that are followed. Called once, before {@link #follow}. Calls come
   * on threads of this port, one at a time for each run, and each is made at least once.
   */
  void listener(Listener listener);

  /** Stops following. Processes go on. Idempotent. */
  @Override
  void close();

  /** The signals that a stop is made of. */
  enum Signal {
    TERM,
    KILL
  }

  /** What came of a launch. */
  sealed interface Launch {
    /** A monitor runs; what becomes of the command will be reported to the listener. */
    record Launched() implements Launch {}

    /**
     * Nothing was executed and nothing will be.
     *
     * @param reason a sentence a person understands
     */
    record Failed(String reason) implements Launch {}
  }

  /** What came of input. */
  sealed interface InputResult {
    record Accepted() implements InputResult {}

    /** The pipe is full because the command does not read. Nothing was written. */
    record Full(int capacityBytes) implements InputResult {}

    /** The input was ended, the run has none, or nobody reads it any more. */
    record Closed(String reason) implements InputResult {}
  }

  /** Hears what becomes of runs. */
  interface Listener {
    /** The command's process is known. Not called for one that ended before it was seen. */
    void started(RunRef run, ProcessIdentity process);

    /**
     * The run is over.
     *
     * @param evidence with a valid exit record, or proof that there will be none
     * @param outputBytes size of each stream as it is now
     */
    void ended(RunRef run, ProcessEvidence evidence, Map<OutputStreamName, Long> outputBytes);

    /** A stream has grown beyond the quota. Repeated until the run ends. */
    void quotaExceeded(RunRef run, long quotaBytes);

    /** A descendant wrote after the end was reported. */
    void lateOutput(RunRef run, Map<OutputStreamName, Long> outputBytes);
  }

  /** Why processes cannot be controlled fully on this machine, or null. */
  default @Nullable String impairment() {
    return null;
  }
}

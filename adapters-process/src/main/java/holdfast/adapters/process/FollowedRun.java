package holdfast.adapters.process;

import holdfast.domain.port.ProcessControl.Listener;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One run that is followed: what has been told of it, and what is to be told next. Looked at by one
 * thread at a time; {@link Follower} sees to that.
 */
final class FollowedRun {
  /** How soon a process is looked at again that is about to execute its command; doubled. */
  private static final long LOOK_AHEAD_NANOS = TimeUnit.MICROSECONDS.toNanos(500);

  private static final long LOOK_AHEAD_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(50);
  private static final int LOOKS_AHEAD_MAX = 100;

  final RunRef run;
  final Attempt attempt;
  final AtomicInteger looksWanted = new AtomicInteger();
  volatile int watched = -1;
  volatile boolean hurried;
  volatile boolean ended;

  private final String path;
  private final Evidence evidence;
  private final long outputQuota;
  private boolean started;
  private int looksAhead;
  private long endedAtNanos;
  private long seenBytes;
  private Map<OutputStreamName, Long> seenSizes = Map.of();

  /** When a run is to be looked at again. */
  sealed interface Next {
    /** When something happens, or at the next sweep. */
    record Whenever() implements Next {}

    record Soon(long nanos) implements Next {}

    /** All has been told. */
    record Never() implements Next {}
  }

  FollowedRun(RunRef run, String path, Attempt attempt, Evidence evidence, long outputQuota) {
    this.run = run;
    this.path = path;
    this.attempt = attempt;
    this.evidence = evidence;
    this.outputQuota = outputQuota;
  }

  /**
   * Looks once and tells what is new.
   *
   * @param walk a walk through all processes made before this call, or null
   */
  Next look(Listener heard, Cookies.@Nullable Walk walk) {
    try (Directory directory = Directory.openIfPresent(path)) {
      if (ended) {
        return lookForLateOutput(directory, heard, walk);
      }
      if (directory == null) {
        return settleWithoutMonitor(null, heard);
      }
      if (evidence.readExit(directory) instanceof ExitRecord.Valid) {
        return end(directory, heard);
      }
      Next next = tellStarted(directory, heard);
      tellQuota(directory, heard);
      return isMonitored(directory) ? next : settleWithoutMonitor(directory, heard);
    }
  }

  private static boolean isMonitored(Directory directory) {
    int file = directory.openFile(RunDirectory.LOCK, Kernel.O_RDONLY | Kernel.O_NONBLOCK);
    if (Errno.ENOENT.is(file)) {
      return false;
    }
    Kernel.check(file, "open the lock of " + directory.path());
    try {
      return Directory.isLocked(file, directory.path());
    } finally {
      Kernel.close(file);
    }
  }

  /**
   * The process is recorded before it executes the command. It is told of only afterwards: what
   * never reaches its command never ran.
   */
  private Next tellStarted(Directory directory, Listener heard) {
    ProcessRecord.Complete record = started ? null : RunDirectory.readProcess(directory);
    if (record == null) {
      return new Next.Whenever();
    }
    ProcTable.Entry process = ProcTable.find(record.identity().pid());
    if (process != null
        && process.is(record.identity())
        && record.identity().bootId().equals(attempt.host().bootId())
        && new Ties(path, attempt).executesCommand(process)) {
      started = true;
      heard.started(run, record.identity());
      return new Next.Whenever();
    }
    if (process == null || looksAhead == LOOKS_AHEAD_MAX) {
      return new Next.Whenever();
    }
    looksAhead++;
    long nanos = LOOK_AHEAD_NANOS << Math.min(looksAhead / 4, 10);
    return new Next.Soon(Math.min(nanos, LOOK_AHEAD_NANOS_MAX));
  }

  private void tellQuota(Directory directory, Listener heard) {
    long total =
        RunDirectory.outputBytes(directory).values().stream().mapToLong(Long::longValue).sum();
    if (total > outputQuota) {
      heard.quotaExceeded(run, outputQuota);
    }
    hurried = total <= outputQuota && outputQuota - total < 4 * (total - seenBytes);
    seenBytes = total;
  }

  /** No monitor lives: the end is told once nothing of the run lives either. */
  private Next settleWithoutMonitor(@Nullable Directory directory, Listener heard) {
    ProcessEvidence found = evidence.gather(path, run, attempt, false);
    return RecoveryPolicy.judge(found) instanceof RecoveryVerdict.Adopted
        ? new Next.Whenever()
        : end(directory, heard);
  }

  private Next end(@Nullable Directory directory, Listener heard) {
    ProcessEvidence found = evidence.gather(path, run, attempt, true);
    if (RecoveryPolicy.judge(found) instanceof RecoveryVerdict.Adopted) {
      // It was settled a moment ago, and what was read then is not what is read now.
      return new Next.Whenever();
    }
    // Read behind the evidence: all that was written before the end counts.
    Map<OutputStreamName, Long> sizes =
        directory == null ? Map.of() : RunDirectory.outputBytes(directory);
    if (directory != null) {
      InputPipe.askForEnd(directory);
    }
    seenSizes = sizes;
    endedAtNanos = System.nanoTime();
    hurried = false;
    ended = true;
    heard.ended(run, found, sizes);
    return new Next.Whenever();
  }

  /** Descendants may write on; they are known by their cookie, or by a monitor that waits. */
  private Next lookForLateOutput(
      @Nullable Directory directory, Listener heard, Cookies.@Nullable Walk walk) {
    if (directory == null) {
      return new Next.Never();
    }
    // Asked before the sizes are read: what had ended by then had written all.
    boolean over =
        walk != null
            && walk.begunNanos() - endedAtNanos > 0
            && walk.bearersOf(attempt.cookie()).isEmpty()
            && !isMonitored(directory);
    Map<OutputStreamName, Long> sizes = RunDirectory.outputBytes(directory);
    if (!sizes.equals(seenSizes)) {
      seenSizes = sizes;
      heard.lateOutput(run, sizes);
    }
    return over ? new Next.Never() : new Next.Whenever();
  }
}

package holdfast.adapters.process;

import holdfast.domain.port.ProcessControl.Listener;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Watches run directories and tells the listener what becomes of the runs. A change of a file in
 * one is a hint to look; a look at all of them once a second is the truth.
 *
 * <p>One platform thread waits; each look is made by a virtual thread, since the listener may wait
 * for the disk.
 */
final class Follower implements AutoCloseable {
  private static final long SWEEP_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long SWEEP_NANOS_HURRIED = TimeUnit.MILLISECONDS.toNanos(100);

  /** How often and how soon a process is looked at that is about to execute its command. */
  private static final int LOOKS_AHEAD_MAX = 100;

  private static final long LOOK_AHEAD_NANOS = TimeUnit.MICROSECONDS.toNanos(500);

  private final Evidence evidence;
  private final long outputQuota;
  private final Children children = new Children();
  private final DirectoryWatch watch = DirectoryWatch.open();
  private final Map<RunRef, Followed> runs = new ConcurrentHashMap<>();
  private final Map<Integer, Followed> byWatch = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable Listener> listener = new AtomicReference<>();
  private volatile Set<String> livingCookies = Set.of();
  private volatile long cookiesReadAtNanos = System.nanoTime();
  private volatile boolean hurried;
  private volatile @Nullable String lookFailed;
  private volatile boolean closed;

  Follower(Evidence evidence, long outputQuota) {
    this.evidence = evidence;
    this.outputQuota = outputQuota;
    Thread.ofPlatform().daemon().name("holdfast-processes").start(this::run);
  }

  void listener(Listener heard) {
    listener.set(heard);
  }

  /** Why a run could not be looked at since the last sweep began, or null. */
  @Nullable String impairment() {
    return lookFailed;
  }

  /** Notes a monitor that is a child of this process. */
  void expectChild(int pid) {
    children.add(pid);
  }

  void follow(RunRef run, String path, Attempt attempt) {
    var followed = new Followed(run, path, attempt);
    if (runs.putIfAbsent(run, followed) == null) {
      followed.watched = watch.add(path);
      if (followed.watched >= 0) {
        byWatch.put(followed.watched, followed);
      }
      look(followed);
    }
  }

  private void run() {
    long sweepAt = System.nanoTime();
    while (!closed) {
      Set<Integer> changed = new HashSet<>();
      watch.await(Math.max(0, sweepAt - System.nanoTime()), changed);
      for (int changedWatch : changed) {
        Followed followed = byWatch.get(changedWatch);
        if (followed != null) {
          look(followed);
        }
      }
      if (System.nanoTime() - sweepAt >= 0) {
        hurried = false;
        lookFailed = null;
        children.reap();
        if (runs.values().stream().anyMatch(followed -> followed.ended)) {
          cookiesReadAtNanos = System.nanoTime();
          livingCookies = ProcTable.cookies();
        }
        runs.values().forEach(this::look);
        sweepAt = System.nanoTime() + (hurried ? SWEEP_NANOS_HURRIED : SWEEP_NANOS);
      } else if (hurried) {
        sweepAt = Math.min(sweepAt, System.nanoTime() + SWEEP_NANOS_HURRIED);
      }
    }
    watch.close();
  }

  /** Looks at a run soon; once more if a look at it is under way. */
  private void look(Followed followed) {
    if (followed.looksWanted.getAndIncrement() == 0) {
      Thread.ofVirtual().name("follow-" + followed.run).start(() -> lookUntilSettled(followed));
    }
  }

  private void lookUntilSettled(Followed followed) {
    int seen;
    do {
      seen = followed.looksWanted.get();
      Listener heard = listener.get();
      if (heard != null && !closed && runs.get(followed.run) == followed) {
        lookOnce(followed, heard);
      }
    } while (!followed.looksWanted.compareAndSet(seen, 0));
  }

  private void lookOnce(Followed followed, Listener heard) {
    try (Directory directory = Directory.openIfPresent(followed.path)) {
      if (directory == null) {
        settleWithout(followed, heard, Map.of());
        return;
      }
      Map<OutputStreamName, Long> sizes = RunDirectory.outputBytes(directory);
      if (followed.ended) {
        lookForLateOutput(followed, heard, sizes);
        return;
      }
      if (evidence.readExit(directory) instanceof ExitRecord.Valid) {
        // Sizes are read again: what was written before the end counts.
        end(followed, heard, RunDirectory.outputBytes(directory));
        return;
      }
      tellStarted(followed, heard, directory);
      tellQuota(followed, heard, sizes);
      if (!monitored(directory)) {
        settleWithout(followed, heard, sizes);
      }
    } catch (StorageException unreadable) {
      // A run is never settled by a failure to look: the next sweep tries again.
      lookFailed = "run " + followed.run + ": " + unreadable.getMessage();
    }
  }

  private static boolean monitored(Directory directory) {
    int file = directory.openFile(RunDirectory.LOCK, Kernel.O_RDONLY | Kernel.O_NONBLOCK);
    if (file < 0) {
      return false;
    }
    try {
      return Directory.isLocked(file, directory.path());
    } finally {
      Kernel.close(file);
    }
  }

  /**
   * The process is recorded before it executes the command, and bears the cookie only afterwards:
   * until then it could not be proven to be the run's, so it is not shown yet.
   */
  private void tellStarted(Followed followed, Listener heard, Directory directory) {
    if (followed.started) {
      return;
    }
    byte[] record = directory.read(RunDirectory.PROCESS, RunDirectory.RECORD_BYTES_MAX);
    if (record == null
        || !(ProcessRecord.parse(record) instanceof ProcessRecord.Complete(var identity, long _))) {
      return;
    }
    if (followed.attempt.cookie().equals(ProcTable.cookie(identity.pid()))) {
      followed.started = true;
      heard.started(followed.run, identity);
    } else if (followed.looksAhead < LOOKS_AHEAD_MAX) {
      followed.looksAhead++;
      Thread.ofVirtual()
          .start(
              () -> {
                LockSupport.parkNanos(LOOK_AHEAD_NANOS);
                look(followed);
              });
    }
  }

  private void tellQuota(Followed followed, Listener heard, Map<OutputStreamName, Long> sizes) {
    long total = sizes.values().stream().mapToLong(Long::longValue).sum();
    if (total > outputQuota) {
      heard.quotaExceeded(followed.run, outputQuota);
    } else if (outputQuota - total < 4 * (total - followed.seenBytes)) {
      hurried = true;
    }
    followed.seenBytes = total;
  }

  /** No monitor lives: the end is reported once nothing of the run lives either. */
  private void settleWithout(Followed followed, Listener heard, Map<OutputStreamName, Long> sizes) {
    ProcessEvidence found = evidence.gather(followed.path, followed.run, followed.attempt, false);
    if (!(RecoveryPolicy.judge(found) instanceof RecoveryVerdict.Adopted)) {
      end(followed, heard, sizes);
    }
  }

  private void end(Followed followed, Listener heard, Map<OutputStreamName, Long> sizes) {
    ProcessEvidence found = evidence.gather(followed.path, followed.run, followed.attempt, true);
    followed.seenSizes = sizes;
    followed.endedAtNanos = System.nanoTime();
    followed.ended = true;
    children.reap();
    heard.ended(followed.run, found, sizes);
  }

  /** Descendants may write on; they are known by their cookie. */
  private void lookForLateOutput(
      Followed followed, Listener heard, Map<OutputStreamName, Long> sizes) {
    boolean known = cookiesReadAtNanos - followed.endedAtNanos > 0;
    boolean bearersLeft = !known || livingCookies.contains(followed.attempt.cookie());
    if (!sizes.equals(followed.seenSizes)) {
      followed.seenSizes = sizes;
      heard.lateOutput(followed.run, sizes);
    } else if (!bearersLeft) {
      forget(followed);
    }
  }

  private void forget(Followed followed) {
    runs.remove(followed.run);
    if (followed.watched >= 0) {
      byWatch.remove(followed.watched);
      watch.remove(followed.watched);
    }
  }

  @Override
  public void close() {
    closed = true;
    watch.wake();
  }

  /** One run that is followed. Looked at by one thread at a time. */
  private static final class Followed {
    private final RunRef run;
    private final String path;
    private final Attempt attempt;
    private final AtomicInteger looksWanted = new AtomicInteger();
    private volatile int watched = -1;
    private boolean started;
    private int looksAhead;
    private volatile boolean ended;
    private long endedAtNanos;
    private long seenBytes;
    private Map<OutputStreamName, Long> seenSizes = Map.of();

    Followed(RunRef run, String path, Attempt attempt) {
      this.run = run;
      this.path = path;
      this.attempt = attempt;
    }
  }
}

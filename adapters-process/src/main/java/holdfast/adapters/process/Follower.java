package holdfast.adapters.process;

import holdfast.domain.port.ProcessControl.Listener;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.RunRef;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Watches run directories and tells the listener what becomes of the runs. A change of a record in
 * one is a hint to look; a look at all of them, about once a second, is the truth.
 *
 * <p>One platform thread waits; each look is made by a virtual thread, since the listener may wait
 * for the disk.
 */
final class Follower implements AutoCloseable {
  private static final long SWEEP_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long HURRIED_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** More runs than this are swept less often, so that looking never takes a core. */
  private static final int RUNS_EACH_SECOND = 5_000;

  private final Evidence evidence;
  private final ControlGroups groups;
  private final long outputQuota;
  private final Children children = new Children();
  private final DirectoryWatch watch = DirectoryWatch.open();
  private final Map<RunRef, FollowedRun> runs = new ConcurrentHashMap<>();
  private final Map<Integer, FollowedRun> byWatch = new ConcurrentHashMap<>();
  private final Map<RunRef, String> failures = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable Listener> listener = new AtomicReference<>();
  private volatile Cookies.@Nullable Walk lastWalk;
  private volatile @Nullable String sweepFailed;
  private volatile boolean closed;

  Follower(Evidence evidence, ControlGroups groups, long outputQuota) {
    this.evidence = evidence;
    this.groups = groups;
    this.outputQuota = outputQuota;
    Thread.ofPlatform().daemon().name("holdfast-processes").start(this::run);
  }

  void listener(Listener heard) {
    listener.set(heard);
  }

  /** Why a run could not be looked at when that was last tried, or null. */
  @Nullable String impairment() {
    return failures.entrySet().stream()
        .findFirst()
        .map(failed -> "run " + failed.getKey() + ": " + failed.getValue())
        .orElseGet(() -> sweepFailed == null ? watch.obstacle() : sweepFailed);
  }

  /** Notes a monitor that is a child of this process. */
  void expectChild(int pid) {
    children.add(pid);
  }

  void follow(RunRef run, String path, Attempt attempt) {
    var followed = new FollowedRun(run, path, attempt, evidence, outputQuota);
    if (runs.putIfAbsent(run, followed) == null) {
      followed.watched = watch.add(path);
      if (followed.watched >= 0) {
        byWatch.put(followed.watched, followed);
      }
      // Behind the watch: what happened before it is seen now.
      look(followed);
    }
  }

  private void run() {
    long sweepAt = System.nanoTime();
    long hurryAt = sweepAt;
    while (!closed) {
      Set<Integer> changed = new HashSet<>();
      watch.await(Math.max(0, Math.min(sweepAt, hurryAt) - System.nanoTime()), changed);
      for (int changedWatch : changed) {
        FollowedRun followed = byWatch.get(changedWatch);
        if (followed != null) {
          look(followed);
        }
      }
      long now = System.nanoTime();
      if (now - sweepAt >= 0) {
        sweep();
        sweepAt = now + SWEEP_NANOS * (1 + runs.size() / RUNS_EACH_SECOND);
        hurryAt = now + HURRIED_NANOS;
      } else if (now - hurryAt >= 0) {
        runs.values().stream().filter(followed -> followed.hurried).forEach(this::look);
        hurryAt = now + HURRIED_NANOS;
      }
    }
    watch.close();
  }

  private void sweep() {
    try {
      children.reap();
      if (runs.values().stream().anyMatch(followed -> followed.ended)) {
        lastWalk = evidence.cookies().within(0);
      }
      sweepFailed = null;
    } catch (StorageException failure) {
      // Runs are looked at all the same; the next sweep walks again.
      sweepFailed = failure.getMessage();
    }
    runs.values().forEach(this::look);
  }

  /** Looks at a run soon; once more if a look at it is under way. */
  private void look(FollowedRun followed) {
    if (followed.looksWanted.getAndIncrement() == 0) {
      Thread.ofVirtual().name("follow-" + followed.run).start(() -> lookUntilSettled(followed));
    }
  }

  private void lookUntilSettled(FollowedRun followed) {
    int seen;
    do {
      seen = followed.looksWanted.get();
      Listener heard = listener.get();
      if (heard != null && !closed && runs.get(followed.run) == followed) {
        lookOnce(followed, heard);
      }
    } while (!followed.looksWanted.compareAndSet(seen, 0));
  }

  private void lookOnce(FollowedRun followed, Listener heard) {
    try {
      switch (followed.look(heard, lastWalk)) {
        case FollowedRun.Next.Whenever _ -> {}
        case FollowedRun.Next.Soon(long nanos) -> lookIn(followed, nanos);
        case FollowedRun.Next.Never _ -> forget(followed);
      }
      failures.remove(followed.run);
    } catch (StorageException unreadable) {
      // A run is never settled by a failure to look: the next sweep tries again.
      failures.put(followed.run, String.valueOf(unreadable.getMessage()));
    } catch (RuntimeException broken) {
      // Whatever is wrong with one look or one listener, the run is looked at again.
      failures.put(followed.run, broken.toString());
    }
  }

  private void lookIn(FollowedRun followed, long nanos) {
    Thread.ofVirtual()
        .name("follow-soon-" + followed.run)
        .start(
            () -> {
              LockSupport.parkNanos(nanos);
              look(followed);
            });
  }

  private void forget(FollowedRun followed) {
    runs.remove(followed.run);
    if (followed.watched >= 0) {
      byWatch.remove(followed.watched);
      watch.remove(followed.watched);
    }
    groups.remove(followed.attempt.cookie());
  }

  @Override
  public void close() {
    closed = true;
    watch.wake();
  }
}

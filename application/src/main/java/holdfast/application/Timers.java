package holdfast.application;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Runs things when their time has come, each on a virtual thread of its own. */
final class Timers implements AutoCloseable {
  private final InstantSource clock;
  private final ScheduledThreadPoolExecutor executor;

  Timers(InstantSource clock) {
    this.clock = clock;
    // Discards what comes after close: storage may still deliver changes to those who set timers.
    executor =
        new ScheduledThreadPoolExecutor(
            1,
            Thread.ofPlatform().daemon().name("holdfast-timers").factory(),
            new ThreadPoolExecutor.DiscardPolicy());
    executor.setRemoveOnCancelPolicy(true);
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  /** Runs {@code action} at {@code time}, or at once if that has passed. Dropped by close. */
  Future<?> at(Instant time, Runnable action) {
    Duration delay = Duration.between(clock.instant(), time);
    return executor.schedule(
        () -> Thread.ofVirtual().start(action),
        Math.max(0, delay.toMillis() + 1),
        TimeUnit.MILLISECONDS);
  }

  /** Runs {@code action} again and again, {@code pause} apart. */
  void every(Duration pause, Runnable action) {
    var _ =
        executor.scheduleWithFixedDelay(
            () -> Thread.ofVirtual().start(action),
            pause.toMillis(),
            pause.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    executor.shutdown();
  }
}

package holdfast.application;

import java.time.Duration;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * A platform thread of its own for work that goes on beside the main job and reads and writes
 * files: on a virtual thread that would hold up others.
 */
final class Background implements AutoCloseable {
  private static final Duration END_MAX = Duration.ofSeconds(30);

  private final ScheduledThreadPoolExecutor executor;

  Background(String name) {
    executor =
        new ScheduledThreadPoolExecutor(
            1,
            Thread.ofPlatform().daemon().name(name).factory(),
            new ThreadPoolExecutor.DiscardPolicy());
    executor.setRemoveOnCancelPolicy(true);
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    executor.setContinueExistingPeriodicTasksAfterShutdownPolicy(false);
  }

  /** Runs {@code action} again and again, the first time after {@code pause}. */
  void every(Duration pause, Runnable action) {
    every(pause, pause, action);
  }

  void every(Duration first, Duration pause, Runnable action) {
    var _ =
        executor.scheduleWithFixedDelay(
            action, first.toMillis(), pause.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Runs {@code action} once, behind what is under way. */
  void soon(Runnable action) {
    executor.execute(action);
  }

  /** Whether nothing runs any more and nothing will. */
  boolean hasEnded() {
    return executor.isTerminated();
  }

  boolean isClosed() {
    return executor.isShutdown();
  }

  /** Lets what runs come to its end, and begins nothing more. */
  @Override
  public void close() {
    executor.shutdown();
    try {
      executor.awaitTermination(END_MAX.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

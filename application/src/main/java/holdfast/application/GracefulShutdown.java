package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Takes the server down in order, each step in its turn, all of them within one limit. Tasks go on.
 */
public final class GracefulShutdown {
  private final Duration limit;
  private final InstantSource clock;
  private final Ports ports;
  private final AtomicBoolean draining = new AtomicBoolean();

  /** One step; the name says what it does, for the log. */
  public record Step(String name, Runnable action) {}

  /**
   * @param limit of all steps together
   */
  public GracefulShutdown(Duration limit, InstantSource clock, Ports ports) {
    this.limit = limit;
    this.clock = clock;
    this.ports = ports;
  }

  /** Whether the shutdown has begun: no new work is taken. */
  public boolean draining() {
    return draining.get();
  }

  /**
   * Runs the steps. A step that fails is logged and does not keep the next one from running; a step
   * that overruns its share of the limit is left behind, so that the process can end. The shares
   * leave half of the limit to whichever step needs it, and something to each that comes after.
   *
   * @return the names of the steps that did not finish; empty after a clean shutdown
   */
  public List<String> run(List<Step> steps) throws InterruptedException {
    draining.set(true);
    long deadline = System.nanoTime() + limit.toNanos();
    long reserve = limit.toNanos() / (2L * Math.max(1, steps.size()));
    var unfinished = new ArrayList<String>();
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      if (!finished(step, deadline - reserve * (steps.size() - 1 - i))) {
        unfinished.add(step.name());
      }
    }
    return unfinished;
  }

  private boolean finished(Step step, long deadline) throws InterruptedException {
    long begun = System.nanoTime();
    var result = new FutureTask<Boolean>(step.action(), true);
    Thread.ofPlatform().daemon().name("shutdown-" + step.name()).start(result);
    try {
      boolean done = result.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
      note(step, "shutdown-step", null, begun);
      return done;
    } catch (ExecutionException failure) {
      note(step, "shutdown-step-failed", failure.getCause(), begun);
      return false;
    } catch (TimeoutException overrun) {
      note(step, "shutdown-step-overran", overrun, begun);
      return false;
    }
  }

  private void note(Step step, String type, @Nullable Throwable failure, long begun) {
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
    ports.log(
        clock.instant(),
        failure == null ? Category.SYSTEM : Category.ERROR,
        type,
        failure == null
            ? Map.of("step", step.name(), "millis", millis)
            : Map.of("step", step.name(), "millis", millis, "error", failure.toString()));
  }
}

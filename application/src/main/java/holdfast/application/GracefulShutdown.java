package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Takes the server down in order, each step in its turn, all of them within one limit. It begins
 * once, whoever asks first; what it does is told in the event log and on the operator's screen.
 *
 * <p>Any thread may ask; one thread runs the steps.
 */
public final class GracefulShutdown {
  /** Kept for each step that is still to come, however long the limit is. */
  private static final Duration RESERVE_MAX = Duration.ofSeconds(5);

  /** Kept of the limit, a twentieth at most, for what comes behind the last step. */
  private static final Duration AFTERWARDS_MAX = Duration.ofSeconds(1);

  private static final Duration TELL_MAX = Duration.ofMillis(200);

  private final Duration limit;
  private final ShutdownTasks usual;
  private final InstantSource clock;
  private final Ports ports;
  private final Consumer<String> screen;
  private final AtomicReference<@Nullable Begun> begun = new AtomicReference<>();
  private volatile boolean hastened;
  private volatile Consumer<Begun> onBegin = _ -> {};
  private volatile String current = "nothing yet";

  /**
   * A shutdown that has begun.
   *
   * @param cause who asked for it: a signal or a request
   * @param tasks what it does to tasks that run
   */
  public record Begun(String cause, ShutdownTasks tasks, Instant at) {}

  /**
   * One step.
   *
   * @param name says what it does, for the log
   * @param action does it; is given the time after which nobody waits for it any more, and gives
   *     what it had to leave undone, for people, or nothing if it is done
   */
  public record Step(String name, Function<Duration, List<String>> action) {

    /** One that either is done or fails. */
    public static Step of(String name, Runnable action) {
      return new Step(
          name,
          _ -> {
            action.run();
            return List.of();
          });
    }
  }

  /**
   * @param limit of all steps together
   * @param usual what becomes of tasks if whoever asks does not say
   * @param screen is told every line that an operator should see
   */
  public GracefulShutdown(
      Duration limit,
      ShutdownTasks usual,
      InstantSource clock,
      Ports ports,
      Consumer<String> screen) {
    this.limit = limit;
    this.usual = usual;
    this.clock = clock;
    this.ports = ports;
    this.screen = screen;
  }

  /** Says what is to be done once, on the thread of whoever asks first; it must not block. */
  public void onBegin(Consumer<Begun> action) {
    onBegin = action;
  }

  /**
   * Begins, unless it has begun.
   *
   * @param tasks null for what is configured
   * @return whether it was this call that began it
   */
  public boolean begin(String cause, @Nullable ShutdownTasks tasks) {
    var beginning = new Begun(cause, tasks == null ? usual : tasks, clock.instant());
    if (!begun.compareAndSet(null, beginning)) {
      return false;
    }
    onBegin.accept(beginning);
    return true;
  }

  /** Ends the wait for tasks, if there is one: whoever asks again is in a hurry. */
  public void hasten() {
    hastened = true;
  }

  /** Whether somebody asked again. */
  public boolean isHastened() {
    return hastened;
  }

  /** Whether the shutdown has begun: no new work is taken. */
  public boolean draining() {
    return begun.get() != null;
  }

  /** The shutdown that has begun, or null. */
  public @Nullable Begun begun() {
    return begun.get();
  }

  public Duration limit() {
    return limit;
  }

  /** What is done to tasks if whoever asks does not say. */
  public ShutdownTasks usual() {
    return usual;
  }

  /** The step that is under way, for whoever gives it up. */
  public String current() {
    return current;
  }

  /**
   * Runs the steps. A step that fails is logged and does not keep the next one from running; a step
   * that overruns its share of the limit is left behind, so that the process can end. The shares
   * leave about half of the limit at least to whichever step needs it, and something to each that
   * comes after.
   *
   * @return what did not finish, a line for each; empty after a clean shutdown
   */
  public List<String> run(List<Step> steps) throws InterruptedException {
    begin("the server itself", null);
    long start = System.nanoTime();
    announce(Objects.requireNonNull(begun.get(), "has begun"));
    long deadline = start + limit.minus(least(AFTERWARDS_MAX, limit.dividedBy(20))).toNanos();
    long reserve = least(RESERVE_MAX, limit.dividedBy(2L * Math.max(1, steps.size()))).toNanos();
    var unfinished = new ArrayList<String>();
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      current = step.name();
      unfinished.addAll(undone(step, deadline - reserve * (steps.size() - 1 - i)));
    }
    log(
        Category.SYSTEM,
        "shutdown-ended",
        Map.of("millis", millisSince(start), "unfinished", String.join("; ", unfinished)));
    for (String left : unfinished) {
      say("not finished: " + left);
    }
    say("ended after " + millisSince(start) + " ms");
    return unfinished;
  }

  private void announce(Begun how) {
    String tasks = how.tasks().name().toLowerCase(Locale.ROOT);
    log(
        Category.SYSTEM,
        "shutdown-begun",
        Map.of("cause", how.cause(), "tasks", tasks, "limit", limit));
    say("begun by " + how.cause() + ", tasks: " + tasks + ", limit: " + limit);
  }

  private List<String> undone(Step step, long deadline) throws InterruptedException {
    long start = System.nanoTime();
    long share = Math.max(0, deadline - start);
    // What keeps to its limit has a moment to say what it left.
    var ownLimit = Duration.ofNanos(share - Math.min(share / 10, TELL_MAX.toNanos()));
    var result = new FutureTask<List<String>>(() -> step.action().apply(ownLimit));
    Thread.ofPlatform().daemon().name("shutdown-" + step.name()).start(result);
    try {
      List<String> left = result.get(share, TimeUnit.NANOSECONDS);
      note(step, start, "shutdown-step", null);
      return left.stream().map(what -> step.name() + ": " + what).toList();
    } catch (ExecutionException failure) {
      Throwable cause = failure.getCause();
      note(step, start, "shutdown-step-failed", String.valueOf(cause));
      return List.of(step.name() + " failed: " + (cause == null ? failure : cause).getMessage());
    } catch (TimeoutException overrun) {
      note(step, start, "shutdown-step-overran", "it took longer than its share of " + limit);
      return List.of(step.name() + " took longer than its share of the shutdown timeout");
    }
  }

  private void note(Step step, long start, String type, @Nullable String failure) {
    long millis = millisSince(start);
    log(
        failure == null ? Category.SYSTEM : Category.ERROR,
        type,
        failure == null
            ? Map.of("step", step.name(), "millis", millis)
            : Map.of("step", step.name(), "millis", millis, "error", failure));
    say(step.name() + ", " + millis + " ms" + (failure == null ? "" : ", " + failure));
  }

  private void log(Category category, String type, Map<String, Object> data) {
    ports.log(clock.instant(), category, type, data);
  }

  private void say(String line) {
    screen.accept(clock.instant().truncatedTo(ChronoUnit.MILLIS) + " shutdown: " + line);
  }

  private static long millisSince(long start) {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
  }

  private static Duration least(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }
}

package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.ProcessControl;
import holdfast.domain.port.ProcessControl.Launch;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState;
import holdfast.domain.task.TaskState.Stopping;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Starts what is due, records what becomes of it, and carries out stops and timeouts.
 *
 * <p>Reacts to committed changes, each on a virtual thread of its own; what it finds out is
 * committed as a fact, so that a crash at any point leaves work for recovery and no contradiction.
 */
final class Supervisor implements ProcessControl.Listener, AutoCloseable {
  private static final Duration SETTLE_AGAIN = Duration.ofSeconds(1);

  private final Core core;
  private final Map<RunRef, Thread> stops = new ConcurrentHashMap<>();
  private final Map<RunRef, Future<?>> timeouts = new ConcurrentHashMap<>();
  private volatile boolean closed;

  Supervisor(Core core) {
    this.core = core;
  }

  /** Launches the run of a task whose STARTING is durable. Blocks for milliseconds. */
  void launch(Task task) throws InterruptedException {
    RunRef run = task.lastRun().orElseThrow();
    Attempt attempt = task.attempts().getLast();
    Task now = core.current(run.task());
    if (now != null && now.state() instanceof Stopping) {
      end(run, new Outcome.StartFailed("the task was stopped before its command was reached"));
      return;
    }
    String failure;
    try {
      switch (processes().launch(run, attempt.cookie(), task.spec())) {
        case Launch.Launched _ -> {
          processes().follow(run, attempt);
          return;
        }
        case Launch.Failed(String reason) -> failure = reason;
      }
    } catch (StorageException broken) {
      failure = String.valueOf(broken.getMessage());
    }
    end(run, new Outcome.StartFailed(failure));
  }

  private void end(RunRef run, Outcome outcome) throws InterruptedException {
    core.store()
        .record(run.task(), new TaskCommand.EndAttempt(run, outcome, false, null, Map.of(), null));
  }

  /** Reacts to a committed change, or to a task found at the start. Neither blocks nor throws. */
  void observe(@Nullable Task before, Task after) {
    if (after.attempts().isEmpty()) {
      return;
    }
    RunRef run = after.lastRun().orElseThrow();
    switch (after.state()) {
      case TaskState.Running(Instant since) -> {
        Duration timeout = after.spec().timeout();
        if (timeout != null && !closed) {
          timeouts.computeIfAbsent(run, _ -> expireAt(since.plus(timeout), run));
        }
      }
      case Stopping order -> {
        dropTimeout(run);
        if (!closed) {
          beginStop(run, order);
        }
      }
      case TaskState.Starting _, TaskState.Paused _ -> {}
      case TaskState.Held _, TaskState.Queued _, TaskState.BackingOff _, TaskState.Ended _ ->
          dropTimeout(run);
    }
  }

  private Future<?> expireAt(Instant time, RunRef run) {
    return core.timers()
        .at(
            time,
            () -> {
              timeouts.remove(run);
              record(new TaskCommand.Expire(run), run.task());
            });
  }

  private void dropTimeout(RunRef run) {
    Future<?> timeout = timeouts.remove(run);
    if (timeout != null) {
      timeout.cancel(false);
    }
  }

  /** Begins to carry out a stop, or lets the thread that does so see that it has become urgent. */
  private void beginStop(RunRef run, Stopping order) {
    Thread stop = Thread.ofVirtual().name("stop-" + run).unstarted(() -> stop(run, order));
    Thread present = stops.putIfAbsent(run, stop);
    if (present == null) {
      stop.start();
    } else {
      LockSupport.unpark(present);
    }
  }

  @Override
  public void started(RunRef run, ProcessIdentity process) {
    record(new TaskCommand.ConfirmProcess(run, process), run.task());
  }

  @Override
  public void ended(RunRef run, ProcessEvidence evidence, Map<OutputStreamName, Long> outputBytes) {
    Task task = inForce(run);
    if (task == null) {
      return;
    }
    try {
      Settlement.Settled settled = core.settlement().settle(task, run, evidence, outputBytes);
      Task restarted = settled.restarted() ? core.current(run.task()) : null;
      if (restarted != null) {
        launch(restarted);
      }
    } catch (StorageException failure) {
      // Nothing has been recorded: said once more later, it is as true as now.
      core.log(
          Category.ERROR,
          "settlement-postponed",
          Map.of("taskId", run.task().value(), "error", String.valueOf(failure.getMessage())));
      var _ =
          core.timers()
              .at(
                  core.clock().instant().plus(SETTLE_AGAIN),
                  () -> ended(run, evidence, outputBytes));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void quotaExceeded(RunRef run, long quotaBytes) {
    record(new TaskCommand.ExceedOutputQuota(run, quotaBytes), run.task());
  }

  @Override
  public void lateOutput(RunRef run, Map<OutputStreamName, Long> outputBytes) {
    record(new TaskCommand.RecordLateOutput(run, outputBytes), run.task());
  }

  private void stop(RunRef run, Stopping order) {
    try {
      var pursuit = new Pursuit(core, run, order);
      while (!closed && !pursuit.over()) {
        LockSupport.parkNanos(this, pursuit.pause().toNanos());
      }
    } finally {
      stops.remove(run);
    }
  }

  private void record(TaskCommand command, TaskId id) {
    try {
      Answer<Stored<Task>> answer = core.store().record(id, command);
      if (answer instanceof Answer.Unavailable<?>
          || answer instanceof Answer.DurabilityUnknown<?>) {
        core.log(
            Category.ERROR,
            "fact-not-recorded",
            Map.of("taskId", id.value(), "fact", command.verb(), "answer", answer.toString()));
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private ProcessControl processes() {
    return core.ports().processes();
  }

  private @Nullable Task inForce(RunRef run) {
    Task task = core.current(run.task());
    return task != null
            && task.state().name().isActive()
            && task.lastRun().filter(run::equals).isPresent()
        ? task
        : null;
  }

  /** Whether nothing is being stopped and no timeout is set. */
  boolean idle() {
    return stops.isEmpty() && timeouts.isEmpty();
  }

  /** Stops reacting. Processes, and stops already signalled, go on without us. */
  @Override
  public void close() {
    closed = true;
    stops.values().forEach(LockSupport::unpark);
  }
}

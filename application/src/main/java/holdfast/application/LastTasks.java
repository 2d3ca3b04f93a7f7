package holdfast.application;

import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryReport.TaskVerdict;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Waits for the tasks that run when nothing new is begun any more, or stops them. For one thread.
 *
 * <p>A task that waits for a person's decision is left alone: whether it has a process is not
 * known. So is, unless it is to be stopped, one that is paused: it does not end by itself.
 */
final class LastTasks {
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final Core core;
  private final Scheduler scheduler;
  private final Set<TaskId> undecided = new HashSet<>();
  private final Set<TaskId> asked = new HashSet<>();

  /**
   * @param scheduler closed already
   */
  LastTasks(Core core, Scheduler scheduler, Recovery recovery) {
    this.core = core;
    this.scheduler = scheduler;
    recovery.report().map(RecoveryReport::tasks).orElse(List.of()).stream()
        .filter(TaskVerdict::needsDecision)
        .map(TaskVerdict::id)
        .forEach(undecided::add);
  }

  /**
   * Returns when nothing is left to wait for, the limit is over, or there is no more patience.
   *
   * @return the tasks that are active still
   */
  List<Task> end(ShutdownTasks policy, Duration limit, BooleanSupplier impatient) {
    long deadline = System.nanoTime() + limit.toNanos();
    boolean awaited = policy != ShutdownTasks.KEEP;
    while (awaited && !impatient.getAsBoolean() && System.nanoTime() - deadline < 0) {
      Set<TaskId> occupying = scheduler.occupying();
      if (policy == ShutdownTasks.STOP) {
        stop(occupying);
      }
      awaited = occupying.stream().anyMatch(id -> isAwaited(id, policy));
      if (awaited) {
        LockSupport.parkNanos(LOOK_NANOS);
        awaited = !Thread.currentThread().isInterrupted();
      }
    }
    return core.state().select(task -> task.state().name().isActive()).stream()
        .map(stored -> stored.entity())
        .toList();
  }

  private boolean isAwaited(TaskId id, ShutdownTasks policy) {
    Task task = core.current(id);
    boolean paused = task != null && task.state() instanceof TaskState.Paused;
    return !undecided.contains(id) && (policy == ShutdownTasks.STOP || !paused);
  }

  /** Asks each once. All at a time, for they share the journal's syncs. */
  private void stop(Set<TaskId> occupying) {
    for (TaskId id : occupying) {
      Task task = core.current(id);
      boolean active = task != null && task.state().name().isActive();
      if (active && !undecided.contains(id) && asked.add(id)) {
        Thread.ofVirtual().name("stop-at-shutdown-" + id).start(() -> stop(id));
      }
    }
  }

  private void stop(TaskId id) {
    try {
      // Any other answer is that of a task which has just ended, or of a journal that has failed.
      var _ = core.store().record(id, new TaskCommand.StopAtShutdown());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

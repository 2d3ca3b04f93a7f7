package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.RunTicket;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Lets queued tasks run, higher priority first, then the one that has waited longest, never more
 * than so many at once. Also ends the pauses between retries.
 */
final class Scheduler implements AutoCloseable {
  private static final Duration TRY_AGAIN = Duration.ofSeconds(1);

  private final int runningMax;
  private final Core core;
  private final Supervisor supervisor;

  private final NavigableSet<Place> queue = new ConcurrentSkipListSet<>();
  private final Set<TaskId> occupying = ConcurrentHashMap.newKeySet();
  private final Semaphore news = new Semaphore(0);
  private final Thread thread;
  private volatile boolean closed;

  /** A task's place in the queue. */
  private record Place(int priority, Instant since, TaskId id) implements Comparable<Place> {
    private static final Comparator<Place> ORDER =
        Comparator.comparingInt(Place::priority)
            .reversed()
            .thenComparing(Place::since)
            .thenComparing(Place::id);

    static @Nullable Place of(@Nullable Task task) {
      return task != null && task.state() instanceof TaskState.Queued(Instant since)
          ? new Place(task.spec().priority(), since, task.id())
          : null;
    }

    @Override
    public int compareTo(Place other) {
      return ORDER.compare(this, other);
    }
  }

  /**
   * @param runningMax active tasks at once
   */
  Scheduler(int runningMax, Core core, Supervisor supervisor) {
    this.runningMax = runningMax;
    this.core = core;
    this.supervisor = supervisor;
    thread = Thread.ofPlatform().daemon().name("holdfast-scheduler").unstarted(this::run);
  }

  /** Begins to start tasks. Called once, after recovery. */
  void start() {
    thread.start();
  }

  /** Reacts to a committed change, or to a task found at the start. Neither blocks nor throws. */
  void observe(@Nullable Task before, @Nullable Task after) {
    noteOccupied(before, after);
    Place left = Place.of(before);
    Place taken = Place.of(after);
    if (left != null && !left.equals(taken)) {
      queue.remove(left);
    }
    if (taken != null) {
      queue.add(taken);
    }
    if (after != null && after.state() instanceof TaskState.BackingOff(Instant until)) {
      endBackoffAt(until, after.id());
    }
    if (taken != null || (before != null && before.state().name().isActive())) {
      news.release();
    }
  }

  private void noteOccupied(@Nullable Task before, @Nullable Task after) {
    if (after != null && after.state().name().isActive()) {
      occupying.add(after.id());
    } else if (before != null && before.state().name().isActive()) {
      occupying.remove(before.id());
    }
  }

  private void run() {
    while (!closed) {
      news.acquireUninterruptibly();
      news.drainPermits();
      while (!closed && occupying.size() < runningMax) {
        Place next = queue.pollFirst();
        if (next == null) {
          break;
        }
        if (occupying.add(next.id())) {
          Thread.ofVirtual().name("start-" + next.id()).start(() -> begin(next));
        }
      }
    }
  }

  private void begin(Place place) {
    try {
      Task queued = core.current(place.id());
      int attempt = queued == null ? 1 : queued.attempts().size() + 1;
      RunTicket ticket = core.settlement().ticket(place.id(), attempt);
      Answer<Stored<Task>> answer = core.store().record(place.id(), new TaskCommand.Start(ticket));
      switch (answer) {
        case Answer.Done<Stored<Task>>(Stored<Task> stored, _) ->
            supervisor.launch(stored.entity());
        case Answer.Unavailable<Stored<Task>>(var reason, String detail) ->
            freeLater(place.id(), reason + ": " + detail);
        case Answer.NotFound<Stored<Task>> _,
            Answer.Gone<Stored<Task>> _,
            Answer.Refused<Stored<Task>> _,
            Answer.Impossible<Stored<Task>> _,
            Answer.InUse<Stored<Task>> _,
            Answer.Stale<Stored<Task>> _,
            Answer.DurabilityUnknown<Stored<Task>> _ ->
            free(place.id());
      }
    } catch (StorageException unreadable) {
      freeLater(place.id(), String.valueOf(unreadable.getMessage()));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void freeLater(TaskId id, String reason) {
    postponed(id, reason);
    var _ = core.timers().at(core.clock().instant().plus(TRY_AGAIN), () -> free(id));
  }

  /** Takes back the place of a task that did not start, and lets it queue again if it still may. */
  private void free(TaskId id) {
    occupying.remove(id);
    Place place = Place.of(core.current(id));
    if (place != null) {
      queue.add(place);
    }
    news.release();
  }

  private void endBackoffAt(Instant until, TaskId id) {
    var _ = core.timers().at(until, () -> endBackoff(until, id));
  }

  /** Ends the pause it was set for, and no later one. */
  private void endBackoff(Instant until, TaskId id) {
    Task task = core.current(id);
    if (task == null || !task.state().equals(new TaskState.BackingOff(until))) {
      return;
    }
    if (core.clock().instant().isBefore(until)) {
      // The clock was set back, or runs slower than the timer's.
      endBackoffAt(until, id);
      return;
    }
    try {
      if (core.store().record(id, new TaskCommand.EndBackoff())
          instanceof Answer.Unavailable<Stored<Task>>(var reason, String detail)) {
        postponed(id, reason + ": " + detail);
        var _ =
            core.timers().at(core.clock().instant().plus(TRY_AGAIN), () -> endBackoff(until, id));
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void postponed(TaskId id, String reason) {
    core.log(Category.ERROR, "start-postponed", Map.of("taskId", id.value(), "reason", reason));
  }

  /** Tasks that are active, or are just being started. */
  Set<TaskId> occupying() {
    return Set.copyOf(occupying);
  }

  /** Whether no task waits for a place or has one. */
  boolean idle() {
    return queue.isEmpty() && occupying.isEmpty();
  }

  /** Starts nothing more. What was being started is started. */
  @Override
  public void close() {
    closed = true;
    news.release();
  }
}

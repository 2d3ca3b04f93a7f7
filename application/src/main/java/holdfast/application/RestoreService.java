package holdfast.application;

import holdfast.domain.port.CommitResult;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.SnapshotStorage.Loading;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.SnapshotStorage.Snapshot;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.StorageFullException;
import holdfast.domain.port.TaskStorage.Replacement;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.restoration.Restoration;
import holdfast.domain.restoration.Restoration.Plan;
import holdfast.domain.restoration.Restoration.Running;
import holdfast.domain.restoration.RestorationDiff;
import holdfast.domain.restoration.RestorationDiff.Line;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Returns to a snapshot while the server serves.
 *
 * <pre>
 *  1  the snapshot is read, and it is looked whether it may be done
 *  2  nobody makes a snapshot, writes a state file, or decides anything any more; what was decided is
 *     durable and answered
 *  3  the present state, as a snapshot; then the storage puts the other one in its place
 *  4  the live state is exchanged as a whole, those who follow are told to begin anew, and whoever
 *     keeps something of tasks that have become others hears of it
 *  5  decisions go on, upon the restored state
 * </pre>
 *
 * <p>Any thread; one restore, and one dry run, at a time. Processes are not touched: what runs goes
 * on.
 */
public final class RestoreService {
  private final Core core;
  private final EventFeed feed;
  private final Maintenance maintenance;
  private final Scheduler scheduler;
  private final BooleanSupplier draining;
  private final Runnable beforePlanning;
  private final Gates gates;

  /** A whole state is in memory meanwhile: not any number at once. */
  private record Gates(Once restore, Once dryRun) {
    Gates() {
      this(
          new Once("another restore is under way: see what came of it first; nothing was changed"),
          new Once("another dry run is under way"));
    }
  }

  /** Lets in one at a time, and tells the others why not. */
  private record Once(ReentrantLock lock, String busy) {
    Once(String busy) {
      this(new ReentrantLock(), busy);
    }
  }

  /** What came of it. */
  public sealed interface Result {
    /**
     * The snapshot's state is in force.
     *
     * @param before id of the snapshot that was made of the state before: restoring it undoes this
     */
    record Restored(RestorationDiff diff, String before, String epoch, long seq)
        implements Result {}

    /** What would happen; nothing was changed. */
    record Planned(RestorationDiff diff) implements Result {}

    /**
     * Nothing was changed, for the sake of tasks that are active.
     *
     * @param running those that it would forget or change
     */
    record Refused(List<Line> running) implements Result {}

    record NoSuchSnapshot() implements Result {}

    /** It is damaged, of another lineage, or of a newer format. Nothing was changed. */
    record Unusable(String detail) implements Result {}

    /** Nothing was changed, since a shutdown has begun. */
    record ShuttingDown() implements Result {}

    /** Nothing was changed; it may be tried again. */
    record Unavailable(CommitResult.Reason reason, String detail) implements Result {}

    /** Which state is in force will be known after the next start: either of them, whole. */
    record DurabilityUnknown(String detail) implements Result {}
  }

  RestoreService(
      Core core,
      EventFeed feed,
      Maintenance maintenance,
      Scheduler scheduler,
      BooleanSupplier draining) {
    this(core, feed, maintenance, scheduler, draining, () -> {}, new Gates());
  }

  private RestoreService(
      Core core,
      EventFeed feed,
      Maintenance maintenance,
      Scheduler scheduler,
      BooleanSupplier draining,
      Runnable beforePlanning,
      Gates gates) {
    this.core = core;
    this.feed = feed;
    this.maintenance = maintenance;
    this.scheduler = scheduler;
    this.draining = draining;
    this.beforePlanning = beforePlanning;
    this.gates = gates;
  }

  /** The same service, which runs something before it plans, on the thread that plans. */
  RestoreService planningAfter(Runnable first) {
    return new RestoreService(core, feed, maintenance, scheduler, draining, first, gates);
  }

  /** Says what a restore would do, and to which active tasks. Changes nothing. */
  public Result plan(String snapshot) throws InterruptedException {
    return run(gates.dryRun(), snapshot, null);
  }

  /**
   * Restores, or says why not: then nothing was changed. When this returns, the restored state is
   * durable and in force; the state files follow.
   */
  public Result restore(String snapshot, Running running) throws InterruptedException {
    return run(gates.restore(), snapshot, running);
  }

  /**
   * @param running null for a dry run
   */
  private Result run(Once once, String snapshot, @Nullable Running running)
      throws InterruptedException {
    if (!once.lock().tryLock()) {
      return new Result.Unavailable(CommitResult.Reason.BUSY, once.busy());
    }
    try {
      return switch (maintenance.snapshots().load(snapshot)) {
        case Loading.Loaded(StateImage then) ->
            running == null ? planned(snapshot, then) : restored(snapshot, then, running);
        case Loading.Unusable(String detail) -> new Result.Unusable(detail);
        case Loading.NoSuchSnapshot() -> new Result.NoSuchSnapshot();
      };
    } catch (StorageFullException e) {
      return new Result.Unavailable(
          CommitResult.Reason.DISK_FULL, e.getMessage() + "; nothing was changed");
    } catch (StorageException e) {
      return new Result.Unavailable(
          CommitResult.Reason.BUSY, e.getMessage() + "; nothing was changed");
    } finally {
      once.lock().unlock();
    }
  }

  private Result planned(String snapshot, StateImage then) {
    Instant now = core.clock().instant();
    beforePlanning.run();
    return switch (Restoration.plan(feed.image(now), snapshot, then, Running.ADOPT, now)) {
      case Plan.Granted(var _, var diff) -> new Result.Planned(diff);
      case Plan.Refused(var active) -> new Result.Refused(active);
    };
  }

  private Result restored(String snapshot, StateImage then, Running running)
      throws InterruptedException {
    // Looked at before anybody is made to wait.
    List<Line> early = forbidden(running, feed.image(core.clock().instant()), then);
    if (!early.isEmpty()) {
      return new Result.Refused(early);
    }
    try (Hold _ = maintenance.snapshots().hold();
        Hold _ = maintenance.sync().hold();
        Hold commands = core.store().hold()) {
      if (commands == null) {
        return new Result.Unavailable(
            CommitResult.Reason.BUSY, "changes that came before it still wait for the disk");
      }
      Result result = replace(snapshot, then, running);
      if (result instanceof Result.Restored) {
        maintenance.sync().soon();
      }
      return result;
    }
  }

  private Result replace(String snapshot, StateImage then, Running running)
      throws InterruptedException {
    if (draining.getAsBoolean()) {
      return new Result.ShuttingDown();
    }
    Instant now = core.clock().instant();
    StateImage present = feed.image(now);
    List<Line> forbidden = forbidden(running, present, then);
    if (!forbidden.isEmpty()) {
      return new Result.Refused(forbidden);
    }
    core.audit().complete();
    // Both take long, neither needs the other, and nothing is changed yet.
    var preparing = new FutureTask<Prepared>(() -> prepared(snapshot, present, then, now));
    Thread.ofPlatform().daemon().name("holdfast-restore").start(preparing);
    Snapshot before;
    try {
      before = core.ports().snapshots().save(present, Reason.PRE_RESTORE);
    } finally {
      // Also of what fails nothing goes on: whoever tries again would have a state more in memory.
      awaitEnd(preparing);
    }
    return inForce(snapshot, before, present.seq(), done(preparing));
  }

  /** The tasks for whose sake nothing may be done. */
  private static List<Line> forbidden(Running running, StateImage present, StateImage then) {
    return running == Running.REFUSE ? Restoration.atStake(present, then) : List.of();
  }

  /** What is to be put in the place of the present state. */
  private record Prepared(Plan.Granted plan, LiveState state) {}

  private Prepared prepared(String snapshot, StateImage present, StateImage then, Instant now) {
    // What REFUSE would refuse has been looked at.
    beforePlanning.run();
    return switch (Restoration.plan(present, snapshot, then, Running.ADOPT, now)) {
      case Plan.Granted granted -> new Prepared(granted, core.state().replacedBy(granted.image()));
      case Plan.Refused(var active) -> throw new IllegalStateException("refused for " + active);
    };
  }

  private static void awaitEnd(FutureTask<?> task) throws InterruptedException {
    try {
      task.get();
    } catch (ExecutionException _) {
      // Told by whoever asks for what it was to make.
      return;
    }
  }

  private static <T> T done(FutureTask<T> task) throws InterruptedException {
    try {
      return task.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("the restored state could not be made", e.getCause());
    }
  }

  private Result inForce(String snapshot, Snapshot before, long presentSeq, Prepared next)
      throws InterruptedException {
    Plan.Granted plan = next.plan();
    return switch (core.ports().tasks().replace(presentSeq, plan.image())) {
      case Replacement.Replaced(String epoch, List<String> notes) -> {
        followOrEnd(plan.diff(), next.state().begin(epoch));
        log(snapshot, before, epoch, plan.image().seq(), notes);
        yield new Result.Restored(plan.diff(), before.id(), epoch, plan.image().seq());
      }
      case Replacement.Refused(var reason, String detail) -> new Result.Unavailable(reason, detail);
      case Replacement.Unknown(String detail) -> new Result.DurabilityUnknown(detail);
    };
  }

  /** What is durable is the restored state: a server that is left with another must not go on. */
  private void followOrEnd(RestorationDiff diff, LiveState next) {
    try {
      follow(diff, next);
    } catch (RuntimeException | Error e) {
      core.ports().tasks().fail(e);
      throw e;
    }
  }

  /** Exchanges the state, and tells those who keep something of it for themselves. */
  private void follow(RestorationDiff diff, LiveState next) {
    LiveState former = core.state();
    feed.replace(next);
    for (List<Line> lines : List.of(diff.created(), diff.changed(), diff.removed())) {
      for (Line line : lines) {
        if (line.key().kind() == EntityKey.Kind.TASK) {
          var id = new TaskId(line.key().id());
          Task after = task(next, id);
          scheduler.observe(task(former, id), after);
          if (after != null) {
            maintenance.outputs().observe(after);
          }
        }
      }
    }
    maintenance.sync().replaced(diff.removed().stream().map(Line::key).toList());
  }

  private static @Nullable Task task(LiveState state, TaskId id) {
    return state.task(id) instanceof Lookup.Found<Stored<Task>>(Stored<Task> stored)
        ? stored.entity()
        : null;
  }

  private void log(String snapshot, Snapshot before, String epoch, long seq, List<String> notes) {
    core.audit().restored(snapshot, before.id(), epoch, seq);
    notes.forEach(
        note -> core.log(Category.SYSTEM, "restore-note", Map.of("epoch", epoch, "note", note)));
  }
}

package holdfast.application;

import holdfast.application.ComponentChecks.Watched;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLogReader;
import holdfast.domain.port.SyncStrategy;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Room;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.task.Owner;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The server without its adapters: opens storage, recovers, and runs until closed. What it offers
 * is offered to every driving adapter alike.
 */
public final class Holdfast implements AutoCloseable {
  private static final Duration KEYS_EXPIRED_EVERY = Duration.ofMinutes(10);

  private final Core core;
  private final EventFeed feed;
  private final Supervisor supervisor;
  private final Scheduler scheduler;
  private final Recovery recovery;
  private final RecoveryDecisions decisions;
  private final HealthReport health;
  private final Maintenance maintenance;
  private final RestoreService restore;
  private final BooleanSupplier draining;
  private final @Nullable String readOnly;

  /**
   * How often state files are written, snapshots made, and rounds of the scrub begun.
   *
   * @param strategy what becomes of edits that are found in state files
   */
  public record Intervals(Duration sync, Duration snapshot, Duration scrub, SyncStrategy strategy) {
    public Intervals(Duration sync, Duration snapshot, Duration scrub) {
      this(sync, snapshot, scrub, SyncStrategy.NEWEST_WINS);
    }
  }

  /**
   * What a start would find and do.
   *
   * @param readOnly why nothing would be settled or changed, and what to do about it, or null
   * @param states how many tasks would be in which state right after
   */
  public record Rehearsal(
      @Nullable String readOnly, RecoveryReport report, Map<TaskState.Name, Integer> states) {}

  private Holdfast(
      Core core,
      EventFeed feed,
      int runningMax,
      Intervals intervals,
      Watched watched,
      Opened opened) {
    this.core = core;
    this.feed = feed;
    draining = watched.draining();
    readOnly = opened.readOnly();
    supervisor = new Supervisor(core);
    scheduler = new Scheduler(runningMax, core, supervisor);
    recovery = new Recovery(core, supervisor);
    decisions = new RecoveryDecisions(core, recovery, readOnly);
    var notes = new SyncFeed(new CompactedFeed<>(opened.term()));
    var sync = new SyncService(core, feed, intervals.sync(), intervals.strategy(), notes);
    var mendings = new Mendings(core);
    var outputs = new OutputKeeper(core, mendings);
    maintenance =
        new Maintenance(
            sync,
            new SnapshotService(core, feed, intervals.snapshot()),
            outputs,
            new Scrub(core, sync, outputs.seals(), mendings, intervals.scrub()));
    restore = new RestoreService(core, feed, maintenance, scheduler, draining);
    health =
        new HealthReport(
            core,
            watched.disk(),
            new ComponentChecks(core, maintenance, recovery, watched, readOnly).all(),
            new CompactedFeed<>(opened.term()));
  }

  /**
   * Opens storage, recovers every task and begins to work. Returns when the server is ready.
   *
   * @param runningMax active tasks at once, at least 1
   * @param intervals how often state files and snapshots are written, and all is read again
   * @param draining whether a shutdown has begun
   * @throws holdfast.domain.port.StorageException if storage cannot be opened without loss
   */
  public static Holdfast start(
      Ports ports,
      int runningMax,
      Intervals intervals,
      InstantSource clock,
      RandomGenerator random,
      BooleanSupplier draining)
      throws InterruptedException {
    Instant startedAt = clock.instant();
    var feed = new EventFeed();
    var watched =
        new Watched(new DiskHealth(ports.tasks()), new CommitTimes(System::nanoTime), draining);
    ports.tasks().meter(watched.times());
    Opened opened = ports.tasks().open(feed);
    Core core = core(ports, opened, feed, clock, random, new Timers(clock));
    var server = new Holdfast(core, feed, runningMax, intervals, watched, opened);
    server.begin(opened, startedAt);
    server.sync().startTelling();
    server.health.start();
    return server;
  }

  /**
   * Recovers every task as {@link #start} does, and then does not begin to work. Whether that
   * changes or starts anything is for the ports to say.
   *
   * @throws holdfast.domain.port.StorageException if storage cannot be opened without loss
   */
  public static Rehearsal rehearse(Ports ports, InstantSource clock, RandomGenerator random)
      throws InterruptedException {
    Instant startedAt = clock.instant();
    var feed = new EventFeed();
    Opened opened = ports.tasks().open(feed);
    try (var timers = new Timers(clock)) {
      Core core = core(ports, opened, feed, clock, random, timers);
      try (var supervisor = new Supervisor(core)) {
        var recovery = new Recovery(core, supervisor);
        if (opened.readOnly() == null) {
          recovery.run(opened, startedAt);
        }
        RecoveryReport report =
            recovery.report().orElseGet(() -> recovery.unsettled(opened.replay(), startedAt));
        return new Rehearsal(opened.readOnly(), report, core.state().counts());
      }
    }
  }

  private static Core core(
      Ports ports,
      Opened opened,
      EventFeed feed,
      InstantSource clock,
      RandomGenerator random,
      Timers timers) {
    feed.begin(new LiveState(opened));
    var store = new TaskStore(ports, feed::state, clock, random);
    feed.observeCommits(store::settled);
    var owner = new Owner(opened.instanceId(), opened.term());
    var settlement = new Settlement(store, ports.processes(), owner);
    var audit = new Audit(ports, clock, () -> feed.state().seq());
    return new Core(ports, feed::state, store, settlement, audit, clock, timers);
  }

  private void begin(Opened opened, Instant startedAt) throws InterruptedException {
    if (readOnly != null) {
      // What the tasks started belongs to another server: nothing is looked for or signalled.
      return;
    }
    core.ports().processes().listener(supervisor);
    var changes = new ChangeLog(core.ports(), core.clock());
    changes.rebuild(opened.seq());
    core.audit().begin(opened);
    feed.observeCommits(core.audit()::committed);
    feed.observeCommits(changes::committed);
    feed.observeTasks(changes::changed);
    feed.observeTasks(
        change -> {
          Task after = change.after();
          if (after != null) {
            supervisor.observe(change.before(), after);
            maintenance.outputs().observe(after);
          }
          scheduler.observe(change.before(), after);
        });
    // Before recovery commits anything, so that each task is known once as found, then as changed.
    for (var stored : core.state().select(_ -> true)) {
      scheduler.observe(null, stored.entity());
    }
    recovery.run(opened, startedAt);
    for (var stored : core.state().select(task -> task.state().name().isActive())) {
      supervisor.observe(null, stored.entity());
    }
    core.timers().every(Audit.TICK, core.audit()::tick);
    core.timers().every(KEYS_EXPIRED_EVERY, () -> core.state().expireKeys(core.clock().instant()));
    if (draining.getAsBoolean()) {
      // Asked to end while it recovered: what waits is the next server's to start.
      beginNothingNew();
    } else {
      scheduler.start();
    }
    maintenance.start();
  }

  /** Why nothing can be changed here, and what to do about it, or null. */
  public @Nullable String readOnly() {
    return readOnly;
  }

  public SyncService sync() {
    return maintenance.sync();
  }

  public SnapshotService snapshots() {
    return maintenance.snapshots();
  }

  /** Returns to a snapshot. */
  public RestoreService restore() {
    return restore;
  }

  /** Keeps the second copies of outputs. */
  public OutputKeeper outputKeeper() {
    return maintenance.outputs();
  }

  public Scrub scrub() {
    return maintenance.scrub();
  }

  public TaskStore tasks() {
    return core.store();
  }

  /** The state in force: a restore puts another in its place, so nobody keeps it. */
  public LiveState state() {
    return core.state();
  }

  public EventFeed feed() {
    return feed;
  }

  /**
   * Adds an observer of every committed change of a task from now on, called on the storage's
   * thread, in order. It must neither block nor throw.
   */
  public void observeTasks(Consumer<TaskChange> observer) {
    feed.observeTasks(observer);
  }

  /** The room that is left, as last looked at. */
  public List<Room> rooms() {
    return health.rooms();
  }

  /** Things whose bytes were put aside since the start. */
  public long quarantined() {
    return core.ports().scrubbing().quarantined();
  }

  public Outputs outputs() {
    return new Outputs(core.inForce(), core.ports().outputs());
  }

  public TaskInput input() {
    return new TaskInput(core.inForce(), core.ports().processes(), readOnly);
  }

  public Recovery recovery() {
    return recovery;
  }

  /** Takes decisions about runs whose fate recovery could not find out. */
  public RecoveryDecisions recoveryDecisions() {
    return decisions;
  }

  /**
   * What happened to an entity, newest first, also after it was purged.
   *
   * @param beforeSeq only changes with a smaller seq
   */
  public List<Committed> history(EntityKey key, long beforeSeq, int limit) {
    return core.ports().tasks().history(key, beforeSeq, limit);
  }

  public HealthReport health() {
    return health;
  }

  /** Reads the event log. */
  public EventLogReader eventLog() {
    return core.ports().events().reader();
  }

  /** Keeps the audit trail. */
  public Audit audit() {
    return core.audit();
  }

  /**
   * Ends the audit trail of this start. After everything that may commit or refuse something.
   *
   * @param cause who asked for the end
   */
  public void endAudit(String cause) {
    core.audit().end(cause);
  }

  /** Notes in the event log what a driving adapter has seen. Neither blocks nor fails. */
  public void note(Category category, String type, Map<String, Object> data) {
    core.log(category, type, data);
  }

  /** Whether no task waits for a place, runs, or is being stopped. */
  boolean idle() {
    return supervisor.idle() && scheduler.idle();
  }

  /** Refuses what would be new work and starts nothing that waits; all else goes on. Idempotent. */
  public void beginNothingNew() {
    core.store().beginNothingNew();
    scheduler.close();
  }

  /**
   * Waits for the tasks that run, or stops them, but no longer than {@code limit}. After {@link
   * #beginNothingNew}. Tasks of a copy that is not accepted are another server's, and are left
   * alone.
   *
   * @param impatient whether to wait no longer
   * @return the tasks that are active still
   */
  public List<Task> endTasks(ShutdownTasks policy, Duration limit, BooleanSupplier impatient) {
    return readOnly == null
        ? new LastTasks(core, scheduler, recovery).end(policy, limit, impatient)
        : List.of();
  }

  /** What a shutdown would do to each task. */
  public ShutdownPreview previewShutdown(ShutdownTasks policy, Duration limit, int itemsMax) {
    return ShutdownPreview.of(core.state().select(task -> true), policy, limit, itemsMax, readOnly);
  }

  /** Brings the copies of outputs up to date for the last time. After {@link #close}. */
  public void finalCopies() {
    if (readOnly == null) {
      maintenance.outputs().atShutdown();
    }
  }

  /** Writes the state files for the last time. After {@link #close}. */
  public void finalSync() {
    if (readOnly == null) {
      maintenance.sync().atShutdown();
    }
  }

  /** Makes the last snapshot. After {@link #close}. */
  public void finalSnapshot() {
    if (readOnly == null) {
      maintenance.snapshots().atShutdown();
    }
  }

  /** Starts nothing more, stops reacting, and leaves every process running. Idempotent. */
  @Override
  public void close() {
    scheduler.close();
    supervisor.close();
    core.timers().close();
    maintenance.close();
    health.close();
  }
}

package holdfast.application;

import holdfast.domain.port.InMemoryAuditTrail;
import holdfast.domain.port.InMemoryEventLog;
import holdfast.domain.port.InMemoryOutputStorage;
import holdfast.domain.port.InMemoryRecoveryStorage;
import holdfast.domain.port.InMemoryScrubbing;
import holdfast.domain.port.InMemorySnapshotStorage;
import holdfast.domain.port.InMemoryStateFiles;
import holdfast.domain.port.InMemoryTaskStorage;
import holdfast.domain.port.SimulatedProcess;
import holdfast.domain.port.SimulatedWorld;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState.Name;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A machine with a server on it that can crash and be started again; the rest goes on. */
final class Site implements AutoCloseable {
  final InMemoryOutputStorage outputs = new InMemoryOutputStorage();
  final SimulatedWorld world = new SimulatedWorld(outputs::write);
  final InMemoryRecoveryStorage reports = new InMemoryRecoveryStorage();
  final InMemoryEventLog log = new InMemoryEventLog();
  final InMemoryAuditTrail audit = new InMemoryAuditTrail(log);
  final InMemoryStateFiles stateFiles = new InMemoryStateFiles();
  final InMemorySnapshotStorage snapshots = new InMemorySnapshotStorage();
  final InMemoryScrubbing scrubbing = new InMemoryScrubbing();
  final AtomicBoolean draining = new AtomicBoolean();
  private final Random random;
  private final int runningMax;
  private InMemoryTaskStorage.Content content = new InMemoryTaskStorage.Content();
  private @Nullable InMemoryTaskStorage storage;
  private @Nullable MortalProcessControl control;
  private @Nullable Holdfast server;
  private long quotaBytes = Long.MAX_VALUE;
  private volatile boolean ending;
  private volatile Duration ahead = Duration.ZERO;

  private Site(int runningMax, long seed) {
    this.runningMax = runningMax;
    random = new Random(seed);
  }

  /** A site whose server runs at most {@code runningMax} tasks, and has been started. */
  static Site started(int runningMax) throws InterruptedException {
    return new Site(runningMax, 42).start();
  }

  static Site notStarted(int runningMax, long seed) {
    return new Site(runningMax, seed);
  }

  Site quota(long bytes) {
    quotaBytes = bytes;
    return this;
  }

  /** Sets the clock of the server ahead of the real one. */
  Site ahead(Duration time) {
    ahead = time;
    return this;
  }

  Instant now() {
    return Instant.now().plus(ahead);
  }

  /** Whether the server is asked to end before it has even started. */
  Site ending(boolean asked) {
    ending = asked;
    return this;
  }

  Site start() throws InterruptedException {
    storage = new InMemoryTaskStorage(content);
    control = new MortalProcessControl(world, quotaBytes);
    var ports =
        new Ports(storage, outputs, control, reports, stateFiles, snapshots, scrubbing, log, audit);
    audit.journal(present(storage)::changes);
    server =
        Holdfast.start(
            ports,
            runningMax,
            new Holdfast.Intervals(
                Duration.ofSeconds(30), Duration.ofMinutes(5), Duration.ofMinutes(10)),
            this::now,
            random,
            () -> ending || draining.get());
    return this;
  }

  /** While the server is down. */
  void retireJournalUpTo(long seq) {
    content.retire(seq);
  }

  /** Kill -9: whatever was not durable is gone, processes and run directories stay. */
  Site crash() {
    control().kill();
    content = storage().crash();
    server().close();
    return this;
  }

  Site crashAndStart() throws InterruptedException {
    return crash().start();
  }

  /** An orderly end and a new beginning. */
  Site restart() throws InterruptedException {
    close();
    return start();
  }

  Holdfast server() {
    return present(server);
  }

  TaskStore tasks() {
    return server().tasks();
  }

  InMemoryTaskStorage storage() {
    return present(storage);
  }

  MortalProcessControl control() {
    return present(control);
  }

  private static <T> T present(@Nullable T value) {
    if (value == null) {
      throw new AssertionError("the server was not started");
    }
    return value;
  }

  static <T> T done(Answer<T> answer) {
    if (answer instanceof Answer.Done<T>(T value, boolean _)) {
      return value;
    }
    throw new AssertionError("not done: " + answer);
  }

  TaskId submit(String... command) throws InterruptedException {
    return submit(SpecDraft.of(command).spec());
  }

  TaskId submit(TaskSpec spec) throws InterruptedException {
    return done(tasks().submit(spec, false, null)).entity().id();
  }

  TaskId hold(TaskSpec spec) throws InterruptedException {
    return done(tasks().submit(spec, true, null)).entity().id();
  }

  Stored<Task> command(TaskId id, TaskCommand command) throws InterruptedException {
    return done(tasks().command(id, command, null));
  }

  Task task(TaskId id) {
    if (server().state().task(id) instanceof Lookup.Found<Stored<Task>>(Stored<Task> stored)) {
      return stored.entity();
    }
    throw new AssertionError("no task " + id);
  }

  Name state(TaskId id) {
    return task(id).state().name();
  }

  Task await(TaskId id, Name name) {
    Await.until(id + " is " + name, () -> state(id) == name);
    return task(id);
  }

  RunRef lastRun(TaskId id) {
    return task(id).lastRun().orElseThrow();
  }

  /** The command of the task's last attempt, once it runs. */
  SimulatedProcess process(TaskId id) {
    await(id, Name.RUNNING);
    return processOf(task(id).lastRun().orElseThrow());
  }

  SimulatedProcess processOf(RunRef run) {
    return world.process(run);
  }

  /** Stops the server in order. */
  @Override
  public void close() {
    if (server != null && storage != null && control != null) {
      server.close();
      control.close();
      storage.close();
      content = storage.content();
    }
  }
}

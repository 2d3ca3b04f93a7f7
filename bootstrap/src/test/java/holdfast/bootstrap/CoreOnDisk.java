package holdfast.bootstrap;

import holdfast.adapters.file.FileStorage;
import holdfast.adapters.file.FileStorageSettings;
import holdfast.application.Answer;
import holdfast.application.Holdfast;
import holdfast.application.Ports;
import holdfast.application.Scrub;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.initiative.InitiativeSpec;
import holdfast.domain.port.SimulatedProcessControl;
import holdfast.domain.port.SimulatedWorld;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.SyncStrategy;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The server without its web: the real services on real storage, with a clock that can be set.
 * State files and snapshots are written when a test says so.
 */
final class CoreOnDisk implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration NEVER = Duration.ofDays(1);

  private final Path data;
  private final InstantSource clock;
  private final FileStorage storage;
  private final SimulatedProcessControl processes;
  private final Holdfast core;
  private final List<Finding> atStart;

  /** How many findings a look has been told of. */
  private int told;

  private CoreOnDisk(Path data, InstantSource clock, SyncStrategy strategy)
      throws IOException, InterruptedException {
    this.data = data;
    this.clock = clock;
    storage =
        FileStorage.open(
            FileStorageSettings.of(
                data,
                clock,
                failure -> {
                  throw new AssertionError(failure);
                }));
    try {
      processes = new SimulatedProcessControl(new SimulatedWorld((_, _, _) -> {}));
      Ports ports = Storage.ports(storage, processes);
      core =
          Holdfast.start(
              ports,
              1,
              new Holdfast.Intervals(NEVER, NEVER, NEVER, strategy),
              clock,
              new Random(),
              () -> false);
    } catch (RuntimeException e) {
      storage.close();
      throw e;
    }
    // The round of the scrub that begins with the server, which is the last for ten minutes.
    Await.until(core.scrub()::progress, seen -> seen.completedAt() != null, PATIENCE);
    atStart = core.sync().findings();
    told = atStart.size();
  }

  static CoreOnDisk start(Path data, InstantSource clock) throws IOException, InterruptedException {
    return start(data, clock, SyncStrategy.MEMORY_WINS);
  }

  static CoreOnDisk start(Path data, InstantSource clock, SyncStrategy strategy)
      throws IOException, InterruptedException {
    return new CoreOnDisk(data, clock, strategy);
  }

  Holdfast core() {
    return core;
  }

  FileStorage storage() {
    return storage;
  }

  /** What the first look at the state files found. */
  List<Finding> foundAtStart() {
    return atStart;
  }

  /** Looks through everything; what was found now. */
  List<Finding> scrub() {
    told = core.sync().findings().size();
    return found();
  }

  /** Looks through everything; what was found since the last look, be it by the watch. */
  List<Finding> found() {
    Scrub.Progress progress = core.scrub().round();
    if (progress.completedAt() == null) {
      throw new AssertionError("the round did not end: " + progress);
    }
    var found = new ArrayList<>(core.sync().findings());
    List<Finding> since = found.subList(told, found.size());
    told = found.size();
    return since;
  }

  TaskId hold(String title) throws InterruptedException {
    return done(core.tasks().submit(SpecDraft.of("true").title(title).spec(), true, null))
        .entity()
        .id();
  }

  void rename(TaskId id, String title) throws InterruptedException {
    done(core.tasks().patch(id, _ -> SpecDraft.of("true").title(title).spec(), null));
  }

  void purge(TaskId id) throws InterruptedException {
    done(core.tasks().command(id, new TaskCommand.Cancel(), null));
    done(core.tasks().purge(id, null));
  }

  InitiativeId initiative(String title) throws InterruptedException {
    return done(core.tasks().createInitiative(initiativeSpec(title), null)).initiative().id();
  }

  void rename(InitiativeId id, String title) throws InterruptedException {
    done(core.tasks().patchInitiative(id, _ -> initiativeSpec(title), null));
  }

  void delete(InitiativeId id) throws InterruptedException {
    done(core.tasks().deleteInitiative(id, null));
  }

  private static InitiativeSpec initiativeSpec(String title) {
    return new InitiativeSpec(title, "objective", Map.of());
  }

  static <T> T done(Answer<T> answer) {
    if (answer instanceof Answer.Done<T>(T value, boolean _)) {
      return value;
    }
    throw new AssertionError("not done: " + answer);
  }

  Path file(TaskId id) {
    return data.resolve("state/tasks").resolve(id.value().substring(0, 2)).resolve(id + ".json");
  }

  Path file(InitiativeId id) {
    return data.resolve("state/initiatives")
        .resolve(id.value().substring(0, 2))
        .resolve(id + ".json");
  }

  Instant now() {
    return clock.instant();
  }

  /** What the part of health of this name says. */
  String health(String part) {
    return core.health().checks().stream()
        .filter(check -> check.name().equals(part))
        .map(check -> (check.up() ? "up: " : "down: ") + check.message())
        .findFirst()
        .orElseThrow();
  }

  /** Ends in order. */
  @Override
  public void close() {
    core.close();
    core.finalCopies();
    core.finalSync();
    core.finalSnapshot();
    processes.close();
    storage.close();
  }
}

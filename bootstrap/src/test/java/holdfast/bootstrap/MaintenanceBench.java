package holdfast.bootstrap;

import static holdfast.domain.port.SnapshotStorage.Reason.MANUAL;

import holdfast.adapters.file.FileStorage;
import holdfast.adapters.file.FileStorageSettings;
import holdfast.adapters.process.LinuxProcessControl;
import holdfast.application.Answer;
import holdfast.application.Holdfast;
import holdfast.application.Lookup;
import holdfast.application.Ports;
import holdfast.application.RestoreService.Result;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.restoration.Restoration.Running;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.OutputMode;
import holdfast.domain.task.RetryPolicy;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What writers notice of a snapshot and of a round of writing state files: 64 of them change tasks
 * of a large state, with it and without, in turns. How soon an edit of a state file is in force,
 * and how long a return to a snapshot takes. The whole server but its doors. Called by {@code
 * ./bench}; arguments: a scratch directory, the number of tasks for what writes all their files
 * again and again, and for the rest.
 */
final class MaintenanceBench {
  private static final int WRITERS = 64;
  private static final int ROUNDS = 5;
  private static final int DIRTY = 10_000;
  private static final int EDITS = 21;
  private static final int RESTORES = 5;
  private static final Duration NEVER = Duration.ofDays(1);

  private final Holdfast server;

  /** The directory of their state files. */
  private final Path tasks;

  private final List<TaskId> ids = new ArrayList<>();

  private MaintenanceBench(Holdfast server, Path tasks) {
    this.server = server;
    this.tasks = tasks;
  }

  public static void main(String[] arguments) throws Exception {
    Path data = Path.of(arguments[0]);
    FileStorageSettings settings =
        FileStorageSettings.of(
            data,
            InstantSource.system(),
            failure -> {
              throw new AssertionError(failure);
            });
    try (FileStorage storage = FileStorage.open(settings);
        var processes =
            new LinuxProcessControl(
                LinuxProcessControl.Settings.of(
                    storage::runDirectory,
                    data,
                    storage.quarantineDirectory(),
                    1L << 30,
                    System.getenv()))) {
      Ports ports = Storage.ports(storage, processes);
      try (Holdfast server =
          Holdfast.start(
              ports,
              1,
              new Holdfast.Intervals(NEVER, NEVER, Duration.ofDays(1)),
              InstantSource.system(),
              new SecureRandom(),
              () -> false)) {
        new MaintenanceBench(server, data.resolve("state/tasks"))
            .run(Integer.parseInt(arguments[1]), Integer.parseInt(arguments[2]));
      }
    }
  }

  private void run(int few, int many) throws Exception {
    fill(few);
    beside("sync of " + DIRTY + " changed tasks", this::makeDirty, () -> server.sync().force());
    edits();
    fill(many - few);
    beside("snapshot of " + many + " tasks", () -> {}, () -> server.snapshots().create(MANUAL));
    restores();
  }

  /** Returns to a snapshot of which every task has been changed since. */
  private void restores() throws InterruptedException {
    var seconds = new ArrayList<Double>();
    for (int i = 0; i < RESTORES; i++) {
      String then = server.snapshots().create(MANUAL).id();
      changeFirst(ids.size());
      // The state files of the restore before are not written beside this one.
      server.sync().force();
      long begun = System.nanoTime();
      if (!(server.restore().restore(then, Running.REFUSE) instanceof Result.Restored)) {
        throw new AssertionError("not restored");
      }
      seconds.add((System.nanoTime() - begun) / 1e9);
    }
    row("restore of " + ids.size() + " tasks, all changed since, median", median(seconds), "s");
    row("  slowest of " + RESTORES, Collections.max(seconds), "s");
  }

  /** Measures {@code action} beside writers, and the writers with it and without. */
  private void beside(String what, Preparation before, Runnable action)
      throws InterruptedException {
    // Once without being counted: the JIT compiler sees the path.
    before.run();
    measure(action);
    var without = new ArrayList<Double>();
    var with = new ArrayList<Double>();
    var seconds = new ArrayList<Double>();
    for (int round = 0; round < ROUNDS; round++) {
      before.run();
      var took = new AtomicLong();
      with.add(
          measure(
              () -> {
                long begun = System.nanoTime();
                action.run();
                took.set(System.nanoTime() - begun);
              }));
      seconds.add(took.get() / 1e9);
      without.add(measure(() -> pause(took.get())));
    }
    row(what + " beside " + WRITERS + " writers", median(seconds), "s");
    row("  p99 of a change meanwhile, median of " + ROUNDS, median(with), "ms");
    row("  p99 without, in turns", median(without), "ms");
    row("  ratio", median(with) / median(without), "");
  }

  /** Something that is done before each round. */
  private interface Preparation {
    void run() throws InterruptedException;
  }

  private void makeDirty() throws InterruptedException {
    server.sync().force();
    changeFirst(DIRTY);
  }

  private void changeFirst(int count) throws InterruptedException {
    var left = new AtomicInteger(count);
    together(
        () -> {
          for (int i = left.decrementAndGet(); i >= 0; i = left.decrementAndGet()) {
            TaskId id = ids.get(i);
            done(server.tasks().patch(id, _ -> spec("z".repeat(330) + System.nanoTime()), null));
          }
        });
  }

  /** From the edit of a state file until its task has it. */
  private void edits() throws Exception {
    server.sync().force();
    var millis = new ArrayList<Double>();
    for (int i = 0; i < EDITS; i++) {
      TaskId id = ids.get(i);
      Path file = tasks.resolve(id.value().substring(0, 2)).resolve(id.value() + ".json");
      String text = Files.readString(file);
      long begun = System.nanoTime();
      Files.writeString(file, text.replaceFirst("\"title\": \"", "\"title\": \"edited "));
      while (!isEdited(id)) {
        pause(1_000_000);
      }
      millis.add((System.nanoTime() - begun) / 1e6);
    }
    row("edit of a state file until its task has it, median", median(millis), "ms");
    row("  slowest of " + EDITS, Collections.max(millis), "ms");
  }

  private boolean isEdited(TaskId id) {
    return server.state().task(id) instanceof Lookup.Found<Stored<Task>>(Stored<Task> stored)
        && stored.entity().spec().title().startsWith("edited ");
  }

  private static void row(String name, double value, String unit) {
    System.out.printf(Locale.ROOT, "%-58s %12.2f %s%n", name, value, unit);
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  private void fill(int tasks) throws InterruptedException {
    var left = new AtomicInteger(tasks);
    var made = new ConcurrentLinkedQueue<TaskId>();
    together(
        () -> {
          while (left.getAndDecrement() > 0) {
            made.add(done(server.tasks().submit(spec("x".repeat(340)), true, null)));
          }
        });
    ids.addAll(made);
  }

  /** The p99 of changes while {@code meanwhile} runs, in milliseconds. */
  private double measure(Runnable meanwhile) throws InterruptedException {
    var latencies = new ConcurrentLinkedQueue<Long>();
    var over = new AtomicBoolean();
    Thread beside =
        Thread.ofPlatform()
            .start(
                () -> {
                  meanwhile.run();
                  over.set(true);
                });
    together(
        () -> {
          while (!over.get()) {
            TaskId id = ids.get(ThreadLocalRandom.current().nextInt(ids.size()));
            long asked = System.nanoTime();
            String title = asked + "y".repeat(320);
            done(server.tasks().patch(id, _ -> spec(title), null));
            latencies.add(System.nanoTime() - asked);
          }
        });
    beside.join();
    long[] sorted = latencies.stream().mapToLong(Long::longValue).sorted().toArray();
    return sorted[sorted.length * 99 / 100] / 1e6;
  }

  /** Something that a writer does. */
  private interface Writing {
    void run() throws InterruptedException;
  }

  private static void together(Writing writing) throws InterruptedException {
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < WRITERS; i++) {
      threads.add(
          Thread.startVirtualThread(
              () -> {
                try {
                  writing.run();
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private static void pause(long nanos) {
    try {
      Thread.sleep(nanos / 1_000_000, (int) (nanos % 1_000_000));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static TaskId done(Answer<Stored<Task>> answer) {
    if (answer instanceof Answer.Done<Stored<Task>>(var stored, boolean _)) {
      return stored.entity().id();
    }
    throw new AssertionError("not done: " + answer);
  }

  private static TaskSpec spec(String title) {
    return new TaskSpec(
        title,
        List.of("true"),
        "/tmp",
        Map.of(),
        null,
        0,
        Map.of(),
        null,
        Duration.ofSeconds(10),
        RetryPolicy.NONE,
        OnLost.FAIL,
        StdinMode.NONE,
        OutputMode.MERGED);
  }
}

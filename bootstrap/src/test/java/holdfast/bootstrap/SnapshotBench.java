package holdfast.bootstrap;

import holdfast.adapters.file.FileStorage;
import holdfast.adapters.file.FileStorageSettings;
import holdfast.adapters.process.LinuxProcessControl;
import holdfast.application.Answer;
import holdfast.application.Holdfast;
import holdfast.application.Ports;
import holdfast.application.RestoreService.Result;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.restoration.Restoration.Running;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.OutputMode;
import holdfast.domain.task.RetryPolicy;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleFunction;

/**
 * What writers notice of a snapshot: 64 of them change tasks of a large state, with a snapshot
 * being made and without, in turns. Then how long a return to a snapshot takes, of which every task
 * has been changed since, and how long writers wait for it. The whole server but its doors. Called
 * by {@code ./bench}; arguments: a scratch directory, the number of tasks.
 */
final class SnapshotBench {
  private static final int WRITERS = 64;
  private static final int ROUNDS = 9;
  private static final int RESTORES = 5;
  private static final Duration NEVER = Duration.ofDays(1);

  private final Holdfast server;
  private final List<TaskId> ids = new ArrayList<>();

  private SnapshotBench(Holdfast server) {
    this.server = server;
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
        new SnapshotBench(server).run(Integer.parseInt(arguments[1]));
      }
    }
  }

  private void run(int tasks) throws InterruptedException {
    fill(tasks);
    // Once without being counted: the JIT compiler sees the path.
    measure(() -> server.snapshots().create(Reason.MANUAL));
    var without = new ArrayList<Double>();
    var with = new ArrayList<Double>();
    var seconds = new ArrayList<Double>();
    for (int round = 0; round < ROUNDS; round++) {
      long begun = System.nanoTime();
      with.add(measure(() -> server.snapshots().create(Reason.MANUAL)));
      long took = System.nanoTime() - begun;
      seconds.add(took / 1e9);
      without.add(measure(() -> pause(took)));
    }
    row("snapshot of " + tasks + " tasks beside " + WRITERS + " writers", median(seconds), "s");
    row("  p99 of a change meanwhile, median of " + ROUNDS, median(with), "ms");
    row("  p99 without, in turns", median(without), "ms");
    row("  ratio", median(with) / median(without), "");
    restore(tasks);
  }

  private void restore(int tasks) throws InterruptedException {
    var seconds = new ArrayList<Double>();
    var waits = new ArrayList<Double>();
    for (int round = 0; round < RESTORES; round++) {
      String then = server.snapshots().create(Reason.MANUAL).id();
      changeAll();
      seconds.add(restored(then));
      // Once more, with writers that have to wait.
      waits.add(measure(() -> restored(then), latencies -> latencies[latencies.length - 1] / 1e9));
    }
    row("restore of " + tasks + " tasks, all changed since", median(seconds), "s");
    row("  longest wait of " + WRITERS + " writers meanwhile", median(waits), "s");
  }

  private double restored(String snapshot) {
    long begun = System.nanoTime();
    try {
      Result result = server.restore().restore(snapshot, Running.REFUSE);
      if (!(result instanceof Result.Restored)) {
        throw new AssertionError(result);
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return (System.nanoTime() - begun) / 1e9;
  }

  private void changeAll() throws InterruptedException {
    var left = new AtomicInteger(ids.size());
    together(
        () -> {
          for (int i = left.decrementAndGet(); i >= 0; i = left.decrementAndGet()) {
            String title = i + "z".repeat(320);
            done(server.tasks().patch(ids.get(i), _ -> spec(title), null));
          }
        });
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
    return measure(meanwhile, latencies -> latencies[latencies.length * 99 / 100] / 1e6);
  }

  private double measure(Runnable meanwhile, ToDoubleFunction<long[]> of)
      throws InterruptedException {
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
            Answer<Stored<Task>> answer = server.tasks().patch(id, _ -> spec(title), null);
            while (answer instanceof Answer.Unavailable<?>) {
              answer = server.tasks().patch(id, _ -> spec(title), null);
            }
            done(answer);
            latencies.add(System.nanoTime() - asked);
          }
        });
    beside.join();
    long[] sorted = latencies.stream().mapToLong(Long::longValue).sorted().toArray();
    return of.applyAsDouble(sorted);
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

package holdfast.adapters.file;

import holdfast.domain.port.Change;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * What snapshots, state files and the scrub cost, and what a start takes with them. Arguments: a
 * scratch directory, the number of tasks.
 */
final class RedundancyBench {
  private static final int WRITERS = 64;
  private static final int TAIL = 10_000;
  private static final int GROUP = 256;
  private static final long SECONDS = 8;

  private final Path scratch;
  private final int tasks;

  private RedundancyBench(Path scratch, int tasks) {
    this.scratch = scratch;
    this.tasks = tasks;
  }

  public static void main(String[] arguments) throws Exception {
    var bench = new RedundancyBench(Path.of(arguments[0]), Integer.parseInt(arguments[1]));
    bench.recovery();
    bench.commits();
  }

  private static FileStorage open(Path data) {
    return FileStorage.open(
        FileStorageSettings.of(
            data,
            InstantSource.system(),
            failure -> {
              throw new AssertionError(failure);
            }));
  }

  private static void row(String name, double value, String unit) {
    System.out.printf("%-58s %12.2f %s%n", name, value, unit);
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }

  private static void submit(FileStorage storage, long from, long count)
      throws InterruptedException {
    var next = new AtomicLong(from);
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < WRITERS; i++) {
      threads.add(
          Thread.startVirtualThread(
              () -> {
                for (long n = next.getAndIncrement();
                    n < from + count;
                    n = next.getAndIncrement()) {
                  commit(storage, SampleTasks.submit(n));
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private static void commit(FileStorage storage, Change change) {
    try {
      storage.taskStorage().commit(List.of(change), Origin.CLIENT).await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** A start from a snapshot and a tail of records. */
  private void recovery() throws Exception {
    Path data = scratch.resolve("recovery");
    try (FileStorage storage = open(data)) {
      storage.taskStorage().open(_ -> {});
      submit(storage, 0, tasks);
    }
    try (FileStorage storage = open(data)) {
      Opened opened = storage.taskStorage().open(_ -> {});
      StateImage image =
          new StateImage(
              opened.seq(),
              SampleTasks.NOON,
              opened.tasks(),
              opened.initiatives(),
              opened.tombstones(),
              opened.idempotency());
      for (int i = 0; i < 2; i++) {
        long begun = System.nanoTime();
        var saved = storage.snapshotStorage().save(image, Reason.MANUAL);
        row("snapshot of " + tasks + " tasks, both copies, verified", seconds(begun), "s");
        row("  bytes per task", (double) saved.bytes() / tasks, "B");
      }
      long begun = System.nanoTime();
      int files = Math.min(tasks, 10_000);
      for (int from = 0; from < files; from += GROUP) {
        storage
            .stateFiles()
            .reconcile(
                opened.tasks().subList(from, Math.min(from + GROUP, files)), List.of(), List.of());
      }
      row(files + " state files written, without pauses", seconds(begun), "s");
      submit(storage, tasks, TAIL);
    }
    row("state directory, bytes per task", (double) size(data) / (tasks + TAIL), "B");
    for (int i = 0; i < 3; i++) {
      long begun = System.nanoTime();
      try (FileStorage storage = open(data)) {
        Opened opened = storage.taskStorage().open(_ -> {});
        row("recovery of " + opened.tasks().size() + " tasks", seconds(begun), "s");
        row("  records replayed", (double) opened.replay().records(), "");
      }
    }
  }

  private static long size(Path directory) throws IOException {
    try (Stream<Path> walk = Files.walk(directory)) {
      return walk.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  /** Commits with and without what keeps them redundant, in turns. */
  private void commits() throws Exception {
    var without = new ArrayList<Double>();
    var with = new ArrayList<Double>();
    for (int round = 0; round < 3; round++) {
      without.add(rate(scratch.resolve("without-" + round), false));
      with.add(rate(scratch.resolve("with-" + round), true));
    }
    Collections.sort(without);
    Collections.sort(with);
    row("commits without maintenance, median of 3", without.get(1), "/s");
    row("commits with sync, snapshots and scrub, median of 3", with.get(1), "/s");
    row("  ratio", with.get(1) / without.get(1), "");
  }

  private static double rate(Path data, boolean maintained) throws Exception {
    var stop = new AtomicBoolean();
    var committed = new ConcurrentLinkedQueue<Stored<Task>>();
    var latencies = new ConcurrentLinkedQueue<Long>();
    try (FileStorage storage = open(data)) {
      storage
          .taskStorage()
          .open(
              changes ->
                  changes.forEach(
                      change ->
                          committed.add(
                              new Stored<>(
                                  ((Change.PutTask) change.change()).task(),
                                  change.seq(),
                                  change.change().cause()))));
      Thread maintenance =
          Thread.ofPlatform().start(() -> maintain(storage, committed, stop, maintained));
      var next = new AtomicLong();
      var threads = new ArrayList<Thread>();
      long begun = System.nanoTime();
      for (int i = 0; i < WRITERS; i++) {
        threads.add(
            Thread.startVirtualThread(
                () -> {
                  while (!stop.get()) {
                    long asked = System.nanoTime();
                    commit(storage, SampleTasks.submit(next.getAndIncrement()));
                    latencies.add(System.nanoTime() - asked);
                  }
                }));
      }
      Thread.sleep(SECONDS * 1_000);
      stop.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
      double rate = latencies.size() / seconds(begun);
      maintenance.join();
      long[] sorted = latencies.stream().mapToLong(Long::longValue).sorted().toArray();
      row(
          (maintained ? "with" : "without") + " maintenance: p99",
          sorted[sorted.length * 99 / 100] / 1e6,
          "ms");
      return rate;
    }
  }

  /** What the services of a server do, with the same pauses. */
  private static void maintain(
      FileStorage storage,
      ConcurrentLinkedQueue<Stored<Task>> committed,
      AtomicBoolean stop,
      boolean maintained) {
    var all = new ArrayList<Stored<Task>>();
    long snapshotAt = System.nanoTime() + 2_000_000_000L;
    while (maintained && !stop.get()) {
      long begun = System.nanoTime();
      var group = new ArrayList<Stored<Task>>();
      while (group.size() < GROUP && !committed.isEmpty()) {
        group.add(committed.remove());
      }
      storage.stateFiles().reconcile(group, List.of(), List.of());
      all.addAll(group);
      storage.scrubbing().next();
      if (System.nanoTime() > snapshotAt) {
        long seq = all.isEmpty() ? 0 : all.getLast().seq();
        storage
            .snapshotStorage()
            .save(
                new StateImage(
                    seq, SampleTasks.NOON, List.copyOf(all), List.of(), List.of(), List.of()),
                Reason.PERIODIC);
        snapshotAt = System.nanoTime() + 2_000_000_000L;
      }
      pause(3 * (System.nanoTime() - begun));
    }
  }

  private static void pause(long nanos) {
    try {
      Thread.sleep(nanos / 1_000_000, (int) (nanos % 1_000_000));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}

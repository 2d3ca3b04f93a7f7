package holdfast.adapters.file;

import holdfast.adapters.file.json.ChangeCodec;
import holdfast.domain.port.Change;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.TaskStorage;
import holdfast.domain.port.TaskStorage.Origin;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;
import java.util.stream.Stream;

/**
 * Measures durable commits per second beside the raw disk's rate, and the start with many tasks.
 * The disk's rate drifts, so it is measured before and after each row, which is compared with the
 * mean of both; nothing is removed before the end, for freeing blocks keeps a disk busy. Prints
 * tab-separated values. Arguments: a directory on the disk to be measured (made, and emptied
 * afterwards), seconds per measurement.
 */
public final class JournalBench {
  private static final int BLOCK = 4_096;
  private static final int PAYLOAD = 400;
  private static final AtomicInteger runs = new AtomicInteger();

  private JournalBench() {}

  public static void main(String[] arguments) throws Exception {
    Path directory = Files.createDirectories(Path.of(arguments[0]));
    int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 5;
    System.out.println("what\twriters\tper_second\traw_per_second\ttimes_raw\tp50_us\tp99_us");
    raw(directory, 1);
    for (int writers : new int[] {1, 16, 64, 256}) {
      row(directory, writers, seconds, "records of 400 B payload", JournalBench::initiative);
    }
    row(directory, 64, seconds, "task submissions", SampleTasks::submit);
    start(directory, 100_000, 1);
    start(directory, 100_000, 3);
    remove(directory);
  }

  private static void row(
      Path directory, int writers, int seconds, String what, LongFunction<Change> changes)
      throws Exception {
    commits(directory, writers, 1, changes);
    double before = raw(directory, seconds);
    long[] latencies = commits(directory, writers, seconds, changes);
    double raw = (before + raw(directory, seconds)) / 2;
    double rate = (double) latencies.length / seconds;
    System.out.printf(
        "journal, mirrored, %s\t%d\t%.0f\t%.0f\t%.2f\t%.0f\t%.0f%n",
        what,
        writers,
        rate,
        raw,
        rate / raw,
        latencies[latencies.length / 2] / 1e3,
        latencies[(int) (latencies.length * 0.99)] / 1e3);
  }

  /** A change whose payload is 400 bytes, the size for which the target was set. */
  private static Change initiative(long n) {
    Change change = SampleTasks.initiative(n, "x");
    int missing = PAYLOAD - ChangeCodec.encode(change).length();
    // The title is written twice: by itself, and in the objective.
    return SampleTasks.initiative(n, "x".repeat(1 + missing / 2));
  }

  /** One writer that overwrites a zero-filled file block by block and forces each. */
  private static double raw(Path directory, int seconds) throws IOException {
    Path file = directory.resolve("raw");
    int blocks = 4_096;
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
      for (int i = 0; i < blocks; i++) {
        channel.write(block.clear(), (long) i * BLOCK);
      }
      channel.force(true);
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
      long started = System.nanoTime();
      long count = 0;
      while (System.nanoTime() < end) {
        block.clear().putLong(0, count);
        channel.write(block, count % blocks * BLOCK);
        channel.force(false);
        count++;
      }
      return count * 1e9 / (System.nanoTime() - started);
    } finally {
      Files.delete(file);
    }
  }

  /** Latencies of all commits in so many seconds, sorted, in nanoseconds. */
  private static long[] commits(
      Path directory, int writers, int seconds, LongFunction<Change> changes) throws Exception {
    Path data = directory.resolve("data-" + runs.incrementAndGet());
    try (FileStorage files = FileStorage.open(settings(data))) {
      TaskStorage storage = files.taskStorage();
      storage.open(_ -> {});
      var next = new AtomicLong();
      var latencies = new ArrayList<long[]>();
      var threads = new ArrayList<Thread>();
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
      for (int i = 0; i < writers; i++) {
        threads.add(
            Thread.ofVirtual()
                .start(
                    () -> {
                      long[] mine = write(storage, next, changes, end);
                      synchronized (latencies) {
                        latencies.add(mine);
                      }
                    }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      return latencies.stream().flatMapToLong(Arrays::stream).sorted().toArray();
    }
  }

  private static FileStorageSettings settings(Path data) {
    return FileStorageSettings.of(
        data,
        InstantSource.system(),
        failure -> {
          throw new AssertionError(failure);
        });
  }

  private static long[] write(
      TaskStorage storage, AtomicLong next, LongFunction<Change> changes, long end) {
    var latencies = new long[1 << 10];
    int count = 0;
    try {
      long now = System.nanoTime();
      while (now < end) {
        Change change = changes.apply(next.getAndIncrement());
        CommitResult result = storage.commit(List.of(change), Origin.CLIENT_NEW).await();
        if (!(result instanceof CommitResult.Done)) {
          throw new AssertionError(result);
        }
        long after = System.nanoTime();
        latencies = count < latencies.length ? latencies : Arrays.copyOf(latencies, count * 2);
        latencies[count++] = after - now;
        now = after;
      }
      return Arrays.copyOf(latencies, count);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** How long a start with so many tasks of so many changes each takes. */
  private static void start(Path directory, int tasks, int changes) throws Exception {
    Path data = directory.resolve("data-start-" + changes);
    try (FileStorage files = FileStorage.open(settings(data))) {
      fill(files.taskStorage(), tasks, changes);
    }
    for (int i = 0; i < 3; i++) {
      long started = System.nanoTime();
      try (FileStorage files = FileStorage.open(settings(data))) {
        TaskStorage.Opened opened = files.taskStorage().open(_ -> {});
        System.out.printf(
            "start with %d tasks, %d records: %d ms%n",
            opened.tasks().size(),
            opened.seq(),
            TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started));
      }
    }
  }

  private static void fill(TaskStorage storage, int tasks, int changes) throws Exception {
    storage.open(_ -> {});
    for (int i = 0; i < tasks; i++) {
      List<Change> life = SampleTasks.wholeLife(i).subList(0, changes);
      for (Change change : life) {
        storage.commit(List.of(change), Origin.INTERNAL);
      }
    }
    storage.commit(List.of(), Origin.INTERNAL).await();
  }

  private static void remove(Path directory) throws IOException {
    try (Stream<Path> paths = Files.walk(directory)) {
      for (Path path : paths.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(path);
      }
    }
  }
}

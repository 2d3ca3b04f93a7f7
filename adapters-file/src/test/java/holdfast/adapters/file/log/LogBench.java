package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.NioDisk;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.EventLogReader.Filter;
import holdfast.domain.port.EventLogReader.Page;
import holdfast.domain.port.EventLogReader.Place;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Measures the event log alone. Called by {@code ./bench}; prints one line per figure: name, value,
 * unit, remark, separated by tabs.
 */
public final class LogBench {
  private static final int LINES_A_TASK = 7;
  private static final String[] TYPES = {
    "submitted",
    "attempt-starting",
    "process-started",
    "stop-requested",
    "attempt-ended",
    "output-sealed",
    "purged"
  };

  private LogBench() {}

  /**
   * Measures.
   *
   * @param args a scratch directory, seconds of writing, and megabytes to search
   */
  public static void main(String[] args) throws IOException {
    Path scratch = Path.of(args[0]);
    sustained(Files.createDirectories(scratch.resolve("sustained")), Integer.parseInt(args[1]));
    search(Files.createDirectories(scratch.resolve("search")), Long.parseLong(args[2]) << 20);
  }

  private static void row(String name, double value, String unit, String remark) {
    System.out.printf(Locale.ROOT, "%s\t%.3f\t%s\t%s%n", name, value, unit, remark);
  }

  private static FileEventLog open(Path directory, long budget) throws IOException {
    var bounds =
        new FileEventLog.Bounds(
            10L << 20, 10_000, Duration.ofDays(30), budget, Duration.ofSeconds(1));
    return new FileEventLog(new NioDisk(), directory, bounds, InstantSource.system());
  }

  private static Entry entry(long number, String task) {
    var data = new LinkedHashMap<String, Object>();
    data.put("taskId", task);
    data.put("seq", number);
    data.put("state", "RUNNING");
    data.put("attempt", 1);
    return new Entry(Instant.now(), Category.TASK, TYPES[(int) (number % LINES_A_TASK)], data);
  }

  private static String task(long number) {
    return "%020d".formatted(number);
  }

  /** 50,000 lines a second, evenly, and what the heap has come to. */
  private static void sustained(Path directory, int seconds) throws IOException {
    int rate = 50_000;
    long most = 0;
    long lines = 0;
    long begun = System.nanoTime();
    try (FileEventLog log = open(directory, 512L << 20)) {
      long end = begun + TimeUnit.SECONDS.toNanos(seconds);
      for (long now = begun; now < end; now = System.nanoTime()) {
        long due = (now - begun) * rate / TimeUnit.SECONDS.toNanos(1);
        while (lines < due) {
          log.append(entry(lines, task(lines / LINES_A_TASK)));
          lines++;
        }
        if (lines % 100 == 0) {
          Runtime runtime = Runtime.getRuntime();
          most = Math.max(most, runtime.totalMemory() - runtime.freeMemory());
        }
        LockSupport.parkNanos(1_000_000);
      }
      log.flush();
      long lost = lost(log);
      row(
          "events written",
          (lines - lost) / (double) seconds,
          "1/s",
          lost + " of " + lines + " lost");
    }
    row(
        "heap, most",
        most / 1048576.0,
        "MiB",
        "-Xmx" + Runtime.getRuntime().maxMemory() / 1048576 + "m");
    row("logs on disk", bytes(directory) / 1048576.0, "MiB", "compressed, within 512 MiB");
  }

  private static long lost(FileEventLog log) {
    long lost = 0;
    @Nullable Place place = null;
    do {
      Page page =
          log.reader()
              .page(
                  new Filter(Set.of(Category.TASK), "gap", null, null, null, null, null),
                  place,
                  1_000);
      lost += page.lines().stream().mapToLong(line -> (Long) line.entry().data().get("lost")).sum();
      place = page.next();
    } while (place != null);
    return lost;
  }

  private static long bytes(Path directory) throws IOException {
    try (Stream<Path> walk = Files.walk(directory)) {
      long bytes = 0;
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        bytes += Files.size(file);
      }
      return bytes;
    }
  }

  /** The first page of one task in so many bytes of lines, each time another task. */
  private static void search(Path directory, long bytes) throws IOException {
    long lines = 0;
    long written = 0;
    try (FileEventLog log = open(directory, 8 * bytes)) {
      while (written < bytes) {
        for (int i = 0; i < 10_000; i++) {
          Entry entry = entry(lines, task(lines / LINES_A_TASK));
          written += LogLine.encode(entry, 1_795_694_400_000_001L).length;
          log.append(entry);
          lines++;
        }
        log.flush();
      }
    }
    try (FileEventLog log = open(directory, 8 * bytes)) {
      awaitPacked(directory);
      var random = new Random(1);
      var millis = new ArrayList<Double>();
      long found = 0;
      for (int i = 0; i < 30; i++) {
        String task = task((long) (random.nextDouble() * lines / LINES_A_TASK));
        long begun = System.nanoTime();
        found += log.reader().page(one(task), null, 100).lines().size();
        millis.add((System.nanoTime() - begun) / 1e6);
      }
      row("first query after the start", millis.getFirst(), "ms", "of one task");
      List<Double> sorted = millis.stream().sorted().toList();
      row(
          "one task in " + (bytes >> 20) + " MiB of lines, first page",
          sorted.get(15),
          "ms",
          "median of 30; most "
              + sorted.getLast()
              + "; "
              + found
              + " lines found; "
              + lines
              + " lines in "
              + bytes(directory) / 1048576
              + " MiB of files");
      long begun = System.nanoTime();
      int none = log.reader().page(one("x".repeat(20)), null, 100).lines().size();
      row("a task that is not there", (System.nanoTime() - begun) / 1e6, "ms", none + " lines");
      begun = System.nanoTime();
      log.reader().page(Filter.ALL, null, 1_000);
      row("the newest 1,000 lines", (System.nanoTime() - begun) / 1e6, "ms", "");
    }
  }

  private static Filter one(String task) {
    return new Filter(Set.of(), null, task, null, null, null, null);
  }

  private static void awaitPacked(Path directory) throws IOException {
    while (true) {
      try (Stream<Path> files = Files.list(directory.resolve("task"))) {
        if (files.allMatch(
            file -> file.endsWith("task.jsonl") || file.toString().endsWith(".zst"))) {
          return;
        }
      }
      LockSupport.parkNanos(50_000_000);
    }
  }
}

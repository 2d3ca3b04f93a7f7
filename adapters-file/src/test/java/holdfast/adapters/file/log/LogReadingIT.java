package holdfast.adapters.file.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.EventLogReader;
import holdfast.domain.port.EventLogReader.Filter;
import holdfast.domain.port.EventLogReader.Line;
import holdfast.domain.port.EventLogReader.Page;
import holdfast.domain.port.EventLogReader.Place;
import holdfast.domain.port.EventLogReader.Tail;
import holdfast.domain.port.SampleTasks;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever becomes of the files meanwhile, a reader is given each line once, or told of a gap. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class LogReadingIT {
  @TempDir private Path directory;

  private FileEventLog open(int bytesMax, int filesMax) throws IOException {
    return open(bytesMax, filesMax, InstantSource.fixed(SampleTasks.NOON), true);
  }

  private FileEventLog open(int bytesMax, int filesMax, InstantSource clock, boolean compress)
      throws IOException {
    return new FileEventLog(
        new NioDisk(),
        directory,
        new FileEventLog.Bounds(
            bytesMax, filesMax, Duration.ofDays(1), 1L << 30, Duration.ofHours(1)),
        clock,
        compress);
  }

  private static Entry entry(int number) {
    Category category = number % 3 == 0 ? Category.ERROR : Category.TASK;
    return new Entry(
        SampleTasks.NOON.plusSeconds(number),
        category,
        "happened",
        Map.of("seq", (long) number, "taskId", "task-" + number % 100));
  }

  private static void fill(FileEventLog log, int from, int to) {
    for (int i = from; i < to; i++) {
      log.append(entry(i));
    }
    log.flush();
  }

  private static List<Long> seqs(List<Line> lines) {
    return lines.stream()
        .map(line -> (Long) Objects.requireNonNull(line.entry().data().get("seq"), line.toString()))
        .toList();
  }

  private static List<Long> downTo(long newest, long oldest) {
    return LongStream.rangeClosed(-newest, -oldest).map(n -> -n).boxed().toList();
  }

  private static Filter ofTask(String id) {
    return new Filter(Set.of(), null, id, null, null, null, null);
  }

  private static List<Line> all(EventLogReader reader, Filter filter) {
    var lines = new ArrayList<Line>();
    @Nullable Place place = null;
    do {
      Page page = reader.page(filter, place, 100);
      assertEquals(0, page.skipped());
      lines.addAll(page.lines());
      place = page.next();
    } while (place != null);
    return lines;
  }

  @Test
  void rotationsAndCompressionsBetweenPagesNeitherRepeatNorSkipALine() throws IOException {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("LogReadingIT seed " + seed);
    var random = new Random(seed);
    for (int round = 0; round < 10; round++) {
      int begun = 400 + random.nextInt(400);
      try (FileEventLog log = open(2_000 + random.nextInt(3_000), 1_000)) {
        fill(log, 0, begun);
        var read = new ArrayList<Long>();
        int next = begun;
        @Nullable Place place = null;
        do {
          Page page = log.reader().page(Filter.ALL, place, 1 + random.nextInt(60));
          read.addAll(seqs(page.lines()));
          place = page.next();
          assertFalse(page.removed(), "seed " + seed);
          int more = random.nextInt(60);
          fill(log, next, next + more);
          next += more;
        } while (place != null);
        assertEquals(downTo(begun - 1, 0), read, "seed " + seed);
        assertEquals(
            LongStream.range(0, next).filter(n -> n % 100 == 7).boxed().toList(),
            seqs(all(log.reader(), ofTask("task-7")).reversed()),
            "seed " + seed);
      }
      delete(directory);
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> walk = Files.walk(directory)) {
      for (Path path : walk.sorted((a, b) -> b.compareTo(a)).toList()) {
        if (!path.equals(directory)) {
          Files.delete(path);
        }
      }
    }
  }

  @Test
  void whatIsRemovedBetweenPagesIsMissedAndSaid() throws IOException {
    try (FileEventLog log = open(3_000, 4)) {
      fill(log, 0, 30);
      Page first = log.reader().page(Filter.ALL, null, 5);
      assertFalse(first.removed());
      fill(log, 30, 300);
      assertTrue(first.next() != null);
      Page second = log.reader().page(Filter.ALL, first.next(), 100);
      assertTrue(second.removed());
      assertTrue(second.lines().isEmpty());
      Page fresh = log.reader().page(Filter.ALL, null, 5);
      assertFalse(fresh.removed());
      Tail tail = log.reader().after(Filter.ALL, first.newest(), 10);
      assertTrue(tail.removed());
      assertTrue(tail.lines().isEmpty());
    }
    try (FileEventLog again = open(3_000, 4)) {
      assertTrue(again.reader().after(Filter.ALL, 1, 10).removed(), "forgotten by a restart");
    }
  }

  @Test
  void aFollowerThatIsTooSlowForMemoryIsGivenTheFiles() throws IOException {
    int lines = 3 * RecentLines.LINES_MAX;
    try (FileEventLog log = open(700_000, 1_000)) {
      Runnable end = log.reader().follow(() -> {});
      fill(log, 0, 10);
      long begun = log.reader().newest();
      for (int i = 10; i < lines; i += 1_000) {
        fill(log, i, Math.min(lines, i + 1_000));
      }
      var read = new ArrayList<Long>();
      long reached = begun;
      while (reached < log.reader().newest()) {
        Tail tail = log.reader().after(Filter.ALL, reached, 64);
        assertFalse(tail.removed());
        read.addAll(seqs(tail.lines()));
        reached = tail.reached();
      }
      assertEquals(LongStream.range(10, lines).boxed().toList(), read);
      assertTrue(Files.size(directory.resolve("task/task.jsonl")) > LogBlock.BYTES_MAX);
      assertEquals(downTo(lines - 1, 0), seqs(all(log.reader(), Filter.ALL)));
      end.run();
    }
  }

  @Test
  void numbersAreNotGivenAgainWhenTheEndOfAFileWasLost() throws IOException {
    long newest;
    try (FileEventLog log = open(1 << 20, 5, InstantSource.system(), true)) {
      fill(log, 0, 50);
      newest = log.reader().newest();
    }
    for (String name : List.of("task/task.jsonl", "error/error.jsonl")) {
      byte[] bytes = Files.readAllBytes(directory.resolve(name));
      Files.write(directory.resolve(name), java.util.Arrays.copyOf(bytes, bytes.length / 2));
    }
    try (FileEventLog log = open(1 << 20, 5, InstantSource.system(), true)) {
      assertTrue(log.reader().newest() > newest);
      fill(log, 50, 51);
      List<Line> lines = log.reader().page(Filter.ALL, null, 1_000).lines();
      assertEquals(50L, seqs(lines).getFirst());
      assertTrue(lines.size() > 20 && lines.size() < 30, lines.size() + " lines");
    }
    try (FileEventLog log = open(1 << 20, 5)) {
      // The clock has been put back by days: numbers go on behind the last one.
      fill(log, 51, 52);
      assertEquals(51L, seqs(log.reader().page(Filter.ALL, null, 1).lines()).getFirst());
    }
  }

  @Test
  void damagedPiecesAreCountedAndEverythingElseIsGiven() throws IOException {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("LogReadingIT seed " + seed);
    var random = new Random(seed);
    int lines = 12_000;
    try (FileEventLog log = open(400_000, 1_000)) {
      for (int i = 0; i < lines; i += 4_000) {
        fill(log, i, i + 4_000);
      }
    }
    try (FileEventLog log = open(400_000, 1_000)) {
      var packed = new ArrayList<>(awaitPacked("task", 2));
      packed.addAll(awaitPacked("error", 1));
      for (int round = 0; round < 20; round++) {
        Path file = packed.get(random.nextInt(packed.size()));
        byte[] whole = Files.readAllBytes(file);
        byte[] damaged = damaged(whole, random);
        Files.write(file, damaged);
        check(log.reader(), lines, !java.util.Arrays.equals(whole, damaged), seed);
        Files.write(file, whole);
      }
      check(log.reader(), lines, false, seed);
      Path plain = directory.resolve("task/task.jsonl");
      byte[] whole = Files.readAllBytes(plain);
      byte[] damaged = whole.clone();
      damaged[0] = 'x';
      java.util.Arrays.fill(damaged, whole.length / 2, whole.length / 2 + 1_000, (byte) 0xff);
      Files.write(plain, damaged);
      check(log.reader(), lines, true, seed);
    }
  }

  @Test
  void aDamagedHeaderCostsItsBlockAloneAndALostEndIsTold() throws Exception {
    int lines = 8_000;
    try (FileEventLog log = open(500_000, 1_000)) {
      fill(log, 0, lines);
    }
    try (FileEventLog log = open(500_000, 1_000)) {
      Path file = awaitPacked("task", 1).getFirst();
      byte[] whole = Files.readAllBytes(file);
      long firstBlock;
      int inFirstBlock;
      try (DiskFile opened = new NioDisk().open(file, Disk.Access.READ)) {
        LogBlock block = Objects.requireNonNull(LogBlock.at(opened, 0));
        firstBlock = block.end();
        byte[] content = Objects.requireNonNull(block.lines(opened));
        inFirstBlock = new String(content, StandardCharsets.UTF_8).split("\n", -1).length - 1;
        assertFalse(block.isLast(), "the test is of no use");
      }
      byte[] damaged = whole.clone();
      damaged[20] ^= 1;
      Files.write(file, damaged);
      assertEquals(lines - inFirstBlock, check(log.reader(), lines, true, 0));
      Files.write(file, java.util.Arrays.copyOf(whole, (int) firstBlock));
      long left = check(log.reader(), lines, true, 0);
      assertTrue(left < lines, "nothing was lost");
    }
  }

  /** The compressed files of a category, once there are so many and all that can be are. */
  private List<Path> awaitPacked(String category, int atLeast) throws IOException {
    while (true) {
      List<String> names = new NioDisk().list(directory.resolve(category));
      List<Path> packed =
          names.stream()
              .filter(name -> name.endsWith(".zst"))
              .map(directory.resolve(category)::resolve)
              .toList();
      if (packed.size() >= atLeast && packed.size() == names.size() - 1) {
        return packed;
      }
      Thread.onSpinWait();
    }
  }

  private static byte[] damaged(byte[] whole, Random random) {
    int at = random.nextInt(whole.length);
    return switch (random.nextInt(3)) {
      case 0 -> java.util.Arrays.copyOf(whole, at);
      case 1 -> {
        byte[] flipped = whole.clone();
        flipped[at] ^= (byte) (1 << random.nextInt(8));
        yield flipped;
      }
      default -> {
        byte[] zeroed = whole.clone();
        java.util.Arrays.fill(zeroed, at, Math.min(whole.length, at + 5_000), (byte) 0);
        yield zeroed;
      }
    };
  }

  /** What is given is right and in order; what is not given is counted. */
  private static long check(EventLogReader reader, int lines, boolean isDamaged, long seed) {
    long skipped = 0;
    var read = new ArrayList<Long>();
    @Nullable Place place = null;
    do {
      Page page = reader.page(Filter.ALL, place, 1_000);
      skipped += page.skipped();
      read.addAll(seqs(page.lines()));
      place = page.next();
    } while (place != null);
    for (int i = 1; i < read.size(); i++) {
      assertTrue(read.get(i) < read.get(i - 1), "seed " + seed);
    }
    if (isDamaged) {
      assertTrue(skipped > 0 || read.size() == lines, "damage is not told, seed " + seed);
      assertTrue(read.size() > lines / 2, read.size() + " lines are left, seed " + seed);
    } else {
      assertEquals(lines, read.size(), "seed " + seed);
      assertEquals(0, skipped);
    }
    return read.size();
  }

  @Test
  void linesOfInitiativesAreWrittenBeforeThoseOfTasksAndNoneIsShownBeforeAllAre() throws Exception {
    var disk = new GatedDisk("task.jsonl");
    var bounds =
        new FileEventLog.Bounds(1 << 20, 5, Duration.ofDays(1), 1L << 30, Duration.ofHours(1));
    try (var log = new FileEventLog(disk, directory, bounds, InstantSource.system());
        // Also if the test fails: the log waits for it at its end.
        AutoCloseable _ = disk::open) {
      long before = log.reader().newest();
      disk.close();
      for (Category category :
          List.of(Category.TASK, Category.INITIATIVE, Category.AUDIT, Category.ERROR)) {
        log.append(new Entry(SampleTasks.NOON, category, "happened", Map.of()));
      }
      disk.awaitBlocked();
      for (String name : List.of("initiative", "audit", "error")) {
        Path file = directory.resolve(name).resolve(name + ".jsonl");
        assertEquals(1, Files.readAllLines(file).size(), name);
      }
      assertEquals(before, log.reader().newest());
      assertTrue(log.reader().page(Filter.ALL, null, 10).lines().isEmpty());
      assertTrue(log.reader().after(Filter.ALL, before - 1, 10).lines().isEmpty());
      disk.open();
      log.flush();
      assertEquals(4, log.reader().page(Filter.ALL, null, 10).lines().size());
      assertEquals(4, log.reader().after(Filter.ALL, before, 10).lines().size());
    }
  }

  @Test
  void halfALineAtTheEndIsNotShown() throws IOException {
    try (FileEventLog log = open(1 << 20, 5)) {
      fill(log, 0, 20);
      Path file = directory.resolve("task/task.jsonl");
      Files.writeString(file, Files.readString(file) + "{\"time\":\"2026", StandardCharsets.UTF_8);
      assertEquals(20, all(log.reader(), Filter.ALL).size());
    }
  }

  @Test
  void linesLongerThanAnyPieceOrWithoutAnEndAreCutOrPassedOver() throws IOException {
    Files.createDirectories(directory.resolve("task"));
    Files.writeString(directory.resolve("task/task.jsonl"), "x".repeat(2_000_000) + "\n");
    try (FileEventLog log = open(100 << 20, 5)) {
      log.append(
          new Entry(
              SampleTasks.NOON,
              Category.TASK,
              "long",
              Map.of("seq", 1L, "text", "\u0001".repeat(1_000_000))));
      fill(log, 2, 2_000);
      List<Line> lines = new ArrayList<>();
      @Nullable Place place = null;
      long skipped = 0;
      do {
        Page page = log.reader().page(Filter.ALL, place, 1_000);
        lines.addAll(page.lines());
        skipped += page.skipped();
        place = page.next();
      } while (place != null);
      assertEquals(downTo(1_999, 1), seqs(lines));
      assertTrue(lines.getLast().json().length() < LogLine.BYTES_MAX);
      assertTrue(skipped > 0);
      assertEquals(1_999, log.reader().lastSeq(Category.TASK));
    }
  }
}

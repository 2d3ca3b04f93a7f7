package holdfast.adapters.file.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.ForwardingDisk;
import holdfast.adapters.file.ForwardingFile;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.EventLogReader.Filter;
import holdfast.domain.port.EventLogReader.Line;
import holdfast.domain.port.EventLogReader.Page;
import holdfast.domain.port.EventLogReader.Place;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A log takes no more room than it may, and never holds up anybody. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class LogBoundsIT {
  private static final List<Category> CATEGORIES = List.of(Category.values());
  private static final Duration DAY = Duration.ofDays(1);

  @TempDir private Path directory;

  private static Entry entry(Category category, int number) {
    return new Entry(Instant.now(), category, "happened", Map.of("number", (long) number));
  }

  private static List<Line> all(FileEventLog log, Category category) {
    var lines = new ArrayList<Line>();
    @Nullable Place place = null;
    do {
      Page page =
          log.reader()
              .page(new Filter(Set.of(category), null, null, null, null, null, null), place, 1_000);
      lines.addAll(page.lines());
      place = page.next();
    } while (place != null);
    return lines.reversed();
  }

  private static List<String> types(List<Line> lines) {
    return lines.stream().map(line -> line.entry().type()).toList();
  }

  /** Of all files, whatever they are called. */
  private long bytes() throws IOException {
    long bytes = 0;
    for (Category category : CATEGORIES) {
      Path folder = directory.resolve(category.label());
      for (String name : new NioDisk().list(folder)) {
        try {
          bytes += Files.size(folder.resolve(name));
        } catch (NoSuchFileException _) {
          // It has been removed or renamed since it was listed; then others count for it.
          bytes += 0;
        }
      }
    }
    return bytes;
  }

  @Test
  void allCategoriesTogetherStayWithinTheBudgetWhateverAFileMayBe() throws IOException {
    long budget = 1 << 20;
    var bounds =
        new FileEventLog.Bounds(1L << 40, 1_000, DAY.multipliedBy(99), budget, Duration.ofHours(1));
    for (boolean compress : List.of(true, false)) {
      try (var log =
          new FileEventLog(new NioDisk(), directory, bounds, InstantSource.system(), compress)) {
        long most = 0;
        for (int i = 0; i < 60; i++) {
          for (int j = 0; j < 500; j++) {
            log.append(entry(CATEGORIES.get(j % CATEGORIES.size()), j));
          }
          log.flush();
          most = Math.max(most, bytes());
        }
        assertTrue(most <= budget, most + " bytes");
        assertTrue(most > budget / 4, "the test is of no use: " + most + " bytes");
        assertEquals(495L, all(log, Category.SYSTEM).getLast().entry().data().get("number"));
      }
    }
  }

  @Test
  void filesGoWhenTheyAreTooOld() throws IOException {
    var bounds = new FileEventLog.Bounds(2_000, 1_000, DAY, 1L << 30, Duration.ofHours(1));
    try (var log = new FileEventLog(new NioDisk(), directory, bounds, InstantSource.system())) {
      for (int i = 0; i < 200; i++) {
        log.append(entry(Category.TASK, i));
      }
      log.flush();
      assertEquals(200, all(log, Category.TASK).size());
    }
    InstantSource later = () -> Instant.now().plus(Duration.ofDays(2));
    try (var log = new FileEventLog(new NioDisk(), directory, bounds, later)) {
      log.append(entry(Category.TASK, 200));
      log.flush();
      // Files are removed behind a round of writing: the next round comes after that.
      log.append(entry(Category.TASK, 201));
      log.flush();
      // The one that is written to is not old, whatever it begins with.
      List<Line> left = all(log, Category.TASK);
      assertTrue(left.size() < 30, left.size() + " lines");
      assertEquals(201L, left.getLast().entry().data().get("number"));
    }
  }

  @Test
  void aFloodInOneCategoryCostsNoOtherALine() throws Exception {
    var bounds = new FileEventLog.Bounds(1L << 30, 5, DAY, 1L << 40, Duration.ofHours(1));
    var gate = new GatedDisk("");
    try (var log = new FileEventLog(gate, directory, bounds, InstantSource.system())) {
      gate.close();
      log.append(entry(Category.ERROR, 0));
      gate.awaitBlocked();
      int flood = 5 * LogQueue.CATEGORY_MAX;
      long begun = System.nanoTime();
      for (int i = 0; i < flood; i++) {
        log.append(entry(Category.TASK, i));
      }
      long waited = System.nanoTime() - begun;
      log.append(entry(Category.SYSTEM, 1));
      log.append(entry(Category.ERROR, 1));
      gate.open();
      log.flush();
      log.append(entry(Category.TASK, flood));
      log.flush();
      assertTrue(waited < TimeUnit.SECONDS.toNanos(10), "appending waited for the disk");
      assertEquals(List.of("happened"), types(all(log, Category.SYSTEM)));
      assertEquals(List.of("happened", "happened"), types(all(log, Category.ERROR)));
      List<Line> lines = all(log, Category.TASK);
      List<Line> gaps = lines.stream().filter(l -> l.entry().type().equals("gap")).toList();
      assertEquals(1, gaps.size());
      long lost = (Long) gaps.getFirst().entry().data().get("lost");
      assertEquals(flood + 1, lines.size() - 1 + lost);
      assertTrue(lost > 0, "the queue was never full");
      assertEquals(gaps, lines.subList(lines.size() - 2, lines.size() - 1));
    }
  }

  @Test
  void whatAFullDiskRefusesIsCountedInItsCategoryAndEveryOtherLineIsThereOnce() throws IOException {
    var root = Path.of("/logs");
    var simulated = new SimulatedDisk(root);
    var disk = new FullDisk(simulated);
    var bounds =
        new FileEventLog.Bounds(
            3_000, 50, DAY.multipliedBy(100_000), 1L << 30, Duration.ofHours(1));
    // Uncompressed: a simulated disk is for one thread.
    try (var log = new FileEventLog(disk, root, bounds, Instant::now, false)) {
      int appended = 0;
      for (int round = 0; round < 60; round++) {
        // Twice in a row: then what tells of the first loss is lost, too.
        disk.full = round % 4 >= 2;
        for (int i = 0; i < 10; i++) {
          log.append(entry(Category.TASK, appended++));
        }
        log.flush();
        String refusal = log.condition().refusal();
        assertEquals(disk.full, refusal != null, "round " + round + ": " + refusal);
        assertTrue(refusal == null || refusal.contains("task.jsonl: No space left"), refusal);
      }
      disk.full = false;
      log.append(entry(Category.TASK, appended++));
      log.flush();
      List<Line> lines = all(log, Category.TASK);
      var numbers = new HashSet<Long>();
      long lost = 0;
      for (Line line : lines) {
        if (line.entry().type().equals("gap")) {
          lost += (Long) line.entry().data().get("lost");
        } else {
          assertTrue(numbers.add((Long) line.entry().data().get("number")), "twice");
        }
      }
      assertTrue(lost > 0);
      assertEquals(appended, numbers.size() + lost);
      assertEquals(lost, log.condition().lost().get(Category.TASK));
      assertNotNull(log.condition().firstLostAt());
      assertTrue(all(log, Category.SYSTEM).isEmpty());
    }
  }

  @Test
  void aLogWhoseWriterHasEndedSaysSo() throws Exception {
    var bounds = new FileEventLog.Bounds(3_000, 5, DAY, 1L << 30, Duration.ofHours(1));
    var disk =
        new ForwardingDisk(new NioDisk()) {
          @Override
          public DiskFile open(Path file, Access access) throws IOException {
            return new ForwardingFile(super.open(file, access)) {
              @Override
              public void write(ByteBuffer source, long offset) {
                throw new IllegalStateException("nobody foresaw this");
              }
            };
          }
        };
    try (var log = new FileEventLog(disk, directory, bounds, InstantSource.system())) {
      assertNull(log.condition().refusal());
      log.append(entry(Category.ERROR, 0));
      log.flush();
      String refusal = log.condition().refusal();
      assertTrue(refusal != null && refusal.contains("has ended"), refusal);
    }
  }

  /** A disk on which nothing can be written while it is full, but half of what was to be. */
  private static final class FullDisk extends ForwardingDisk {
    private volatile boolean full;

    FullDisk(SimulatedDisk disk) {
      super(disk);
    }

    @Override
    public DiskFile open(Path file, Access access) throws IOException {
      return new ForwardingFile(super.open(file, access)) {
        @Override
        public void write(ByteBuffer source, long offset) throws IOException {
          if (full) {
            ByteBuffer half = source.slice(0, source.remaining() / 2);
            super.write(half, offset);
            throw new DiskFullException("No space left on device", new IOException("full"));
          }
          super.write(source, offset);
        }
      };
    }
  }
}

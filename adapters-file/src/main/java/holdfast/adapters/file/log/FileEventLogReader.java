package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.log.CategoryScan.Range;
import holdfast.adapters.file.log.LogSource.Reading;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLogReader;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads log files, plain or compressed, a piece at a time. A call ends after a fifth of a second
 * with what it has found by then, and says where to go on.
 */
final class FileEventLogReader implements EventLogReader {
  private static final long PAGE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
  private static final long TAIL_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  /** A page ends early rather than outgrow this by more than a line. */
  private static final long CHARS_MAX = 4 << 20;

  /** How many steps back the last change is looked for. */
  private static final int SEQ_STEPS_MAX = 1_000;

  private final Disk disk;
  private final Map<Category, RotatedFiles> older;
  private final RecentLines recent;
  private final LongSupplier readable;

  /**
   * @param readable the number up to which all lines are in the files
   */
  FileEventLogReader(
      Disk disk, Map<Category, RotatedFiles> older, RecentLines recent, LongSupplier readable) {
    this.disk = disk;
    this.older = older;
    this.recent = recent;
    this.readable = readable;
  }

  @Override
  public Page page(Filter filter, @Nullable Place place, int limit) {
    long newest = newest();
    long highest = place == null ? newest : Math.min(newest, place.before() - 1);
    Map<Category, Long> floors = removed(filter);
    long deadline = System.nanoTime() + PAGE_NANOS;
    try (Scans scans = scans(filter, new Range(1, highest, true))) {
      var lines = new ArrayList<Line>();
      long before = highest + 1;
      long chars = 0;
      while (lines.size() < limit && chars < CHARS_MAX) {
        CategoryScan next = scans.next();
        if (next == null) {
          return page(filter, place, lines, null, newest, scans);
        }
        Line line = next.poll();
        if (line != null) {
          lines.add(line);
          chars += line.json().length();
          before = line.number();
        } else if (next.head() < before - 1 && System.nanoTime() - deadline > 0) {
          // Never before some way was made, or a client would ask for the same for ever.
          before = next.head() + 1;
          break;
        } else {
          next.advance();
        }
      }
      return page(
          filter,
          place,
          lines,
          new Place(before, place == null ? floors : place.floors()),
          newest,
          scans);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private Page page(
      Filter filter,
      @Nullable Place from,
      List<Line> lines,
      @Nullable Place next,
      long newest,
      Scans scans) {
    return new Page(
        lines, next, newest, scans.skipped(), scans.vanished() || wasRemoved(filter, from));
  }

  /** The number below which each wanted category has lost lines. */
  private Map<Category, Long> removed(Filter filter) {
    var removed = new EnumMap<Category, Long>(Category.class);
    for (Category category : filter.wanted()) {
      removed.put(category, older(category).removedBelow());
    }
    return removed;
  }

  private boolean wasRemoved(Filter filter, @Nullable Place from) {
    if (from == null) {
      return false;
    }
    for (Category category : filter.wanted()) {
      long then = from.floors().getOrDefault(category, 0L);
      if (then < from.before() && older(category).removedBelow() > then) {
        return true;
      }
    }
    return false;
  }

  private RotatedFiles older(Category category) {
    RotatedFiles files = older.get(category);
    if (files == null) {
      throw new AssertionError("every category has files");
    }
    return files;
  }

  @Override
  public Tail after(Filter filter, long number, int limit) {
    long newest = newest();
    if (number >= newest) {
      return new Tail(List.of(), number, false);
    }
    Tail remembered = recent.after(filter, number, limit, newest);
    if (remembered != null) {
      return remembered;
    }
    long deadline = System.nanoTime() + TAIL_NANOS;
    try (Scans scans = scans(filter, new Range(number + 1, newest, false))) {
      var lines = new ArrayList<Line>();
      long reached = number;
      while (lines.size() < limit) {
        CategoryScan next = scans.next();
        if (next == null || next.head() > newest) {
          reached = newest;
          break;
        }
        Line line = next.poll();
        if (line != null) {
          lines.add(line);
          reached = line.number();
        } else if (next.head() > reached + 1 && System.nanoTime() - deadline > 0) {
          reached = next.head() - 1;
          break;
        } else {
          next.advance();
        }
      }
      boolean removed = scans.vanished() || isGone(filter, number);
      return removed ? new Tail(List.of(), number, true) : new Tail(lines, reached, false);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Whether lines that come after {@code number} have been removed. */
  private boolean isGone(Filter filter, long number) {
    return filter.wanted().stream()
        .anyMatch(category -> older(category).removedBelow() > number + 1);
  }

  @Override
  public long newest() {
    return readable.getAsLong();
  }

  @Override
  public long lastSeq(Category category) {
    var range = new Range(1, Long.MAX_VALUE - 1, true);
    try (CategoryScan scan = scan(category, Filter.ALL, range)) {
      long last = 0;
      for (int step = 0; step < SEQ_STEPS_MAX && last == 0 && !scan.isExhausted(); step++) {
        scan.advance();
        for (Line line = scan.poll(); line != null; line = scan.poll()) {
          last = line.entry().data().get("seq") instanceof Long seq ? Math.max(last, seq) : last;
        }
      }
      return last;
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** The highest number that is found in any file; 0 if there is none. */
  long lastNumber() {
    long last = 0;
    for (Category category : Category.values()) {
      last = Math.max(last, lastNumber(category));
    }
    return last;
  }

  private long lastNumber(Category category) {
    try (CategoryScan scan = scan(category, Filter.ALL, new Range(1, Long.MAX_VALUE - 1, true))) {
      while (!scan.hasFound() && !scan.isExhausted()) {
        scan.advance();
      }
      Line line = scan.poll();
      return line == null ? 0 : line.number();
    } catch (IOException _) {
      // A log must not fail a start; the time gives a number as good as any.
      return 0;
    }
  }

  /** The newest entry of the audit trail that can be read, unchecked; null if there is none. */
  @Nullable AuditLine lastAudited() throws IOException {
    var range = new Range(1, Long.MAX_VALUE - 1, true);
    try (CategoryScan scan = scan(Category.AUDIT, Filter.ALL, range)) {
      for (int step = 0; step < SEQ_STEPS_MAX && !scan.isExhausted(); step++) {
        scan.advance();
        for (Line line = scan.poll(); line != null; line = scan.poll()) {
          AuditLine last = AuditLine.of(line);
          if (last != null) {
            return last;
          }
        }
      }
      return null;
    }
  }

  @Override
  public Runnable follow(Runnable onWritten) {
    return recent.follow(onWritten);
  }

  private CategoryScan scan(Category category, Filter filter, Range range) throws IOException {
    RotatedFiles older = older(category);
    return new CategoryScan(disk, older.current(), older, new Reading(category, filter), range);
  }

  private Scans scans(Filter filter, Range range) throws IOException {
    var scans = new Scans(new ArrayList<>(), range.newestFirst());
    try {
      for (Category category : filter.wanted()) {
        scans.all.add(scan(category, filter, range));
      }
      return scans;
    } catch (IOException | RuntimeException e) {
      scans.close();
      throw e;
    }
  }

  private static StorageException failed(IOException e) {
    return new StorageException("the event log cannot be read", e);
  }

  /** All wanted categories at once. */
  private record Scans(List<CategoryScan> all, boolean newestFirst) implements AutoCloseable {

    /** The one whose next line comes first, or would if it were found; null if none is left. */
    @Nullable CategoryScan next() {
      CategoryScan next = null;
      for (CategoryScan scan : all) {
        boolean isFirst =
            next == null || (newestFirst ? scan.head() > next.head() : scan.head() < next.head());
        if (!scan.isExhausted() && isFirst) {
          next = scan;
        }
      }
      return next;
    }

    long skipped() {
      return all.stream().mapToLong(CategoryScan::skipped).sum();
    }

    boolean vanished() {
      return all.stream().anyMatch(CategoryScan::vanished);
    }

    @Override
    public void close() throws IOException {
      for (CategoryScan scan : all) {
        scan.close();
      }
    }
  }
}

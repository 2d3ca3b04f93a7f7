package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.log.LogSource.Reading;
import holdfast.domain.port.EventLogReader.Filter;
import holdfast.domain.port.EventLogReader.Line;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The wanted lines of one category, from a number on in one direction, found piece by piece. For
 * one thread.
 *
 * <p>The files that are there are looked up once, at the beginning. One that is rotated meanwhile
 * has been opened; one that is compressed is opened by its other name; one that is removed is
 * missed and {@linkplain #vanished said} to be.
 */
final class CategoryScan implements AutoCloseable {
  private final RotatedFiles older;
  private final Reading reading;
  private final boolean newestFirst;
  private final long lowest;
  private final long highest;
  private final @Nullable String needle;
  private final ArrayDeque<Place> places = new ArrayDeque<>();
  private final ArrayDeque<Line> found = new ArrayDeque<>();
  private @Nullable DiskFile active;
  private @Nullable LogSource source;
  private @Nullable Place place;
  private int piece;

  /** All lines before it, in the direction of the scan, have been looked at. */
  private long frontier;

  private long pushed;
  private long skipped;
  private boolean exhausted;
  private boolean vanished;

  /**
   * A file.
   *
   * @param first no line in it has a lower number
   * @param next no line in it has this or a higher number
   */
  private record Place(long first, long next, boolean isActive) {}

  /** Which numbers are wanted, both inclusive, and in which order. */
  record Range(long lowest, long highest, boolean newestFirst) {}

  /**
   * @param file the one that is being written
   */
  CategoryScan(Disk disk, Path file, RotatedFiles older, Reading reading, Range range)
      throws IOException {
    this.older = older;
    this.reading = reading;
    newestFirst = range.newestFirst();
    lowest = range.lowest();
    highest = range.highest();
    needle = needle(reading.filter());
    frontier = newestFirst ? highest + 1 : lowest;
    pushed = newestFirst ? Long.MAX_VALUE : 0;
    // Before the others are listed: what is rotated in between is there in both, not in none.
    active = RotatedFiles.open(disk, file);
    findPlaces();
  }

  private void findPlaces() throws IOException {
    DiskFile opened = active;
    long began = opened == null ? 0 : LogFile.first(opened, reading.category());
    long limit = began > 0 ? began : Long.MAX_VALUE;
    List<Long> firsts = older.firsts().stream().filter(first -> first < limit).toList();
    var all = new ArrayList<Place>();
    for (int i = 0; i < firsts.size(); i++) {
      long next = i + 1 < firsts.size() ? firsts.get(i + 1) : limit;
      all.add(new Place(firsts.get(i), next, false));
    }
    if (opened != null) {
      all.add(new Place(Math.max(1, began), Long.MAX_VALUE, true));
    }
    all.removeIf(any -> any.first() > highest || any.next() <= lowest);
    if (newestFirst) {
      Collections.reverse(all);
    }
    places.addAll(all);
  }

  /** What every wanted line contains, for a quick look; null if there is nothing of the kind. */
  private static @Nullable String needle(Filter filter) {
    if (filter.taskId() != null) {
      return needle("taskId", filter.taskId());
    }
    if (filter.initiativeId() != null) {
      return needle("initiativeId", filter.initiativeId());
    }
    return filter.type() == null ? null : needle("type", filter.type());
  }

  private static @Nullable String needle(String name, String value) {
    boolean isPlain = value.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '"' && c != '\\');
    return isPlain ? '"' + name + "\":\"" + value + '"' : null;
  }

  /**
   * The number of the next line, or, while that is not found yet, the first that it may have; 0 if
   * there is none any more.
   */
  long head() {
    if (!found.isEmpty()) {
      return found.getFirst().number();
    }
    return exhausted ? 0 : newestFirst ? frontier - 1 : frontier;
  }

  boolean isExhausted() {
    return exhausted && found.isEmpty();
  }

  /** The next line if it is found already. */
  @Nullable Line poll() {
    return found.poll();
  }

  boolean hasFound() {
    return !found.isEmpty();
  }

  /** Lines, and places in files, that could not be read. */
  long skipped() {
    return skipped;
  }

  /** Whether a file was removed that had not been read yet. */
  boolean vanished() {
    return vanished;
  }

  /** Does a bounded piece of work. What cannot be read is passed over. */
  void advance() throws IOException {
    LogSource open = source;
    try {
      if (open == null) {
        openNext();
      } else if (piece < 0 || piece >= open.pieces()) {
        closeSource();
      } else {
        read(open);
      }
    } catch (IOException _) {
      skipped++;
      closeSource();
    }
  }

  private void openNext() throws IOException {
    Place next = places.poll();
    place = next;
    if (next == null) {
      exhausted = true;
      return;
    }
    RotatedFiles.Opened opened = opened(next);
    if (opened == null) {
      vanished = true;
      closeSource();
      return;
    }
    LogSource open = LogSource.of(opened, reading, highest);
    source = open;
    skipped += open.damaged();
    piece = newestFirst ? lastPiece(open) : firstPiece(open);
  }

  private RotatedFiles.@Nullable Opened opened(Place next) throws IOException {
    if (!next.isActive()) {
      return older.open(next.first());
    }
    DiskFile file = active;
    active = null;
    return file == null ? null : new RotatedFiles.Opened(file, false);
  }

  /** The last piece with a line that is not beyond {@link #highest}; -1 if there is none. */
  private int lastPiece(LogSource open) throws IOException {
    int low = 0;
    int high = open.pieces();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (open.begin(middle) <= highest) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  /** The first piece with a line that is not below {@link #lowest}. */
  private int firstPiece(LogSource open) throws IOException {
    int low = 0;
    int high = open.pieces();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (open.bound(middle) < lowest) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private void closeSource() throws IOException {
    LogSource open = source;
    Place ended = place;
    source = null;
    place = null;
    if (ended != null) {
      frontier = newestFirst ? Math.min(frontier, ended.first()) : Math.max(frontier, ended.next());
    }
    if (open != null) {
      open.close();
    }
  }

  private void read(LogSource open) throws IOException {
    int present = piece;
    piece += newestFirst ? -1 : 1;
    Lines lines = open.read(present);
    if (lines == null) {
      skipped++;
    } else {
      var matching = new ArrayList<Line>();
      match(lines, matching);
      if (newestFirst) {
        Collections.reverse(matching);
      }
      matching.forEach(this::push);
    }
    frontier =
        newestFirst
            ? Math.min(frontier, open.begin(present))
            : Math.max(frontier, open.bound(present) + 1);
  }

  /** In order, and each once, whatever somebody has put into the files. */
  private void push(Line line) {
    if (newestFirst ? line.number() < pushed : line.number() > pushed) {
      pushed = line.number();
      found.add(line);
    }
  }

  private void match(Lines lines, List<Line> matching) {
    if (needle == null) {
      lines.forEach((bytes, from, to) -> match(bytes, from, to, matching));
      return;
    }
    byte[] bytes = lines.bytes();
    // One byte a character: searching such a text is what the JVM does fastest.
    var text =
        new String(bytes, lines.from(), lines.to() - lines.from(), StandardCharsets.ISO_8859_1);
    int at = text.indexOf(needle);
    while (at >= 0) {
      int from = text.lastIndexOf('\n', at) + 1;
      int end = text.indexOf('\n', at);
      int to = end < 0 ? text.length() : end;
      match(bytes, lines.from() + from, lines.from() + to, matching);
      at = text.indexOf(needle, to);
    }
  }

  private void match(byte[] bytes, int from, int to, List<Line> matching) {
    Line line = LogLine.decode(bytes, from, to, reading.category());
    if (line == null) {
      skipped++;
    } else if (line.number() >= lowest
        && line.number() <= highest
        && reading.filter().matches(line.entry())) {
      matching.add(line);
    }
  }

  @Override
  public void close() throws IOException {
    LogSource open = source;
    DiskFile unread = active;
    source = null;
    active = null;
    if (open != null) {
      open.close();
    }
    if (unread != null) {
      unread.close();
    }
  }
}

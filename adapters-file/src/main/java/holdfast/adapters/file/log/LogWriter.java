package holdfast.adapters.file.log;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.EventLogReader.Line;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Numbers lines and writes them, each into the file of its category, a round at a time. Lines of
 * the audit trail are chained, and wait if the disk refuses them; others are lost then, and the log
 * tells how many. One thread.
 */
final class LogWriter {
  private static final int RETRIED_FIRST = 100;

  private final Map<Category, LogFile> files;
  private final LogQueue queue;
  private final LostLines lost;
  private final RecentLines recent;
  private final AuditChain chain;
  private final AtomicLong readable;
  private final InstantSource clock;
  private long number;

  /**
   * @param files in the order in which they are written
   * @param queue is told how many lines wait for the disk
   * @param readable the number of the last line that was written; is kept so
   */
  LogWriter(
      Map<Category, LogFile> files,
      LogQueue queue,
      LostLines lost,
      RecentLines recent,
      AuditChain chain,
      AtomicLong readable,
      InstantSource clock) {
    this.files = files;
    this.queue = queue;
    this.lost = lost;
    this.recent = recent;
    this.chain = chain;
    this.readable = readable;
    this.clock = clock;
    number = readable.get();
  }

  /** Writes what was taken, and then, of each category, how many lines were lost. */
  void write(LogQueue.Taken taken) {
    Instant now = clock.instant();
    taken.dropped().forEach((category, count) -> lost.lost(category, count, now));
    Map<Category, Long> gaps = lost.untold();
    if (taken.entries().isEmpty()
        && gaps.isEmpty()
        && chain.refused() == 0
        && !file(Category.AUDIT).isDoubtful()) {
      return;
    }
    Map<Category, List<Line>> kept = new EnumMap<>(Category.class);
    boolean followed = recent.isFollowed();
    long before = number;
    retryAudit(followed, kept);
    for (Entry entry : taken.entries()) {
      add(entry, followed, kept);
    }
    gaps.forEach(
        (category, count) ->
            add(new Entry(now, category, "gap", Map.of("lost", count)), followed, kept));
    // The trail keeps what it has taken until the disk takes it.
    lost.told(Category.AUDIT);
    files.forEach((category, file) -> write(category, file, gaps.containsKey(category), kept));
    if (followed) {
      recent.add(
          kept.values().stream()
              .flatMap(List::stream)
              .sorted(Comparator.comparingLong(Line::number))
              .toList(),
          before);
    } else {
      recent.forget();
    }
    readable.set(number);
    recent.announce();
  }

  /** Writes what the disk has refused: a little first, for it may still be refused. */
  private void retryAudit(boolean followed, Map<Category, List<Line>> kept) {
    int some = RETRIED_FIRST;
    while (chain.refused() > 0) {
      int refused = chain.refused();
      chain.next(some).forEach(entry -> hand(entry, followed, kept));
      write(Category.AUDIT, file(Category.AUDIT), false, kept);
      if (chain.refused() > refused - Math.min(some, refused)) {
        return;
      }
      some = LogQueue.CATEGORY_MAX;
    }
  }

  private void add(Entry entry, boolean followed, Map<Category, List<Line>> kept) {
    if (entry.category() == Category.AUDIT) {
      chain.add(entry);
      if (chain.refused() > 0) {
        return;
      }
    }
    hand(entry, followed, kept);
  }

  private void hand(Entry entry, boolean followed, Map<Category, List<Line>> kept) {
    number++;
    byte[] line =
        entry.category() == Category.AUDIT
            ? chain.handOver(entry, number)
            : LogLine.encode(entry, number);
    file(entry.category()).add(number, line);
    if (followed) {
      kept.computeIfAbsent(entry.category(), _ -> new ArrayList<>())
          .add(
              new Line(
                  number, entry, new String(line, 0, line.length - 1, StandardCharsets.UTF_8)));
    }
  }

  /**
   * @param hasGap whether the last line tells of lost ones: if it is lost itself, it is told again
   */
  private void write(
      Category category, LogFile file, boolean hasGap, Map<Category, List<Line>> kept) {
    boolean ordered = category == Category.INITIATIVE && file.hasLines();
    int missing = file.hasLines() || file.isDoubtful() ? file.write() : 0;
    lost.written(category, file.refusal());
    if (ordered) {
      file.force();
    }
    if (category == Category.AUDIT) {
      chain.written(missing);
      queue.waiting(category, chain.refused());
    } else {
      count(category, missing, hasGap);
    }
    List<Line> lines = kept.get(category);
    if (missing > 0 && lines != null) {
      lines.subList(Math.max(0, lines.size() - missing), lines.size()).clear();
    }
  }

  private void count(Category category, int missing, boolean hasGap) {
    int events = hasGap ? missing - 1 : missing;
    if (missing == 0) {
      lost.told(category);
    } else if (events > 0) {
      lost.lost(category, events, clock.instant());
    }
  }

  private LogFile file(Category category) {
    LogFile file = files.get(category);
    if (file == null) {
      throw new AssertionError("every category has a file");
    }
    return file;
  }
}

package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.EventLogReader.Filter;
import holdfast.domain.port.EventLogReader.Line;
import holdfast.domain.port.EventLogReader.Page;
import holdfast.domain.port.EventLogReader.Place;
import holdfast.domain.port.EventLogReader.Tail;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every {@link EventLog} and its {@link EventLogReader} promise. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
public abstract class EventLogContractTest {

  protected abstract EventLog log();

  private EventLogReader reader() {
    return log().reader();
  }

  private static Entry entry(Category category, String type, Map<String, Object> data) {
    return new Entry(SampleTasks.NOON, category, type, data);
  }

  private static Filter only(Category category) {
    return new Filter(Set.of(category), null, null, null, null, null, null);
  }

  /** What a reader of the log finds in a category, in order. */
  private List<Entry> read(Category category) {
    return entries(all(only(category), 1_000)).reversed();
  }

  private static List<Entry> entries(List<Line> lines) {
    return lines.stream().map(Line::entry).toList();
  }

  /** Everything that is wanted, newest first, in pages. */
  private List<Line> all(Filter filter, int limit) {
    var lines = new ArrayList<Line>();
    @Nullable Place place = null;
    do {
      Page page = reader().page(filter, place, limit);
      assertTrue(page.lines().size() <= limit);
      lines.addAll(page.lines());
      place = page.next();
    } while (place != null);
    return lines;
  }

  /** Everything that is wanted behind a number, oldest first, in parts. */
  private List<Line> tail(Filter filter, long number, int limit) {
    var lines = new ArrayList<Line>();
    long reached = number;
    while (reached < reader().newest()) {
      Tail tail = reader().after(filter, reached, limit);
      assertFalse(tail.removed());
      assertTrue(tail.reached() > reached, "no way is made");
      lines.addAll(tail.lines());
      reached = tail.reached();
    }
    return lines;
  }

  @Test
  void flushedEntriesAreReadBackInOrder() {
    var data = new LinkedHashMap<String, Object>();
    data.put("text", "a \"quoted\"\nline \u0001 \ud83d\ude00");
    data.put("number", 9_007_199_254_740_993L);
    data.put("flag", true);
    log().append(entry(Category.TASK, "first", data));
    log().append(entry(Category.TASK, "second", Map.of()));
    log().flush();
    assertEquals(
        List.of(entry(Category.TASK, "first", data), entry(Category.TASK, "second", Map.of())),
        read(Category.TASK));
  }

  @Test
  void categoriesAreApart() {
    for (Category category : Category.values()) {
      log().append(entry(category, "only", Map.of("name", category.name())));
    }
    log().flush();
    for (Category category : Category.values()) {
      List<Entry> found = read(category);
      assertEquals(List.of("only"), found.stream().map(Entry::type).toList());
      // What is audited has its place in the chain besides.
      assertEquals(category.name(), found.getFirst().data().get("name"));
    }
  }

  @Test
  void closeFlushesAndIsIdempotentAndWhatIsThereCanStillBeRead() {
    log().append(entry(Category.AUDIT, "last", Map.of()));
    log().close();
    log().close();
    log().append(entry(Category.AUDIT, "too-late", Map.of()));
    assertEquals(1, read(Category.AUDIT).size());
    assertTrue(read(Category.ERROR).isEmpty());
  }

  private void fill(int from, int to) {
    Category[] categories = Category.values();
    for (int i = from; i < to; i++) {
      log()
          .append(
              new Entry(
                  SampleTasks.NOON.plusSeconds(i),
                  categories[i % categories.length],
                  i % 2 == 0 ? "even" : "odd",
                  Map.of(
                      "taskId", "task-" + i % 10,
                      "initiativeId", "initiative-" + i % 7,
                      "seq", (long) i,
                      "text", "The Number " + i + ".")));
    }
    log().flush();
  }

  private static List<Long> seqs(List<Line> lines) {
    return lines.stream().map(line -> (Long) line.entry().data().get("seq")).toList();
  }

  @Test
  void linesOfAllCategoriesAreNumberedInOneOrderAndReadBothWays() {
    fill(0, 100);
    List<Line> newestFirst = all(Filter.ALL, 7);
    List<Line> oldestFirst = tail(Filter.ALL, newestFirst.getLast().number() - 1, 7);
    assertEquals(newestFirst.reversed(), oldestFirst);
    for (int i = 0; i < 100; i++) {
      assertEquals((long) i, seqs(oldestFirst).get(i));
      assertTrue(i == 0 || oldestFirst.get(i).number() > oldestFirst.get(i - 1).number());
      assertTrue(oldestFirst.get(i).json().contains("\"line\":" + oldestFirst.get(i).number()));
    }
    assertEquals(oldestFirst.getLast().number(), reader().newest());
    assertEquals(oldestFirst.subList(60, 100), tail(Filter.ALL, oldestFirst.get(59).number(), 3));
  }

  @Test
  void everyPartOfAFilterCounts() {
    fill(0, 210);
    Instant noon = SampleTasks.NOON;
    Set<Category> none = Set.of();
    check(new Filter(Set.of(Category.TASK, Category.ERROR), null, null, null, null, null, null));
    check(new Filter(none, "even", null, null, null, null, null));
    check(new Filter(none, null, "task-3", null, null, null, null));
    check(new Filter(none, null, null, "initiative-3", null, null, null));
    check(new Filter(none, null, null, null, noon.plusSeconds(20), noon.plusSeconds(30), null));
    check(new Filter(none, null, null, null, null, null, "tHE nUMBER 11"));
    check(
        new Filter(
            Set.of(Category.TASK),
            "odd",
            "task-3",
            "initiative-2",
            noon,
            noon.plusSeconds(1_000),
            "number"));
    assertTrue(all(new Filter(none, null, "task-", null, null, null, null), 9).isEmpty());
    assertTrue(all(new Filter(none, null, null, null, noon, noon, null), 9).isEmpty());
  }

  private void check(Filter filter) {
    List<Line> wanted =
        all(Filter.ALL, 1_000).stream().filter(line -> filter.matches(line.entry())).toList();
    assertFalse(wanted.isEmpty(), "the test is of no use: " + filter);
    assertEquals(wanted, all(filter, 3), filter.toString());
    assertEquals(wanted.reversed(), tail(filter, wanted.getLast().number() - 1, 3));
  }

  @Test
  void whatIsAppendedBetweenPagesNeitherRepeatsNorSkipsALine() {
    fill(0, 50);
    Page page = reader().page(Filter.ALL, null, 10);
    var lines = new ArrayList<>(page.lines());
    int next = 50;
    while (page.next() != null) {
      fill(next, next + 7);
      next += 7;
      page = reader().page(Filter.ALL, page.next(), 10);
      lines.addAll(page.lines());
      assertFalse(page.removed());
    }
    assertEquals(50, lines.size());
    for (int i = 0; i < 50; i++) {
      assertEquals(49L - i, seqs(lines).get(i));
    }
  }

  @Test
  void followersAreToldUntilTheyEnd() throws InterruptedException {
    var told = new CountDownLatch(1);
    Runnable end = reader().follow(told::countDown);
    log().append(entry(Category.TASK, "new", Map.of()));
    assertTrue(told.await(10, TimeUnit.SECONDS));
    assertEquals(1, reader().after(Filter.ALL, reader().newest() - 1, 10).lines().size());
    end.run();
    end.run();
  }

  @Test
  void theLastSeqOfACategoryIsFoundBehindLinesWithoutOne() {
    assertEquals(0, reader().lastSeq(Category.TASK));
    fill(0, 100);
    log().append(entry(Category.TASK, "without", Map.of()));
    log().flush();
    assertEquals(97, reader().lastSeq(Category.TASK));
    assertEquals(95, reader().lastSeq(Category.AUDIT));
    assertNull(reader().page(only(Category.TASK), null, 1_000).next());
  }
}

package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What every {@link EventLog} promises. */
public abstract class EventLogContractTest {

  protected abstract EventLog log();

  /** What a reader of the log finds in a category, in order. */
  protected abstract List<Entry> read(Category category);

  private static Entry entry(Category category, String type, Map<String, Object> data) {
    return new Entry(SampleTasks.NOON, category, type, data);
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
      assertEquals(
          List.of(entry(category, "only", Map.of("name", category.name()))), read(category));
    }
  }

  @Test
  void closeFlushesAndIsIdempotent() {
    log().append(entry(Category.AUDIT, "last", Map.of()));
    log().close();
    log().close();
    log().append(entry(Category.AUDIT, "too-late", Map.of()));
    assertEquals(1, read(Category.AUDIT).size());
    assertTrue(read(Category.ERROR).isEmpty());
  }
}

package holdfast.adapters.file.log;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Condition;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Lines that were lost since the start, and those of them that the log does not tell of yet. The
 * writing thread counts, any thread asks.
 */
final class LostLines {
  private final Map<Category, Long> untold = new EnumMap<>(Category.class);
  private final Map<Category, String> refusals = new EnumMap<>(Category.class);
  private volatile Condition condition = Condition.SOUND;

  /** Counts lines that are to be told of. */
  void lost(Category category, long count, Instant at) {
    untold.merge(category, count, Long::sum);
    Map<Category, Long> all = new EnumMap<>(Category.class);
    all.putAll(condition.lost());
    all.merge(category, count, Long::sum);
    Instant first = condition.firstLostAt();
    condition = new Condition(all, first == null ? at : first, at, condition.refusal());
  }

  /** What the log is to tell of, by category. */
  Map<Category, Long> untold() {
    return Map.copyOf(untold);
  }

  /** The log tells of what was lost of a category. */
  void told(Category category) {
    untold.remove(category);
  }

  /**
   * Notes how writing a category went.
   *
   * @param refusal why the disk did not take all lines, or null
   */
  void written(Category category, @Nullable String refusal) {
    if (refusal == null) {
      refusals.remove(category);
    } else {
      refusals.put(category, refusal);
    }
    String present = refusals.values().stream().findFirst().orElse(null);
    condition =
        new Condition(condition.lost(), condition.firstLostAt(), condition.lastLostAt(), present);
  }

  /**
   * How the log is.
   *
   * @param waiting lines that were lost, and that the writing thread has not come to yet
   */
  Condition condition(Map<Category, Long> waiting, Instant now) {
    Condition counted = condition;
    if (waiting.isEmpty()) {
      return counted;
    }
    Map<Category, Long> all = new EnumMap<>(Category.class);
    all.putAll(counted.lost());
    waiting.forEach((category, count) -> all.merge(category, count, Long::sum));
    Instant first = counted.firstLostAt();
    return new Condition(all, first == null ? now : first, now, counted.refusal());
  }
}

package holdfast.domain.port;

import holdfast.domain.port.EventLog.Category;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the lines of an {@link EventLog} back. Every line has a number that no other one ever has,
 * in whatever category; later lines have higher ones. So a place in the log is a number, whatever
 * happens to the files meanwhile.
 *
 * <p>Any thread. Each call does a bounded amount of work: it may return fewer lines than asked for,
 * even none, and says where to go on. Lines that cannot be read are passed over and counted.
 */
public interface EventLogReader {

  /**
   * Which lines are wanted; null stands for any.
   *
   * @param categories any of these; empty for all
   * @param from at or after this time
   * @param to before this time
   * @param text occurs in the value of some detail or in the type, whether upper or lower case
   */
  record Filter(
      Set<Category> categories,
      @Nullable String type,
      @Nullable String taskId,
      @Nullable String initiativeId,
      @Nullable Instant from,
      @Nullable Instant to,
      @Nullable String text) {
    public static final Filter ALL = new Filter(Set.of(), null, null, null, null, null, null);

    public Filter {
      categories = Set.copyOf(categories);
      text = text == null ? null : text.toLowerCase(Locale.ROOT);
    }

    /** The categories to look into. */
    public Set<Category> wanted() {
      return categories.isEmpty() ? Set.of(Category.values()) : categories;
    }

    public boolean matches(EventLog.Entry entry) {
      return wanted().contains(entry.category())
          && (type == null || type.equals(entry.type()))
          && (taskId == null || taskId.equals(entry.data().get("taskId")))
          && (initiativeId == null || initiativeId.equals(entry.data().get("initiativeId")))
          && (from == null || !entry.at().isBefore(from))
          && (to == null || entry.at().isBefore(to))
          && (text == null || mentions(entry, text));
    }

    private static boolean mentions(EventLog.Entry entry, String wanted) {
      return entry.type().toLowerCase(Locale.ROOT).contains(wanted)
          || entry.data().values().stream()
              .anyMatch(value -> value.toString().toLowerCase(Locale.ROOT).contains(wanted));
    }
  }

  /**
   * A line.
   *
   * @param json the whole of it as it is kept, a JSON object
   */
  record Line(long number, EventLog.Entry entry, String json) {}

  /**
   * Where a list goes on.
   *
   * @param before only lines with smaller numbers
   * @param floors the number of the oldest line that each category had when the list began
   */
  record Place(long before, Map<Category, Long> floors) {
    public Place {
      floors = Map.copyOf(floors);
    }
  }

  /**
   * A part of the log, newest first.
   *
   * @param next null if nothing is left
   * @param newest the number of the newest line there was in the whole log
   * @param skipped lines, and pieces of files, that were met and could not be read
   * @param removed whether lines that the list would still have come to have been removed since it
   *     began, because they had become too old or too many
   */
  record Page(List<Line> lines, @Nullable Place next, long newest, long skipped, boolean removed) {}

  /**
   * What comes behind a place, oldest first.
   *
   * @param reached every wanted line up to this number is in {@code lines} or was before
   * @param removed whether lines behind the place are gone; {@code lines} is empty then
   */
  record Tail(List<Line> lines, long reached, boolean removed) {}

  /** The newest lines, or those behind {@code place}. */
  Page page(Filter filter, @Nullable Place place, int limit);

  /** The lines that come after {@code number}. */
  Tail after(Filter filter, long number, int limit);

  /** The number of the newest line that can be read; 0 if there never was one. */
  long newest();

  /**
   * The highest {@code seq} among the lines of a category, found in its newest ones; 0 if none has
   * one.
   */
  long lastSeq(Category category);

  /**
   * Calls {@code onWritten} whenever lines have become readable, soon after they were appended. It
   * must neither block nor throw.
   *
   * @return ends it
   */
  Runnable follow(Runnable onWritten);
}

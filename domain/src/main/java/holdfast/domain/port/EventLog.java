package holdfast.domain.port;

import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The record of what happened, for people and for machines. It is not the journal: it may lose its
 * newest lines in a crash, and nothing is ever decided from it.
 *
 * <p>Any thread. {@link #append} neither blocks nor fails: what cannot be written is counted, and
 * the gap is shown in the log itself, in the category that has it: a line of type {@code gap} whose
 * {@code lost} is the count.
 */
public interface EventLog extends AutoCloseable {

  /** The kinds of lines, kept apart. */
  enum Category {
    WEBSOCKET,
    TASK,
    INITIATIVE,
    SYSTEM,
    ERROR,
    /** The entries of the {@link AuditTrail}, with their places in its chain. */
    AUDIT;

    /** As it is written in lines, queries and the names of files. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * One line.
   *
   * @param type what happened, kebab-case
   * @param data details: values are strings, numbers and booleans. {@code taskId}, {@code
   *     initiativeId} and {@code seq} are what they say in every line that has them
   */
  record Entry(Instant at, Category category, String type, Map<String, Object> data) {}

  void append(Entry entry);

  /** Writes out everything appended before. */
  void flush();

  /** Reads what was written. */
  EventLogReader reader();

  /**
   * How the log is at present.
   *
   * @param lost lines since the start that were not written, by category; none of those that have
   *     lost nothing
   * @param firstLostAt when the first of them was missed, or null
   * @param lastLostAt when the last of them was missed, or null
   * @param refusal why the disk takes no lines now, or null
   */
  record Condition(
      Map<Category, Long> lost,
      @Nullable Instant firstLostAt,
      @Nullable Instant lastLostAt,
      @Nullable String refusal) {
    /** Of a log that has lost nothing. */
    public static final Condition SOUND = new Condition(Map.of(), null, null, null);

    public Condition {
      lost = Map.copyOf(lost);
    }
  }

  /** For health reports. Neither blocks nor touches the disk. */
  default Condition condition() {
    return Condition.SOUND;
  }

  /** Flushes and lets go. Idempotent. */
  @Override
  void close();
}

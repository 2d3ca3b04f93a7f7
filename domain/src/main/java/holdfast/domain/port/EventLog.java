package holdfast.domain.port;

import java.time.Instant;
import java.util.Map;

/**
 * The record of what happened, for people and for machines. It is not the journal: it may lose its
 * newest lines in a crash, and nothing is ever decided from it.
 *
 * <p>Any thread. {@link #append} neither blocks nor fails: what cannot be written is counted, and
 * the gap is shown in the log itself.
 */
public interface EventLog extends AutoCloseable {

  /** The kinds of lines, kept apart. */
  enum Category {
    WEBSOCKET,
    TASK,
    INITIATIVE,
    SYSTEM,
    ERROR,
    AUDIT
  }

  /**
   * One line.
   *
   * @param type what happened, kebab-case
   * @param data details: values are strings, numbers and booleans
   */
  record Entry(Instant at, Category category, String type, Map<String, Object> data) {}

  void append(Entry entry);

  /** Writes out everything appended before. */
  void flush();

  /** Flushes and lets go. Idempotent. */
  @Override
  void close();
}

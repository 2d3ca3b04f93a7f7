package holdfast.domain.port;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** An event log that tests can look into. */
public final class InMemoryEventLog implements EventLog {
  private final List<Entry> entries = new CopyOnWriteArrayList<>();
  private volatile boolean closed;

  /** Everything appended before it was closed, in order. */
  public List<Entry> entries() {
    return List.copyOf(entries);
  }

  /** The entries of one category, in order. */
  public List<Entry> entries(Category category) {
    return entries.stream().filter(entry -> entry.category() == category).toList();
  }

  @Override
  public void append(Entry entry) {
    if (!closed) {
      entries.add(entry);
    }
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    closed = true;
  }
}

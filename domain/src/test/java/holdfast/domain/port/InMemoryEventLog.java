package holdfast.domain.port;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** An event log that tests can look into. Lines can be read as soon as they are appended. */
public final class InMemoryEventLog implements EventLog, EventLogReader {
  private final List<Line> lines = new ArrayList<>();
  private final List<Runnable> followers = new CopyOnWriteArrayList<>();
  private final Map<Category, Long> removedBelow = new EnumMap<>(Category.class);
  private long number;
  private volatile boolean closed;
  private volatile Condition condition = Condition.SOUND;

  private synchronized List<Line> lines() {
    return List.copyOf(lines);
  }

  /** Everything appended before it was closed, in order. */
  public List<Entry> entries() {
    return lines().stream().map(Line::entry).toList();
  }

  /** Says what is to be said of itself from now on. */
  public void say(Condition said) {
    condition = said;
  }

  @Override
  public Condition condition() {
    return condition;
  }

  /** The entries of one category, in order. */
  public List<Entry> entries(Category category) {
    return entries().stream().filter(entry -> entry.category() == category).toList();
  }

  @Override
  public void append(Entry entry) {
    synchronized (this) {
      if (closed) {
        return;
      }
      number++;
      lines.add(new Line(number, entry, json(number, entry)));
    }
    followers.forEach(Runnable::run);
  }

  /** As far as tests need it: texts without anything that would have to be escaped. */
  private static String json(long number, Entry entry) {
    var json = new StringBuilder("{\"time\":\"" + entry.at() + "\",\"type\":\"" + entry.type());
    json.append("\",\"category\":\"" + entry.category().label() + "\",\"line\":" + number);
    entry
        .data()
        .forEach(
            (name, value) ->
                json.append(",\"" + name + "\":")
                    .append(
                        value instanceof Number || value instanceof Boolean
                            ? value.toString()
                            : "\"" + value + "\""));
    return json.append('}').toString();
  }

  /** Loses the newest lines, as a crash does. */
  public synchronized void lose(int count) {
    int left = Math.max(0, lines.size() - count);
    lines.subList(left, lines.size()).clear();
  }

  /** Forgets all lines of a category below a number, as if they had become too old. */
  public synchronized void remove(Category category, long below) {
    lines.removeIf(line -> line.entry().category() == category && line.number() < below);
    removedBelow.put(category, below);
  }

  private synchronized long removed(Category category) {
    return removedBelow.getOrDefault(category, 0L);
  }

  @Override
  public Page page(Filter filter, @Nullable Place place, int limit) {
    long before = place == null ? Long.MAX_VALUE : place.before();
    var wanted = new ArrayList<Line>();
    for (Line line : lines().reversed()) {
      if (line.number() < before && filter.matches(line.entry())) {
        if (wanted.size() == limit) {
          return new Page(
              wanted,
              new Place(wanted.getLast().number(), floors(filter, place)),
              newest(),
              0,
              wasRemoved(filter, place));
        }
        wanted.add(line);
      }
    }
    return new Page(wanted, null, newest(), 0, wasRemoved(filter, place));
  }

  private Map<Category, Long> floors(Filter filter, @Nullable Place place) {
    var floors = new EnumMap<Category, Long>(Category.class);
    filter.wanted().forEach(category -> floors.put(category, removed(category)));
    return place == null ? floors : place.floors();
  }

  private boolean wasRemoved(Filter filter, @Nullable Place place) {
    return place != null
        && filter.wanted().stream()
            .anyMatch(category -> removed(category) > place.floors().getOrDefault(category, 0L));
  }

  @Override
  public Tail after(Filter filter, long after, int limit) {
    if (filter.wanted().stream().anyMatch(category -> removed(category) > after + 1)) {
      return new Tail(List.of(), after, true);
    }
    long newest = newest();
    List<Line> wanted =
        lines().stream()
            .filter(line -> line.number() > after && line.number() <= newest)
            .filter(line -> filter.matches(line.entry()))
            .limit(limit)
            .toList();
    return new Tail(wanted, wanted.size() == limit ? wanted.getLast().number() : newest, false);
  }

  @Override
  public synchronized long newest() {
    return number;
  }

  @Override
  public long lastSeq(Category category) {
    return entries(category).stream()
        .mapToLong(entry -> entry.data().get("seq") instanceof Long seq ? seq : 0)
        .max()
        .orElse(0);
  }

  @Override
  public Runnable follow(Runnable onWritten) {
    followers.add(onWritten);
    return () -> followers.remove(onWritten);
  }

  @Override
  public void flush() {}

  @Override
  public EventLogReader reader() {
    return this;
  }

  @Override
  public void close() {
    closed = true;
  }
}

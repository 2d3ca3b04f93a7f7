package holdfast.application;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A feed of which only the last event of each key is kept, as in a compacted log: whoever was away
 * or is slow gets the latest of everything that has changed, and costs the feed nothing.
 *
 * <p>Events are numbered. Numbers of a later start of the server are higher, whatever the clock
 * says; since a new start posts everything anew, a place in the feed of an earlier one is good
 * still. Removals are kept as well, a bounded number of them. Any thread.
 */
public final class CompactedFeed<V> {
  /** So many starts can be told apart in a number that is exact in JSON. */
  private static final int NUMBER_BITS = 32;

  private static final int REMOVALS_MAX = 1_000;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Event<V>> byKey = new HashMap<>();
  private final TreeMap<Long, Event<V>> byNumber = new TreeMap<>();
  private final TreeMap<Long, Event<V>> removals = new TreeMap<>();
  private final List<Runnable> followers = new CopyOnWriteArrayList<>();
  private long number;
  private long forgotten;

  /**
   * The last thing that happened to a key.
   *
   * @param value what it is since, or null if it is gone
   * @param cause what happened, kebab-case
   */
  public record Event<V>(long number, String key, @Nullable V value, String cause) {}

  /** Everything there is, in order, and the number of the last event. */
  public record Image<V>(long number, List<Event<V>> events) {}

  /**
   * @param term of this start of the server; larger than that of any before
   */
  CompactedFeed(long term) {
    number = term << NUMBER_BITS;
  }

  void put(String key, V value, String cause) {
    post(key, value, cause);
  }

  void remove(String key, String cause) {
    post(key, null, cause);
  }

  /** Whoever was somewhere in an earlier start may have missed removals: he has to begin anew. */
  void forgetRemovals() {
    lock.lock();
    try {
      forgotten = number;
      removals.clear();
      byNumber.values().removeIf(event -> event.value() == null);
      byKey.values().removeIf(event -> event.value() == null);
    } finally {
      lock.unlock();
    }
  }

  private void post(String key, @Nullable V value, String cause) {
    lock.lock();
    try {
      number++;
      var event = new Event<V>(number, key, value, cause);
      Event<V> before = byKey.put(key, event);
      if (before != null) {
        byNumber.remove(before.number());
        removals.remove(before.number());
      }
      byNumber.put(number, event);
      if (value == null) {
        removals.put(number, event);
        boundRemovals();
      }
    } finally {
      lock.unlock();
    }
    followers.forEach(Runnable::run);
  }

  private void boundRemovals() {
    if (removals.size() > REMOVALS_MAX) {
      Event<V> oldest = removals.pollFirstEntry().getValue();
      byNumber.remove(oldest.number());
      byKey.remove(oldest.key());
      forgotten = oldest.number();
    }
  }

  /** The number of the last event. */
  public long number() {
    lock.lock();
    try {
      return number;
    } finally {
      lock.unlock();
    }
  }

  /** Whether what was removed behind {@code place} is not known any more. */
  public boolean hasForgotten(long place) {
    lock.lock();
    try {
      return place < forgotten;
    } finally {
      lock.unlock();
    }
  }

  /** Everything that is not gone. */
  public Image<V> image() {
    lock.lock();
    try {
      return new Image<>(
          number, byNumber.values().stream().filter(event -> event.value() != null).toList());
    } finally {
      lock.unlock();
    }
  }

  /**
   * The last events of what has changed behind {@code place}, in order.
   *
   * @param limit at most so many
   */
  public List<Event<V>> after(long place, int limit) {
    lock.lock();
    try {
      return byNumber.tailMap(place, false).values().stream().limit(limit).toList();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Calls {@code onEvent} behind each event. It must neither block nor throw.
   *
   * @return ends it
   */
  public Runnable follow(Runnable onEvent) {
    followers.add(onEvent);
    return () -> followers.remove(onEvent);
  }
}

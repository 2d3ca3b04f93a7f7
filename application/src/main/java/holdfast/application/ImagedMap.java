package holdfast.application;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A map that can be copied as of one moment while it goes on changing.
 *
 * <p>Any thread reads. Changes, and the opening and closing of images, come one at a time: whoever
 * owns the map holds a lock around them.
 *
 * <p>Why an image is right: it walks through the map between its opening and its closing, and that
 * walk finds every entry that is there all the while exactly once, as {@link ConcurrentHashMap}
 * promises. So of a key that is not changed meanwhile it has the value of the opening. Of one that
 * is changed, what stood there was noted before the first change, and counts instead of whatever
 * the walk has found.
 */
final class ImagedMap<K, V> {
  private final Map<K, V> entries = new ConcurrentHashMap<>();
  private final Function<V, K> keyOf;
  private final List<Image> open = new ArrayList<>(2);

  ImagedMap(Function<V, K> keyOf) {
    this.keyOf = keyOf;
  }

  @Nullable V get(K key) {
    return entries.get(key);
  }

  boolean containsKey(K key) {
    return entries.containsKey(key);
  }

  int size() {
    return entries.size();
  }

  /** What is in it now; changes show while it is gone through. */
  Collection<V> values() {
    return Collections.unmodifiableCollection(entries.values());
  }

  /** Puts a value in under its key. */
  @Nullable V put(V value) {
    K key = keyOf.apply(value);
    open.forEach(image -> image.note(key));
    return entries.put(key, value);
  }

  @Nullable V remove(K key) {
    open.forEach(image -> image.note(key));
    return entries.remove(key);
  }

  /**
   * Drops what is void by itself. From any thread: images that are open may have it or not.
   *
   * @param isVoid once true of a value, true for ever
   */
  void drop(Predicate<V> isVoid) {
    entries.values().removeIf(isVoid);
  }

  /** Begins an image of what is in the map at this moment. */
  Image open() {
    var image = new Image();
    open.add(image);
    return image;
  }

  /** The map as of when it was opened. One thread goes through it. */
  final class Image {
    private final Map<K, @Nullable V> before = new HashMap<>();
    private final int size = entries.size();
    private final ArrayList<V> found = new ArrayList<>();
    private final Iterator<V> rest = entries.values().iterator();

    private Image() {}

    private void note(K key) {
      if (!before.containsKey(key)) {
        before.put(key, entries.get(key));
      }
    }

    /** How many entries the map had. */
    int size() {
      return size;
    }

    /**
     * Copies at most {@code max} more entries.
     *
     * @return whether there may be more
     */
    boolean copy(int max) {
      // Not when it is opened: the room is made while nobody waits.
      found.ensureCapacity(size);
      for (int i = 0; i < max && rest.hasNext(); i++) {
        found.add(rest.next());
      }
      return rest.hasNext();
    }

    /** Ends the noting of changes. Idempotent. */
    void close() {
      open.remove(this);
    }

    /** What was in the map. Once everything is copied and the image is closed. */
    List<V> values() {
      if (before.isEmpty()) {
        return Collections.unmodifiableList(found);
      }
      var values = new ArrayList<V>(size);
      for (V value : found) {
        if (!before.containsKey(keyOf.apply(value))) {
          values.add(value);
        }
      }
      for (V value : before.values()) {
        if (value != null) {
          values.add(value);
        }
      }
      return values;
    }
  }
}

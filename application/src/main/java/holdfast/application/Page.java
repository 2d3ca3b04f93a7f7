package holdfast.application;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A part of a list. Subscribing from {@code (epoch, seq)} leaves no gap behind it.
 *
 * @param next where the following page begins, or null at the end
 */
public record Page<T>(List<T> items, @Nullable Position next, String epoch, long seq) {
  public Page {
    items = List.copyOf(items);
  }
}

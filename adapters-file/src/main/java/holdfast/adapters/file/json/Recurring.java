package holdfast.adapters.file.json;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Makes equal values one object: thousands of tasks name the same directory, host and owner. Each
 * value belongs to a row of a few places, where the one not seen for longest gives way; so the size
 * is fixed, and a value that does not recur costs next to nothing.
 *
 * <p>For immutable values only. Not safe for use by several threads.
 */
public final class Recurring {
  private static final int ROWS = 1_024;
  private static final int ROW = 4;
  private static final int ROW_SHIFT = 22;
  private static final int SPREAD = 0x9e3779b9;

  private final @Nullable String[] texts = new String[ROWS * ROW];
  private final @Nullable Object[] places = new Object[ROWS * ROW];

  /**
   * The text of so many ASCII bytes. One that was seen before is found without being made again.
   */
  String text(byte[] ascii, int from, int length) {
    int hash = length;
    for (int i = from; i < from + length; i++) {
      hash = hash * 31 + ascii[i];
    }
    int first = ((hash * SPREAD) >>> ROW_SHIFT) * ROW;
    int at = first;
    while (at < first + ROW - 1 && !isText(texts[at], ascii, from, length)) {
      at++;
    }
    String found = texts[at];
    if (found == null || !isText(found, ascii, from, length)) {
      found = new String(ascii, from, length, StandardCharsets.ISO_8859_1);
    }
    System.arraycopy(texts, first, texts, first + 1, at - first);
    texts[first] = found;
    return found;
  }

  private static boolean isText(@Nullable String text, byte[] ascii, int from, int length) {
    if (text == null || text.length() != length) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if (text.charAt(i) != ascii[from + i]) {
        return false;
      }
    }
    return true;
  }

  /** A value that equals {@code value}: the one seen before, or {@code value} itself. */
  public <T> T one(T value) {
    int first = ((value.hashCode() * SPREAD) >>> ROW_SHIFT) * ROW;
    Object found = value;
    int at = first;
    while (at < first + ROW - 1 && !value.equals(places[at])) {
      at++;
    }
    Object last = places[at];
    if (last != null && value.equals(last)) {
      found = last;
    }
    System.arraycopy(places, first, places, first + 1, at - first);
    places[first] = found;
    // What equals a value of a final class is of that class.
    @SuppressWarnings("unchecked")
    T same = (T) found;
    return same;
  }
}

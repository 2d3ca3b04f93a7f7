package holdfast.bootstrap.resilience;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Compares what was observed with what was promised, and keeps a sentence for each difference. */
final class Checks {
  private static final int SHOWN_MAX = 200;

  private final List<String> faults = new ArrayList<>();

  /** {@code what} is promised to be {@code expected}. */
  Checks equal(String what, Object expected, Object found) {
    return holds(
        Objects.equals(expected, found),
        what + ": expected " + shortened(expected) + ", found " + shortened(found));
  }

  /** The sentence {@code otherwise} is a fault unless {@code holds}. */
  Checks holds(boolean holds, String otherwise) {
    if (!holds) {
      faults.add(otherwise);
    }
    return this;
  }

  /** Adds faults that were found elsewhere. */
  Checks all(List<String> others) {
    faults.addAll(others);
    return this;
  }

  List<String> faults() {
    return List.copyOf(faults);
  }

  /** Without anything that ends a line or steers a terminal. */
  static String oneLine(String text) {
    return text.replaceAll("\\p{Cntrl}+", " ").strip();
  }

  /** In one line, of bounded length. */
  static String shortened(Object value) {
    String text = oneLine(String.valueOf(value));
    return text.length() <= SHOWN_MAX ? text : text.substring(0, SHOWN_MAX) + "…";
  }
}

package holdfast.adapters.web;

import org.jspecify.annotations.Nullable;

/**
 * What part of a body a client wants, by RFC 9110 section 14. A header that is not understood, or
 * that asks for several parts, is ignored, as the RFC allows: the whole body is the answer then.
 *
 * @param from first byte
 * @param to behind the last byte
 */
record ByteRange(long from, long to) {
  private static final String UNIT = "bytes=";

  /** What a header makes of a body. */
  sealed interface Reading {
    /** Serve everything. */
    record Everything() implements Reading {}

    /** Serve this part. */
    record Part(ByteRange range) implements Reading {}

    /** The part lies behind the end. */
    record Unsatisfiable() implements Reading {}
  }

  /** What is left when so many bytes of it are there. */
  ByteRange after(int bytes) {
    return new ByteRange(from + bytes, to);
  }

  static Reading read(@Nullable String header, long length) {
    if (header == null || !header.regionMatches(true, 0, UNIT, 0, UNIT.length())) {
      return new Reading.Everything();
    }
    String spec = header.substring(UNIT.length()).strip();
    int dash = spec.indexOf('-');
    if (dash < 0 || spec.indexOf(',') >= 0) {
      return new Reading.Everything();
    }
    long first = number(spec.substring(0, dash).strip());
    long last = number(spec.substring(dash + 1).strip());
    boolean suffix = dash == 0;
    boolean open = dash == spec.length() - 1;
    if ((first < 0 && !suffix) || (last < 0 && !open) || (suffix && open)) {
      return new Reading.Everything();
    }
    if (suffix) {
      return last == 0 || length == 0
          ? new Reading.Unsatisfiable()
          : new Reading.Part(new ByteRange(Math.max(0, length - last), length));
    }
    if (!open && last < first) {
      return new Reading.Everything();
    }
    if (first >= length) {
      return new Reading.Unsatisfiable();
    }
    return new Reading.Part(new ByteRange(first, open ? length : Math.min(length, last + 1)));
  }

  /** The number, capped far beyond any file; -1 if it is none. */
  private static long number(String digits) {
    if (digits.isEmpty()) {
      return -1;
    }
    for (int i = 0; i < digits.length(); i++) {
      if (digits.charAt(i) < '0' || digits.charAt(i) > '9') {
        return -1;
      }
    }
    return digits.length() > 18 ? Long.MAX_VALUE - 1 : Long.parseLong(digits);
  }
}

package holdfast.adapters.web;

import java.util.Locale;

/** Reads Accept headers as far as it takes to say no, by RFC 9110 section 12.5.1. */
final class Accepts {
  /** Of routes whose answer is whatever it is. */
  static final String ANYTHING = "*/*";

  private Accepts() {}

  /**
   * Whether an answer of type {@code produced} would be accepted. The most specific range that fits
   * decides; one with a weight of zero excludes.
   */
  static boolean allows(String header, String produced) {
    if (produced.equals(ANYTHING) || header.isBlank() || header.equals(ANYTHING)) {
      return true;
    }
    String anyOfKind = produced.substring(0, produced.indexOf('/') + 1) + "*";
    int specificity = -1;
    boolean allowed = false;
    for (String part : header.toLowerCase(Locale.ROOT).split(",", -1)) {
      int semicolon = part.indexOf(';');
      String range = (semicolon < 0 ? part : part.substring(0, semicolon)).strip();
      int fit =
          range.equals(produced)
              ? 2
              : range.equals(anyOfKind) ? 1 : range.equals(ANYTHING) ? 0 : -1;
      if (fit > specificity) {
        specificity = fit;
        allowed = semicolon < 0 || !isZero(part.substring(semicolon));
      }
    }
    return allowed;
  }

  private static boolean isZero(String parameters) {
    for (String parameter : parameters.split(";", -1)) {
      String text = parameter.strip();
      if (text.startsWith("q=")) {
        return text.substring(2).chars().allMatch(c -> c == '0' || c == '.');
      }
    }
    return false;
  }
}

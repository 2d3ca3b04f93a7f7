package holdfast.domain.task;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** Tells by their names which values are likely to be secrets, and keeps them from being shown. */
public final class Secrets {
  /** Stands for a value that is not shown. */
  public static final String MARK = "[redacted]";

  private static final List<String> TELLING =
      List.of(
          "TOKEN",
          "SECRET",
          "PASSWORD",
          "PASSWD",
          "PASSPHRASE",
          "KEY",
          "CREDENTIAL",
          "AUTHORIZATION",
          "COOKIE");

  /**
   * A telling name, a sign that says it has a value, and the value; bounded, so that it is fast.
   */
  private static final Pattern ASSIGNMENT =
      Pattern.compile(
          "(?i)([\\w-]{0,64}(?:"
              + String.join("|", TELLING)
              + ")[\\w-]{0,64}[\"']?\\s{0,4}[=:]\\s{0,4}(?:bearer\\s{1,4})?)"
              + "(\"[^\"]*\"|'[^']*'|[^\\s,;&\"']+)");

  private static final Pattern BEARER = Pattern.compile("(?i)(bearer\\s{1,4})[^\\s,;\"']+");

  private Secrets() {}

  /** Whether something of this name is likely to be a secret. */
  public static boolean isTelling(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    return TELLING.stream().anyMatch(upper::contains);
  }

  /**
   * The value of something as it may be shown. What is called {@code key} and nothing else names
   * something, and opens nothing.
   */
  public static String redacted(String name, String value) {
    return isTelling(name) && !name.equals("key") ? MARK : redacted(value);
  }

  /** The same text with the mark in place of values that it gives to telling names. */
  public static String redacted(String text) {
    boolean mayHold = text.indexOf('=') >= 0 || text.indexOf(':') >= 0 || text.contains("earer");
    return mayHold
        ? BEARER.matcher(ASSIGNMENT.matcher(text).replaceAll("$1" + MARK)).replaceAll("$1" + MARK)
        : text;
  }
}

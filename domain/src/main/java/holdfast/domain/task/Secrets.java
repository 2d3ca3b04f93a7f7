package holdfast.domain.task;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Tells by their names, and some by their shape, which values are likely to be secrets, and keeps
 * them from being shown. A guess, and meant to be wrong on the safe side.
 */
public final class Secrets {
  /** Stands for a value that is not shown. */
  public static final String MARK = TaskCommand.Edit.NOT_SHOWN;

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

  /** What tells as a word of a name, or at a word's end, and would tell too much inside of one. */
  private static final Set<String> TELLING_WORDS =
      Set.of("PASS", "PWD", "PAT", "AUTH", "CREDS", "JWT", "OTP", "PIN", "SALT", "DSN");

  private static final List<String> TELLING_ENDS = List.of("PASS", "PWD");
  private static final Set<String> DIRECTORIES = Set.of("PWD", "OLDPWD");
  private static final Pattern WORD_END = Pattern.compile("[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])");

  /**
   * A telling name, a sign that says it has a value, and the value; bounded, so that it is fast.
   */
  private static final Pattern ASSIGNMENT =
      Pattern.compile(
          "(?i)([\\w-]{0,64}(?:"
              + String.join("|", TELLING)
              + ")[\\w-]{0,64}[\"']?\\s{0,4}[=:]\\s{0,4}(?:bearer\\s{1,4})?)"
              + "(\"[^\"]*\"|'[^']*'|[^\\s,;&\"']+)");

  /** The same, quick where only the fact counts, and with what connection strings say. */
  private static final Pattern ASSIGNED =
      Pattern.compile(
          "(?i)(?:(?:"
              + String.join("|", TELLING)
              + ")[\\w-]{0,64}|PASS|PWD)[\"']?\\s{0,4}[=:]\\s{0,4}[^\\s]");

  /** A password in the authority of a URL, or what is too long there to be a user's name. */
  private static final Pattern URL_PASSWORD =
      Pattern.compile(
          "(://[^\\s/:@\"']{0,256}+:)[^\\s@\"'/][^\\s@\"']{0,511}+(?=@)"
              + "|(://)[^\\s/:@\"']{16,512}+(?=@)");

  /** Tokens that say what they are, and private keys. */
  private static final Pattern SHAPE =
      Pattern.compile(
          "\\b(?:gh[a-z]_|github_pat_|glpat-|sk-|xox[a-z]-|xapp-|hf_|npm_|pypi-|AKIA|ASIA|AIza|ya29\\.)"
              + "[\\w.-]{16}|\\beyJ[\\w-]{8,2048}\\.[\\w-]{8}|-----BEGIN [A-Z ]{0,32}PRIVATE KEY");

  private static final Pattern BEARER = Pattern.compile("(?i)(bearer\\s{1,4})[^\\s,;\"']+");

  private Secrets() {}

  /** Whether something of this name is likely to be a secret. */
  public static boolean isTelling(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    return TELLING.stream().anyMatch(upper::contains)
        || (!DIRECTORIES.contains(upper) && WORD_END.splitAsStream(name).anyMatch(Secrets::tells));
  }

  private static boolean tells(String word) {
    String upper = word.toUpperCase(Locale.ROOT);
    return TELLING_WORDS.contains(upper) || TELLING_ENDS.stream().anyMatch(upper::endsWith);
  }

  /**
   * Whether the value of a variable is likely to be a secret or to contain one: its name tells, or
   * it is a URL with a password, a list of settings with one, a private key, or a token that says
   * what it is.
   */
  public static boolean isSecret(String name, String value) {
    return isTelling(name)
        || ASSIGNED.matcher(value).find()
        || (value.indexOf('@') >= 0 && URL_PASSWORD.matcher(value).find())
        || BEARER.matcher(value).find()
        || SHAPE.matcher(value).find();
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
    if (!mayHold) {
      return text;
    }
    String shown = ASSIGNMENT.matcher(text).replaceAll("$1" + MARK);
    shown = BEARER.matcher(shown).replaceAll("$1" + MARK);
    return shown.contains("://") ? URL_PASSWORD.matcher(shown).replaceAll("$1$2" + MARK) : shown;
  }
}

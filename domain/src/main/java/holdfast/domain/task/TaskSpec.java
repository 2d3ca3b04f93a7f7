package holdfast.domain.task;

import holdfast.domain.task.InvalidSpecException.Violation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a user asked for: the command, its surroundings and its policy. Always valid: the
 * constructor refuses anything outside {@link TaskLimits}.
 *
 * @param title a name for people
 * @param command argv; the first element is the program
 * @param cwd absolute path of the working directory
 * @param env variables added to the server's own environment, in the order given
 * @param initiative value of the {@code InitiativeId} this task belongs to, or null
 * @param priority higher runs first
 * @param labels free key-value pairs, in the order given
 * @param timeout longest duration of one attempt, or null for none
 * @param stopGrace time between TERM and KILL when the task is stopped
 */
public record TaskSpec(
    String title,
    List<String> command,
    String cwd,
    Map<String, String> env,
    @Nullable String initiative,
    int priority,
    Map<String, String> labels,
    @Nullable Duration timeout,
    Duration stopGrace,
    RetryPolicy retry,
    OnLost onLost,
    StdinMode stdin,
    OutputMode output) {

  /**
   * @throws InvalidSpecException naming every member that breaks a rule
   */
  public TaskSpec {
    command = List.copyOf(command);
    env = env.isEmpty() ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(env));
    labels = labels.isEmpty() ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(labels));
    var broken = new ArrayList<Violation>(0);
    checkTitle(title, broken);
    checkCommand(command, broken);
    checkCwd(cwd, broken);
    checkEnv(env, broken);
    checkLabels(labels, broken);
    checkPolicy(priority, timeout, stopGrace, retry, broken);
    if (initiative != null && !TaskId.isValid(initiative)) {
      broken.add(new Violation("/initiativeId", "is not the id of an initiative"));
    }
    if (!broken.isEmpty()) {
      throw new InvalidSpecException(broken);
    }
  }

  /** A title for a command nobody named: its words, cut to {@code charsMax} characters. */
  public static String titleOf(List<String> command, int charsMax) {
    var words = new StringBuilder();
    for (String word : command) {
      if (words.length() > charsMax) {
        break;
      }
      // One character more than there is room for, so that what is left out is seen to be.
      words
          .append(words.isEmpty() ? "" : " ")
          .append(word, 0, Math.min(word.length(), charsMax + 1));
    }
    String title = words.toString().replaceAll("\\p{Cntrl}+", " ").strip();
    if (title.length() <= charsMax) {
      return title;
    }
    int end = charsMax - 1;
    // Half of a surrogate pair would make a title that no specification may have.
    return title.substring(0, Character.isHighSurrogate(title.charAt(end - 1)) ? end - 1 : end)
        + "…";
  }

  private static void checkTitle(String title, List<Violation> broken) {
    if (title.length() > TaskLimits.TITLE_CHARS_MAX) {
      broken.add(
          new Violation(
              "/title",
              "is " + title.length() + " characters; at most " + TaskLimits.TITLE_CHARS_MAX));
    }
    checkText(title, () -> "/title", broken);
  }

  private static void checkCommand(List<String> command, List<Violation> broken) {
    if (command.isEmpty() || command.getFirst().isEmpty()) {
      broken.add(new Violation("/command", "must name a program: a non-empty array of strings"));
    }
    if (command.size() > TaskLimits.ARGV_ELEMENTS_MAX) {
      broken.add(
          new Violation(
              "/command",
              "has " + command.size() + " elements; at most " + TaskLimits.ARGV_ELEMENTS_MAX));
    }
    long bytes = 0;
    for (int i = 0; i < command.size(); i++) {
      bytes += bytes(command.get(i)) + 1;
      int element = i;
      checkText(command.get(i), () -> "/command/" + element, broken);
    }
    if (bytes > TaskLimits.ARGV_BYTES_MAX) {
      broken.add(
          new Violation(
              "/command", "is " + bytes + " bytes; at most " + TaskLimits.ARGV_BYTES_MAX));
    }
  }

  private static void checkCwd(String cwd, List<Violation> broken) {
    if (!cwd.startsWith("/")) {
      broken.add(new Violation("/cwd", "must be an absolute path"));
    }
    if (bytes(cwd) > TaskLimits.CWD_BYTES_MAX) {
      broken.add(new Violation("/cwd", "is longer than " + TaskLimits.CWD_BYTES_MAX + " bytes"));
    }
    checkText(cwd, () -> "/cwd", broken);
  }

  private static void checkEnv(Map<String, String> env, List<Violation> broken) {
    long bytes = 0;
    for (Map.Entry<String, String> variable : env.entrySet()) {
      String name = variable.getKey();
      Supplier<String> pointer = () -> "/env/" + escape(name);
      bytes += bytes(name) + bytes(variable.getValue()) + 2;
      if (name.isEmpty() || name.indexOf('=') >= 0) {
        broken.add(new Violation(pointer.get(), "is not a variable name: empty, or contains '='"));
      }
      if (name.startsWith("HOLDFAST_")) {
        broken.add(
            new Violation(pointer.get(), "is reserved: names that begin with HOLDFAST_ are ours"));
      }
      checkText(name, pointer, broken);
      checkText(variable.getValue(), pointer, broken);
    }
    if (bytes > TaskLimits.ENV_BYTES_MAX) {
      broken.add(
          new Violation("/env", "is " + bytes + " bytes; at most " + TaskLimits.ENV_BYTES_MAX));
    }
  }

  /** Reports labels that are too many or too long; shared with initiatives. */
  public static void checkLabels(Map<String, String> labels, List<Violation> broken) {
    if (labels.size() > TaskLimits.LABELS_MAX) {
      broken.add(
          new Violation(
              "/labels", "has " + labels.size() + " labels; at most " + TaskLimits.LABELS_MAX));
    }
    for (Map.Entry<String, String> label : labels.entrySet()) {
      if (label.getKey().isEmpty()
          || label.getKey().length() > TaskLimits.LABEL_CHARS_MAX
          || label.getValue().length() > TaskLimits.LABEL_CHARS_MAX) {
        broken.add(
            new Violation(
                "/labels/" + escape(label.getKey()),
                "needs a key of 1 to "
                    + TaskLimits.LABEL_CHARS_MAX
                    + " characters and a value of at most as many"));
      }
      checkText(label.getKey(), () -> "/labels/" + escape(label.getKey()), broken);
      checkText(label.getValue(), () -> "/labels/" + escape(label.getKey()), broken);
    }
  }

  private static void checkPolicy(
      int priority,
      @Nullable Duration timeout,
      Duration stopGrace,
      RetryPolicy retry,
      List<Violation> broken) {
    if (priority < TaskLimits.PRIORITY_MIN || priority > TaskLimits.PRIORITY_MAX) {
      broken.add(
          new Violation(
              "/priority",
              "must be from " + TaskLimits.PRIORITY_MIN + " to " + TaskLimits.PRIORITY_MAX));
    }
    if (timeout != null && (timeout.isZero() || outOfRange(timeout))) {
      broken.add(new Violation("/timeout", "must be longer than zero and at most 365 days"));
    }
    if (outOfRange(stopGrace)) {
      broken.add(new Violation("/stopGrace", "must be from zero to 365 days"));
    }
    if (retry.maxAttempts() < 1 || retry.maxAttempts() > TaskLimits.ATTEMPTS_MAX) {
      broken.add(
          new Violation("/retry/maxAttempts", "must be from 1 to " + TaskLimits.ATTEMPTS_MAX));
    }
    if (outOfRange(retry.backoff())) {
      broken.add(new Violation("/retry/backoff", "must be from zero to 365 days"));
    }
    if (outOfRange(retry.maxBackoff()) || retry.maxBackoff().compareTo(retry.backoff()) < 0) {
      broken.add(new Violation("/retry/maxBackoff", "must be from backoff to 365 days"));
    }
  }

  private static boolean outOfRange(Duration duration) {
    return duration.isNegative() || duration.compareTo(TaskLimits.DURATION_MAX) > 0;
  }

  /**
   * Reports text that cannot be passed on: NUL, or half of a surrogate pair.
   *
   * @param pointer to the text, asked for only if it is broken
   */
  public static void checkText(String text, Supplier<String> pointer, List<Violation> broken) {
    if (text.indexOf('\0') >= 0) {
      broken.add(new Violation(pointer.get(), "contains a NUL character"));
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        boolean paired = i + 1 < text.length() && Character.isSurrogatePair(c, text.charAt(i + 1));
        if (!paired) {
          broken.add(
              new Violation(pointer.get(), "contains half of a surrogate pair, which is no text"));
          return;
        }
        i++;
      }
    }
  }

  /** Length in UTF-8; half a surrogate pair, which is refused, counts as two. */
  private static long bytes(String text) {
    long bytes = text.length();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 0x80) {
        // Both halves of a pair make four bytes together.
        bytes += c < 0x800 || Character.isSurrogate(c) ? 1 : 2;
      }
    }
    return bytes;
  }

  private static String escape(String member) {
    return member.replace("~", "~0").replace("/", "~1");
  }
}

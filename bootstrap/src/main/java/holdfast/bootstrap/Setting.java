package holdfast.bootstrap;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One thing that can be configured.
 *
 * @param variables names in the environment, the first that is set wins
 * @param key name in {@code config.yaml}; with two dashes before it, the option of {@code serve}
 * @param fallback the default as a user would write it, or null if there is none
 * @param allowed what a valid value looks like, for the message that refuses another
 * @param purpose one line for the help text
 * @param parse throws IllegalArgumentException for a value that is not allowed
 */
record Setting<T>(
    List<String> variables,
    String key,
    @Nullable String fallback,
    String allowed,
    String purpose,
    Function<String, T> parse) {

  String option() {
    return "--" + key;
  }

  /** Whether the option may stand without a value. */
  boolean isFlag() {
    return "false".equals(fallback);
  }

  /** Whether the value must not be shown. */
  boolean secret() {
    return key.equals(Settings.TOKEN.key()) || key.equals(Settings.READ_TOKEN.key());
  }
}

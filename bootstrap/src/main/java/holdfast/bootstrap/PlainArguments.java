package holdfast.bootstrap;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The options of {@code serve} where they need no interpretation, which is nearly always. The
 * parser's library does the rest: its classes cannot be made ready for a start ahead of time, and
 * to load them takes a sixth of one.
 */
final class PlainArguments {
  private PlainArguments() {}

  /**
   * The values by key, exactly as the library would find them; empty if anything at all is out of
   * the ordinary, such as a request for help, a mistake, or an option that is there twice.
   */
  static Optional<Map<String, String>> parse(List<String> arguments) {
    var values = new HashMap<String, String>();
    for (int i = 0; i < arguments.size(); i++) {
      String argument = arguments.get(i);
      int equals = argument.indexOf('=');
      Setting<?> setting = setting(equals < 0 ? argument : argument.substring(0, equals));
      if (setting == null) {
        return Optional.empty();
      }
      boolean last = i + 1 == arguments.size();
      String value;
      if (equals >= 0) {
        value = argument.substring(equals + 1);
      } else if (setting.isFlag()) {
        value = last || arguments.get(i + 1).startsWith("--") ? "true" : "";
      } else {
        i++;
        value = last ? "" : arguments.get(i);
      }
      if (!isPlain(value) || values.put(setting.key(), value) != null) {
        return Optional.empty();
      }
    }
    return Optional.of(values);
  }

  private static @Nullable Setting<?> setting(String option) {
    return Settings.ALL.stream()
        .filter(setting -> setting.option().equals(option))
        .findFirst()
        .orElse(null);
  }

  private static boolean isPlain(String value) {
    return !value.isEmpty() && value.charAt(0) != '-' && value.indexOf('"') < 0;
  }
}

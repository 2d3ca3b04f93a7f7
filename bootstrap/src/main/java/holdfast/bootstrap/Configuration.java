package holdfast.bootstrap;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is in force, and where each value came from. */
final class Configuration {
  private final Map<Setting<?>, Value<?>> values = new HashMap<>();

  /**
   * A value in force.
   *
   * @param text as it was written
   * @param source for people: which option, variable or file, or that it is the default
   */
  record Value<T>(@Nullable T value, String text, String source) {}

  private Configuration() {}

  /**
   * Looks each setting up: option, variable, file, default.
   *
   * @param options by key
   * @param environment by variable
   * @param file by key
   * @param fileName for messages
   * @throws ConfigurationException naming the first value that cannot be used
   */
  static Configuration of(
      Map<String, String> options,
      Map<String, String> environment,
      Map<String, String> file,
      String fileName) {
    var configuration = new Configuration();
    refuseUnknown(file, fileName);
    for (String variable : Settings.REFUSED) {
      if (environment.containsKey(variable)) {
        throw new ConfigurationException(
            variable + " is set, but this version cannot run tasks as another user; unset it");
      }
    }
    for (Setting<?> setting : Settings.ALL) {
      configuration.values.put(setting, look(setting, options, environment, file, fileName));
    }
    configuration.checkTogether();
    return configuration;
  }

  /** One setting alone, before there is a file to look into. */
  static <T> T early(
      Setting<T> setting, Map<String, String> options, Map<String, String> environment) {
    T value = look(setting, options, environment, Map.of(), "").value();
    if (value == null) {
      throw new ConfigurationException(setting.key() + " is not set");
    }
    return value;
  }

  /** The value in force of a setting that has a default. */
  <T> T get(Setting<T> setting) {
    return find(setting)
        .orElseThrow(() -> new IllegalStateException(setting.key() + " has no default"));
  }

  @SuppressWarnings("unchecked") // look() made the value with this very setting's parser
  <T> Optional<T> find(Setting<T> setting) {
    Value<T> value = (Value<T>) values.get(setting);
    return value == null ? Optional.empty() : Optional.ofNullable(value.value());
  }

  /** Every setting with its value in force, in the order of {@link Settings#ALL}. */
  Map<Setting<?>, Value<?>> all() {
    var all = new LinkedHashMap<Setting<?>, Value<?>>();
    for (Setting<?> setting : Settings.ALL) {
      Value<?> value = values.get(setting);
      if (value != null) {
        all.put(setting, value);
      }
    }
    return all;
  }

  private static void refuseUnknown(Map<String, String> file, String fileName) {
    for (String key : file.keySet()) {
      if (Settings.ALL.stream().noneMatch(setting -> setting.key().equals(key))) {
        throw new ConfigurationException(fileName + ": there is no setting \"" + key + "\"");
      }
      if (key.equals(Settings.DATA_DIR.key())) {
        throw new ConfigurationException(
            fileName + ": data-dir cannot be set in the file that lies in it");
      }
    }
  }

  private static <T> Value<T> look(
      Setting<T> setting,
      Map<String, String> options,
      Map<String, String> environment,
      Map<String, String> file,
      String fileName) {
    String option = options.get(setting.key());
    if (option != null) {
      return parse(setting, option, "option " + setting.option());
    }
    for (String variable : setting.variables()) {
      String text = environment.get(variable);
      if (text != null) {
        return parse(setting, text, "variable " + variable);
      }
    }
    String text = file.get(setting.key());
    if (text != null) {
      return parse(setting, text, fileName);
    }
    return setting.fallback() == null
        ? new Value<>(null, "", "not set")
        : parse(setting, setting.fallback(), "default");
  }

  private static <T> Value<T> parse(Setting<T> setting, String text, String source) {
    try {
      return new Value<>(setting.parse().apply(text), text, source);
    } catch (IllegalArgumentException refused) {
      String shown = setting.secret() ? "(not shown)" : "\"" + text + "\"";
      throw new ConfigurationException(
          setting.key()
              + " "
              + shown
              + " from "
              + source
              + " is not allowed: "
              + setting.allowed());
    }
  }

  private void checkTogether() {
    if (find(Settings.TLS_CERT).isPresent() != find(Settings.TLS_KEY).isPresent()) {
      throw new ConfigurationException("tls-cert and tls-key must be set together");
    }
    boolean loopback = Loopback.is(get(Settings.HOST));
    if (get(Settings.AUTH) == Settings.Authentication.NONE && !loopback) {
      throw new ConfigurationException(
          "auth none is allowed on a loopback address only, and host is " + get(Settings.HOST));
    }
    boolean protectedPath = find(Settings.TLS_CERT).isPresent() || get(Settings.BEHIND_PROXY);
    if (!loopback && !protectedPath) {
      throw new ConfigurationException(
          "host "
              + get(Settings.HOST)
              + " is not a loopback address: set tls-cert and tls-key, or --behind-proxy");
    }
  }
}

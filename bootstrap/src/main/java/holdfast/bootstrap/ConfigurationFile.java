package holdfast.bootstrap;

import java.util.LinkedHashMap;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Reads {@code config.yaml}: one flat mapping of setting names to values. */
final class ConfigurationFile {
  private ConfigurationFile() {}

  /**
   * @param fileName for messages
   * @throws ConfigurationException if the text is not such a mapping
   */
  static Map<String, String> parse(String yaml, String fileName) {
    Object document;
    try {
      document =
          new Load(LoadSettings.builder().setLabel(fileName).setAllowDuplicateKeys(false).build())
              .loadFromString(yaml);
    } catch (YamlEngineException broken) {
      throw new ConfigurationException(
          fileName
              + " is not valid YAML: "
              + String.valueOf(broken.getMessage()).replaceAll("\\s+", " ").strip());
    }
    var values = new LinkedHashMap<String, String>();
    if (document == null) {
      return values;
    }
    if (!(document instanceof Map<?, ?> mapping)) {
      throw new ConfigurationException(fileName + " must be a mapping of setting names to values");
    }
    for (Map.Entry<?, ?> entry : mapping.entrySet()) {
      if (!(entry.getKey() instanceof String key)
          || !(entry.getValue() instanceof String
              || entry.getValue() instanceof Number
              || entry.getValue() instanceof Boolean)) {
        throw new ConfigurationException(
            fileName + ": \"" + entry.getKey() + "\" must have a plain value");
      }
      values.put(key, entry.getValue().toString());
    }
    return values;
  }
}

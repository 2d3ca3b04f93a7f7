package holdfast.bootstrap;

import holdfast.bootstrap.resilience.Resilience;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Whoever runs {@code holdfast resilience}: what of theirs must not be touched by it. */
final class Bystander {
  private Bystander() {}

  /** Reads names and places alone; a value that cannot be used stands for none. */
  static Resilience.Caller of(Map<String, String> environment) {
    List<String> variables =
        Settings.ALL.stream().flatMap(setting -> setting.variables().stream()).toList();
    Set<Path> directories = new LinkedHashSet<>();
    add(directories, Settings.DATA_DIR, Map.of());
    for (Setting<Path> setting :
        List.of(Settings.DATA_DIR, Settings.STATE_DIR, Settings.MIRROR_DIR)) {
      add(directories, setting, environment);
    }
    return new Resilience.Caller(
        environment, variables, List.copyOf(directories), System.out, System.err);
  }

  private static void add(
      Set<Path> directories, Setting<Path> setting, Map<String, String> environment) {
    try {
      directories.add(Configuration.early(setting, Map.of(), environment));
    } catch (ConfigurationException noneOrUnusable) {
      // A server would refuse it; here it names nothing that could be touched.
    }
  }
}

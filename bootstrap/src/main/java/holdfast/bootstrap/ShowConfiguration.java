package holdfast.bootstrap;

import java.io.PrintStream;
import java.util.Map;

/** Prints what is in force and from where; starts and changes nothing. */
final class ShowConfiguration {
  private ShowConfiguration() {}

  static int print(Map<String, String> options, Map<String, String> environment, PrintStream out) {
    Configuration configuration = Server.configuration(options, environment);
    for (var entry : configuration.all().entrySet()) {
      Setting<?> setting = entry.getKey();
      Configuration.Value<?> value = entry.getValue();
      String shown = setting.secret() && value.value() != null ? "(set, not shown)" : value.text();
      out.printf("%-18s %-32s %s%n", setting.key(), shown, value.source());
    }
    return ExitCode.OK;
  }
}

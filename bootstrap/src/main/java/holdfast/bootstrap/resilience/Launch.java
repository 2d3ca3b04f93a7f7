package holdfast.bootstrap.resilience;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How a server is started: by the same Java, from the same libraries and with the same options as
 * this very process, but as somebody with another home, and without anything that the caller's
 * environment says to Holdfast.
 *
 * @param command up to and including the main class; what follows is for the program
 */
record Launch(List<String> command, Map<String, String> environment) {
  /** Commands of tasks inherit it: whatever bears it was started by this run. */
  static final String MARK = "RESILIENCE_SCRATCH";

  private static final String MODULE = "holdfast.bootstrap";
  private static final String MAIN = MODULE + "/" + MODULE + ".Main";
  private static final String NATIVE =
      "holdfast.adapters.file,holdfast.adapters.process,com.github.luben.zstd_jni";

  Launch {
    command = List.copyOf(command);
    environment = Map.copyOf(environment);
  }

  /**
   * @param arguments of this process, empty if the platform does not tell
   * @param inherited this process's environment
   * @param variables that configure a server, besides all that begin with HOLDFAST_
   * @param scratch where home and temporary files of the server are
   */
  static Launch of(
      List<String> arguments,
      Map<String, String> inherited,
      Collection<String> variables,
      Path scratch) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    int main = arguments.indexOf(MAIN);
    if (main > 0) {
      arguments.subList(0, main - 1).stream()
          .filter(argument -> !argument.startsWith("-Duser.home="))
          .filter(argument -> !argument.startsWith("-agentlib:"))
          .forEach(command::add);
    } else {
      command.addAll(
          List.of(
              "-XX:+UseSerialGC",
              "--enable-native-access=" + NATIVE,
              "--module-path",
              System.getProperty("jdk.module.path", "")));
    }
    command.add("-Duser.home=" + home(scratch));
    command.add("-Djava.io.tmpdir=" + temporary(scratch));
    command.addAll(List.of("--module", MAIN));
    return new Launch(command, environment(inherited, variables, scratch));
  }

  private static Map<String, String> environment(
      Map<String, String> inherited, Collection<String> variables, Path scratch) {
    var environment = new HashMap<>(inherited);
    environment.keySet().removeIf(name -> name.startsWith("HOLDFAST_") || variables.contains(name));
    environment.put("HOME", home(scratch).toString());
    environment.put("TMPDIR", temporary(scratch).toString());
    environment.put(MARK, scratch.toString());
    return environment;
  }

  static Path home(Path scratch) {
    return scratch.resolve("home");
  }

  static Path temporary(Path scratch) {
    return scratch.resolve("tmp");
  }

  /** The process that serves {@code data} on any free port. */
  ProcessBuilder server(Path data, Map<String, String> settings, List<String> options) {
    var words = new ArrayList<>(command);
    words.addAll(List.of("serve", "--data-dir", data.toString(), "--port", "0"));
    words.addAll(options);
    var builder = new ProcessBuilder(words);
    builder.environment().clear();
    builder.environment().putAll(environment);
    builder.environment().putAll(settings);
    return builder;
  }
}

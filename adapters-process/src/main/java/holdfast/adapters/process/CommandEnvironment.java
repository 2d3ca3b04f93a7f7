package holdfast.adapters.process;

import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskSpec;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The variables a command is given. */
final class CommandEnvironment {
  static final String COOKIE = "HOLDFAST_RUN_ID";

  /** Borne by the monitor, and by the copy of it that is about to execute the command. */
  static final String MONITOR_OF = "HOLDFAST_MONITOR_OF";

  /** By which a command may ask the server about its own task. */
  private static final String TOKEN = "HOLDFAST_TASK_TOKEN";

  private static final String OURS = "HOLDFAST_";

  private CommandEnvironment() {}

  /**
   * What the server has, less what is the server's own; then the task's; then ours.
   *
   * @param token the run's, or null if it has none
   */
  static Map<String, String> of(
      Map<String, String> inherited,
      TaskSpec spec,
      RunRef run,
      String cookie,
      @Nullable String token) {
    var variables = new LinkedHashMap<String, String>();
    inherited.forEach(
        (name, value) -> {
          if (!name.startsWith(OURS)) {
            variables.put(name, value);
          }
        });
    variables.remove("OLDPWD");
    variables.put("PWD", spec.cwd());
    variables.putAll(spec.env());
    variables.put(OURS + "TASK_ID", run.task().value());
    variables.put(OURS + "ATTEMPT", String.valueOf(run.attempt()));
    variables.put(COOKIE, cookie);
    if (token != null) {
      variables.put(TOKEN, token);
    }
    return variables;
  }
}

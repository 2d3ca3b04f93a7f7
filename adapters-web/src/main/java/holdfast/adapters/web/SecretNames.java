package holdfast.adapters.web;

import holdfast.domain.task.Secrets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Keeps values that look secret from being shown. */
final class SecretNames {
  /** Stands for a value that is not shown. A client that sends it back is refused. */
  static final String MARK = Secrets.MARK;

  private SecretNames() {}

  /** The same variables, with the mark in place of what looks secret. */
  static Map<String, String> redacted(Map<String, String> env) {
    if (env.isEmpty()) {
      return env;
    }
    var shown = new LinkedHashMap<String, String>();
    env.forEach((name, value) -> shown.put(name, Secrets.isSecret(name, value) ? MARK : value));
    return shown;
  }

  /** Complains of marks that came back as values: storing them would destroy the secret. */
  static void refuseMarks(Map<String, String> env, Violations violations) {
    env.forEach(
        (name, value) -> {
          if (value.equals(MARK)) {
            violations.add(
                Violations.pointer("/env", name),
                "is the mark that stands for a value not shown; send the value itself");
          }
        });
  }
}

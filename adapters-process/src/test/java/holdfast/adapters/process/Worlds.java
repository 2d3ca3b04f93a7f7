package holdfast.adapters.process;

import holdfast.domain.task.RunRef;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Data directories for tests. */
final class Worlds {
  private Worlds() {}

  static LinuxProcessControl.Settings settings(Path data, long quotaBytes) {
    return LinuxProcessControl.Settings.of(
        run -> runDirectory(data, run),
        data,
        data.resolve("quarantine"),
        quotaBytes,
        Map.of(
            "PATH",
            System.getenv("PATH"),
            "HOLDFAST_TOKEN",
            "must-not-be-inherited",
            "LANG",
            "C.UTF-8"));
  }

  static Path runDirectory(Path data, RunRef run) {
    String id = run.task().value();
    String name = run.run() == 1 ? "" + run.attempt() : run.attempt() + "." + run.run();
    return data.resolve("tasks").resolve(id.substring(0, 2)).resolve(id).resolve(name);
  }

  static boolean has(String program) {
    return Files.isExecutable(Path.of(program));
  }
}

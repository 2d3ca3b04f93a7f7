package holdfast.adapters.process;

import holdfast.domain.task.Attempt;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.OutputMode;
import holdfast.domain.task.Owner;
import holdfast.domain.task.RetryPolicy;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
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
            "C.UTF-8",
            // As bash exports a function.
            "BASH_FUNC_module%%",
            "() {  :\n}"));
  }

  static Path runDirectory(Path data, RunRef run) {
    String id = run.task().value();
    String name = run.run() == 1 ? "" + run.attempt() : run.attempt() + "." + run.run();
    return data.resolve("tasks").resolve(id.substring(0, 2)).resolve(id).resolve(name);
  }

  static TaskSpec spec(String... command) {
    return spec(Map.of(), "/", command);
  }

  static TaskSpec spec(Map<String, String> env, String cwd, String... command) {
    return new TaskSpec(
        "real process",
        List.of(command),
        cwd,
        env,
        null,
        0,
        Map.of(),
        null,
        Duration.ofSeconds(1),
        new RetryPolicy(1, Duration.ofSeconds(1), Duration.ofSeconds(1)),
        OnLost.FAIL,
        StdinMode.NONE,
        OutputMode.MERGED);
  }

  /** A run of a task whose id is made of a number. */
  static RunRef run(long number) {
    var id = new StringBuilder();
    for (int i = 0; i < TaskId.LENGTH; i++) {
      id.append(TaskId.ALPHABET.charAt((int) (number & 31)));
      number >>>= 5;
    }
    return new RunRef(new TaskId(id.toString()), 1, 1);
  }

  static String cookie(RunRef run) {
    return "cookie-" + run.task() + "-" + run.attempt() + "-" + run.run();
  }

  /** What the journal knows of a run whose start alone was recorded. */
  static Attempt attempt(RunRef run, HostIdentity host) {
    return new Attempt(
        run.attempt(),
        run.run(),
        cookie(run),
        new Owner("tests", 1),
        host,
        Instant.EPOCH,
        null,
        0,
        null,
        null,
        Map.of(),
        Map.of());
  }

  static boolean has(String program) {
    return Files.isExecutable(Path.of(program));
  }
}

package holdfast.adapters.process;

import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.TaskSpec;
import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import jakarta.json.JsonObjectBuilder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * A run's {@code spec.json}: what was to be run, where, and within which limits, for people. It
 * holds no variable of the environment, and nothing is decided from it; the journal has the
 * specification.
 */
final class SpecFile {
  static final String NAME = "spec.json";

  private SpecFile() {}

  /**
   * @param openFiles the monitor's FILES argument
   */
  static byte[] of(
      TaskSpec spec, String cookie, HostIdentity host, long outputQuota, String openFiles) {
    JsonArrayBuilder argv = Json.createArrayBuilder();
    spec.command().forEach(argv::add);
    return Json.createObjectBuilder()
        .add("version", 1)
        .add("argv", argv)
        .add("cwd", spec.cwd())
        .add("umask", Umask.octal())
        .add("stdin", spec.stdin().name())
        .add("output", spec.output().name())
        .add("limits", limits(spec, outputQuota, openFiles))
        .add("cookie", cookie)
        .add("bootId", host.bootId())
        .add("machineId", host.machineId())
        .add("pidNamespace", host.pidNamespace())
        .build()
        .toString()
        .getBytes(StandardCharsets.UTF_8);
  }

  private static JsonObjectBuilder limits(TaskSpec spec, long outputQuota, String openFiles) {
    JsonObjectBuilder limits = Json.createObjectBuilder().add("outputBytes", outputQuota);
    Duration timeout = spec.timeout();
    if (timeout != null) {
      limits.add("timeout", timeout.toString());
    }
    if (!openFiles.equals(FileLimit.INHERITED)) {
      limits.add("openFiles", Long.parseLong(openFiles));
    }
    return limits.add("stopGrace", spec.stopGrace().toString());
  }
}

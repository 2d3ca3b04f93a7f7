package holdfast.bootstrap;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Does with the packaged server what systemd would do by a unit file, as far as systemd.kill(5) and
 * systemd.service(5) say it: the unit's control group, the signals of a stop, and whether a restart
 * follows an exit code. Control groups need cgroup v2 and root.
 */
final class SimulatedUnit {
  private final Map<String, List<String>> settings = new LinkedHashMap<>();
  private final Path group;

  /**
   * @param group of the unit; made by the first start
   */
  SimulatedUnit(Path unitFile, Path group) throws IOException {
    for (String line : Files.readAllLines(unitFile)) {
      int equals = line.indexOf('=');
      if (!line.startsWith("#") && equals > 0) {
        settings
            .computeIfAbsent(line.substring(0, equals), _ -> new ArrayList<>())
            .add(line.substring(equals + 1));
      }
    }
    this.group = group;
  }

  /** The last value of a setting; empty if it is not there. */
  String setting(String name) {
    return settings.getOrDefault(name, List.of("")).getLast();
  }

  Duration stopTimeout() {
    return Duration.parse("PT" + setting("TimeoutStopSec"));
  }

  /** Starts the main process in the unit's group. */
  PackagedServer start(Path data) throws IOException {
    Files.createDirectories(group);
    return PackagedServer.startBy(
        List.of("sh", "-c", "echo $$ >\"$0\"/cgroup.procs; exec \"$@\"", group.toString()), data);
  }

  /** What {@code systemctl stop} does; the main process's exit code. */
  int stop(PackagedServer server) throws IOException, InterruptedException {
    String mode = setting("KillMode");
    ProcessHandle main = ProcessHandle.of(server.pid()).orElseThrow();
    switch (mode) {
      case "process", "mixed" -> main.destroy();
      case "", "control-group" -> members().forEach(ProcessHandle::destroy);
      default -> throw new AssertionError("KillMode=" + mode + " is not simulated");
    }
    long deadline = System.nanoTime() + stopTimeout().toNanos();
    while (main.isAlive() && System.nanoTime() < deadline) {
      LockSupport.parkNanos(10_000_000);
    }
    main.destroyForcibly();
    if (!mode.equals("process")) {
      members().forEach(ProcessHandle::destroyForcibly);
    }
    return server.awaitExit();
  }

  boolean restartsAfter(int exitCode) {
    List<String> prevented = Arrays.asList(setting("RestartPreventExitStatus").split(" ", -1));
    return setting("Restart").equals("on-failure")
        && exitCode != 0
        && !prevented.contains(String.valueOf(exitCode));
  }

  /** Every process in the unit's group and the groups below it. */
  List<ProcessHandle> members() throws IOException {
    var members = new ArrayList<ProcessHandle>();
    if (!Files.exists(group)) {
      return members;
    }
    try (Stream<Path> walk = Files.walk(group)) {
      for (Path file : walk.filter(path -> path.endsWith("cgroup.procs")).toList()) {
        for (String pid : Files.readAllLines(file)) {
          ProcessHandle.of(Long.parseLong(pid)).ifPresent(members::add);
        }
      }
    }
    return members;
  }

  /** Ends whatever is left of the unit, and removes its group. */
  void remove() throws IOException, InterruptedException {
    for (ProcessHandle member : members()) {
      member.destroyForcibly();
    }
    Await.until(this::members, List::isEmpty, Duration.ofSeconds(30));
    if (!Files.exists(group)) {
      return;
    }
    try (Stream<Path> walk = Files.walk(group)) {
      List<Path> groups = walk.filter(Files::isDirectory).toList();
      for (Path made : groups.reversed()) {
        Files.deleteIfExists(made);
      }
    }
  }
}

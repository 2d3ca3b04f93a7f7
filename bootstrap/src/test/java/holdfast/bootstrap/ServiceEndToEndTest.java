package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The systemd unit: what systemd says of it, and what it would do to tasks. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ServiceEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Path UNIT = Path.of("..", "packaging", "holdfast.service");

  /** Settings that give a service files, processes or groups of its own, or take them away. */
  private static final List<String> HARMFUL =
      List.of(
          "ProtectControlGroups",
          "ProtectSystem",
          "ProtectHome",
          "ProtectProc",
          "PrivateTmp",
          "PrivateDevices",
          "PrivateUsers",
          "PrivatePIDs",
          "ReadOnlyPaths",
          "DynamicUser",
          "MemoryDenyWriteExecute",
          "RestrictNamespaces",
          "ProtectClock");

  @TempDir Path scratch;

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch.resolve("data"));
  }

  @Test
  void systemdHasNothingToSayAgainstTheUnit() throws Exception {
    Path script = Path.of("..", "holdfast").toRealPath();
    String unit = Files.readString(UNIT);
    assertTrue(unit.contains("ExecStart=/opt/holdfast/holdfast serve\n"), unit);
    // It looks whether the program is there.
    Path copy =
        Files.writeString(
            scratch.resolve("holdfast.service"),
            unit.replace("/opt/holdfast/holdfast", script.toString()));
    Process verify;
    try {
      verify =
          new ProcessBuilder("systemd-analyze", "verify", "--man=no", copy.toString())
              .redirectErrorStream(true)
              .start();
    } catch (IOException missing) {
      Assumptions.abort("there is no systemd-analyze: the unit is not verified by systemd");
      throw missing;
    }
    String said = new String(verify.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals("", said);
    assertEquals(0, verify.waitFor());
  }

  @Test
  void tasksOutliveAStopAndARestartAndStayInGroupsOfTheirOwn() throws Exception {
    Path data = scratch.resolve("data");
    var unit = new SimulatedUnit(UNIT, unitGroup());
    try {
      assertEquals("yes", unit.setting("Delegate"));
      for (String name : HARMFUL) {
        assertEquals("", unit.setting(name), name + " breaks tasks");
      }
      Configuration usual = Configuration.of(Map.of(), Map.of(), Map.of(), "");
      assertTrue(
          unit.stopTimeout()
                  .compareTo(usual.get(Settings.SHUTDOWN_TIMEOUT).plus(Duration.ofSeconds(10)))
              >= 0,
          "systemd must not be quicker than the shutdown: " + unit.stopTimeout());
      String id;
      JsonObject process;
      try (PackagedServer server = unit.start(data)) {
        ApiClient api = server.client();
        id = api.submit(RestartEndToEndTest.command("sleep", "600"));
        process =
            api.await(id, task -> task.getString("state").equals("RUNNING"), PATIENCE)
                .getJsonArray("attempts")
                .getJsonObject(0)
                .getJsonObject("process");
        assertTrue(groupOf(server.pid()).endsWith("/" + name()), groupOf(server.pid()));
        String task = groupOf(process.getJsonNumber("pid").longValue());
        assertTrue(task.contains("/" + name() + "/holdfast/"), task);
        assertEquals(0, unit.stop(server));
      }
      try (PackagedServer server = unit.start(data)) {
        ApiClient api = server.client();
        JsonObject verdict = api.get("/api/recovery").getJsonArray("tasks").getJsonObject(0);
        assertEquals("ADOPTED", verdict.getString("verdict"), verdict.toString());
        JsonObject task = api.task(id);
        assertEquals("RUNNING", task.getString("state"));
        assertEquals(
            process, task.getJsonArray("attempts").getJsonObject(0).getJsonObject("process"));
        ApiClient.expect(202, api.post("/api/tasks/" + id + "/kill", "{}"));
        assertEquals("CANCELED", api.awaitEnd(id).getString("state"));
        assertEquals(0, unit.stop(server));
      }
    } finally {
      unit.remove();
    }
  }

  @Test
  void onlyWhatARestartCanMendIsRestarted() throws Exception {
    String unit = Files.readString(UNIT);
    assertTrue(unit.contains("\nType=exec\n"), "READY is no notification that systemd knows");
    var service = new SimulatedUnit(UNIT, scratch);
    assertTrue(service.restartsAfter(ExitCode.JOURNAL_FAILED));
    assertTrue(service.restartsAfter(137));
    for (int person :
        List.of(
            ExitCode.OK,
            ExitCode.BAD_CONFIGURATION,
            ExitCode.DIRECTORY_REFUSED,
            ExitCode.HISTORY_MISSING)) {
      assertFalse(service.restartsAfter(person), "after exit " + person);
    }
  }

  private String name() {
    return "holdfast-test-" + ProcessHandle.current().pid() + ".service";
  }

  private Path unitGroup() {
    return Stream.of("/sys/fs/cgroup/unified", "/sys/fs/cgroup")
        .map(Path::of)
        .filter(root -> Files.exists(root.resolve("cgroup.procs")) && Files.isWritable(root))
        .map(root -> root.resolve(name()))
        .findFirst()
        .orElseGet(
            () -> {
              Assumptions.abort(
                  "there is no writable cgroup v2: what systemd does to tasks is not simulated");
              throw new AssertionError("aborted");
            });
  }

  private static String groupOf(long pid) throws IOException {
    return Files.readAllLines(Path.of("/proc/" + pid + "/cgroup")).stream()
        .filter(line -> line.startsWith("0::"))
        .findFirst()
        .orElse("");
  }
}

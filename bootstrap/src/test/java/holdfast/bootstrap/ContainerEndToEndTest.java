package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The packaged server as the first process of a pid namespace, as in a container. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ContainerEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Path DOCKERFILE = Path.of("..", "packaging", "Dockerfile");
  private static final List<String> CONTAINER =
      List.of("unshare", "--fork", "--pid", "--mount-proc", "--kill-child");

  @TempDir Path scratch;

  @BeforeEach
  void isPermitted() throws InterruptedException {
    var command = new ArrayList<>(CONTAINER);
    command.add("true");
    boolean permitted;
    try {
      permitted = new ProcessBuilder(command).start().waitFor() == 0;
    } catch (IOException missing) {
      permitted = false;
    }
    Assumptions.assumeTrue(
        permitted, "making a pid namespace needs root and unshare(1): containers are not tested");
  }

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(data());
  }

  private Path data() {
    return scratch.resolve("data");
  }

  /** A server of the image's settings, in a pid namespace of its own. */
  private PackagedServer start() throws IOException {
    var command = new ArrayList<>(CONTAINER);
    command.add("env");
    settings().forEach((name, value) -> command.add(name + "=" + value));
    return PackagedServer.startBy(command, data());
  }

  /** What the image sets, but for the place of the data. */
  private static Map<String, String> settings() throws IOException {
    var settings = new HashMap<String, String>();
    Matcher lines =
        Pattern.compile("(?m)^ENV (HOLDFAST_SHUTDOWN_\\w+)=(\\S+)$")
            .matcher(Files.readString(DOCKERFILE));
    while (lines.find()) {
      settings.put(lines.group(1), lines.group(2));
    }
    assertEquals(2, settings.size(), "what a stop does to tasks, and how long it may take");
    return settings;
  }

  /** The server itself, as seen from outside. */
  private static ProcessHandle first(PackagedServer server) {
    return ProcessHandle.of(server.pid()).orElseThrow().children().findFirst().orElseThrow();
  }

  private static void stop(PackagedServer server) throws InterruptedException {
    assertTrue(first(server).destroy());
    assertEquals(0, server.awaitExit(), "exit code after SIGTERM to process 1");
  }

  private static String running(ApiClient api, String... command)
      throws IOException, InterruptedException {
    String id = api.submit(RestartEndToEndTest.command(command));
    api.await(id, task -> task.getString("state").equals("RUNNING"), PATIENCE);
    return id;
  }

  private static List<String> children(ProcessHandle of) throws IOException {
    var states = new ArrayList<String>();
    for (ProcessHandle child : of.children().toList()) {
      Path stat = Path.of("/proc", String.valueOf(child.pid()), "stat");
      try {
        String line = Files.readString(stat);
        states.add(child.pid() + line.substring(line.lastIndexOf(')') + 1).substring(0, 2));
      } catch (IOException gone) {
        // It ended in between.
      }
    }
    return states;
  }

  @Test
  void asProcess1ItReapsOrphansEndsTasksInOrderAndKnowsWhatAKillTookWithIt() throws Exception {
    String stopped;
    String killed;
    try (PackagedServer server = start()) {
      ApiClient api = server.client();
      String quick = api.submit("{\"command\":[\"true\"]}");
      assertEquals("SUCCEEDED", api.awaitEnd(quick).getString("state"));
      orphan(server);
      stopped = running(api, "sleep", "600");
      Await.until(
          () -> children(first(server)),
          states -> states.size() == 1 && states.getFirst().endsWith("S"),
          PATIENCE);
      stop(server);
    }
    try (PackagedServer server = start()) {
      ApiClient api = server.client();
      assertEquals(0, api.get("/api/recovery").getJsonArray("tasks").size(), "ends are recorded");
      JsonObject task = api.task(stopped);
      assertEquals("CANCELED", task.getString("state"));
      assertTrue(task.getString("stateReason").contains("shut down"), task.toString());
      killed = running(api, "sleep", "600");
      first(server).destroyForcibly();
      server.awaitExit();
    }
    try (PackagedServer server = start()) {
      ApiClient api = server.client();
      JsonObject verdict = api.get("/api/recovery").getJsonArray("tasks").getJsonObject(0);
      assertEquals(killed, verdict.getString("id"));
      assertEquals("LOST", verdict.getString("verdict"), verdict.toString());
      assertFalse(verdict.getBoolean("needsDecision"));
      assertTrue(verdict.getString("reason").contains("container"), verdict.toString());
      assertTrue(
          verdict.getJsonArray("evidence").toString().contains("ends with its first process"),
          verdict.toString());
      assertEquals("LOST", api.task(killed).getString("state"));
    }
  }

  /** The monitor of a command is killed, so that process 1 inherits the command, and its end. */
  private static void orphan(PackagedServer server) throws IOException, InterruptedException {
    ApiClient api = server.client();
    String id = running(api, "sleep", "1");
    ProcessHandle monitor =
        first(server)
            .children()
            .filter(child -> child.info().commandLine().orElse("").contains(id))
            .findFirst()
            .orElseThrow();
    monitor.destroyForcibly();
    api.awaitEnd(id);
  }
}

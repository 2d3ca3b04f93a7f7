package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code holdfast resilience} as packaged: what it says, how it exits, what it leaves behind. */
@Timeout(value = 6, unit = TimeUnit.MINUTES)
class ResilienceEndToEndTest {
  private static final List<String> NAMES =
      List.of(
          "crash-recovery",
          "websocket-reconnection",
          "data-persistence",
          "health-monitoring",
          "graceful-shutdown",
          "exit-while-down",
          "damaged-file",
          "disk-full",
          "second-server",
          "sync-conflict",
          "restore");

  @TempDir Path scratch;

  /** How a run ended, and what it said. */
  private record Ran(int exitCode, String out, String err) {
    List<String> lines() {
      return out.lines().toList();
    }
  }

  /** With a home, a temporary directory and a data directory that all are the test's. */
  private Process start(String... arguments) throws IOException {
    Path temporary = Files.createDirectories(scratch.resolve("tmp"));
    var command = new ArrayList<>(PackagedServer.javaCommand());
    command.addAll(1, List.of("-Djava.io.tmpdir=" + temporary, "-Duser.home=" + scratch));
    command.add("resilience");
    command.addAll(List.of(arguments));
    var builder = new ProcessBuilder(command);
    builder.environment().put("HOLDFAST_DATA_DIR", users().toString());
    builder.environment().put("PERSISTENT_STATE_DIR", scratch.resolve("users-state").toString());
    builder.environment().put("HOLDFAST_PORT", "1");
    return builder
        .redirectOutput(scratch.resolve("out").toFile())
        .redirectError(scratch.resolve("err").toFile())
        .start();
  }

  private Path users() {
    return scratch.resolve("users-data");
  }

  private Ran run(String... arguments) throws Exception {
    Process process = start(arguments);
    assertTrue(process.waitFor(5, TimeUnit.MINUTES));
    return ended(process);
  }

  private Ran ended(Process process) throws IOException {
    return new Ran(
        process.exitValue(),
        Files.readString(scratch.resolve("out")),
        Files.readString(scratch.resolve("err")));
  }

  /** No directory, no server, no task; and nothing at the user's. */
  private void assertNothingIsLeft() throws IOException {
    try (Stream<Path> left = Files.list(scratch.resolve("tmp"))) {
      assertEquals(
          List.of(), left.filter(path -> path.toString().contains("holdfast-res")).toList());
    }
    String mark = "RESILIENCE_SCRATCH=" + scratch;
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      assertEquals(List.of(), processes.filter(process -> bears(process, mark)).toList());
    }
    assertFalse(Files.exists(users()), "the user's data directory was made");
    assertFalse(Files.exists(scratch.resolve("users-state")));
    assertFalse(Files.exists(scratch.resolve(".claude-god-data")));
  }

  private static boolean bears(Path process, String mark) {
    try {
      return Files.readString(process.resolve("environ"), StandardCharsets.ISO_8859_1)
          .contains(mark);
    } catch (IOException noProcess) {
      return false;
    }
  }

  @Test
  void someTestsPassWithALineEachAndNothingIsLeft() throws Exception {
    Ran ran = run("--only", "second-server,health-monitoring");
    assertEquals(0, ran.exitCode(), ran.toString());
    assertEquals(3, ran.lines().size(), ran.out());
    assertTrue(ran.lines().get(0).startsWith("passed health-monitoring · 5 comp"), ran.out());
    assertTrue(ran.lines().get(1).startsWith("passed second-server · exit 73"), ran.out());
    assertEquals("2 passed, 0 failed", ran.lines().get(2));
    assertEquals("", ran.err());
    assertNothingIsLeft();
  }

  @Test
  void whatIsCutShortLeavesNothing() throws Exception {
    Process process = start("--only", "crash-recovery");
    Await.until(
        () -> {
          try (Stream<Path> files = Files.walk(scratch.resolve("tmp"))) {
            return files.anyMatch(file -> file.endsWith("output.log"));
          } catch (UncheckedIOException changing) {
            return false;
          }
        },
        Boolean::booleanValue,
        Duration.ofSeconds(60));
    new ProcessBuilder("kill", "-INT", String.valueOf(process.pid())).start().waitFor();
    assertTrue(process.waitFor(1, TimeUnit.MINUTES));
    Ran ran = ended(process);
    assertEquals(130, ran.exitCode(), ran.toString());
    assertTrue(ran.err().contains("cut short"), ran.toString());
    assertNothingIsLeft();
  }

  @Test
  @Tag("long")
  void everyTestPasses() throws Exception {
    Ran ran = run();
    System.out.print(ran.out());
    assertEquals(0, ran.exitCode(), ran.toString());
    for (int i = 0; i < NAMES.size(); i++) {
      assertTrue(ran.lines().get(i).startsWith("passed " + NAMES.get(i) + " · "), ran.out());
    }
    assertEquals("11 passed, 0 failed", ran.lines().getLast());
    assertNothingIsLeft();
  }

  @Test
  @Tag("long")
  void followingAServerOfSomebodyElsesLeavesNoTaskThere() throws Exception {
    Path data = scratch.resolve("data");
    try (PackagedServer server = PackagedServer.start(data)) {
      String token = data.resolve("token").toString();
      String url = server.address().toString();
      Ran ran = run("--json", "--server", url, "--token-file", token);
      assertEquals(0, ran.exitCode(), ran.toString());
      JsonObject said = ApiClient.parse(ran.out());
      assertEquals(3, said.getInt("passed"));
      assertEquals(0, said.getInt("failed"));
      assertEquals(8, said.getInt("skipped"));
      assertEquals(0, server.client().get("/api/tasks").getJsonArray("items").size());
    }
  }
}

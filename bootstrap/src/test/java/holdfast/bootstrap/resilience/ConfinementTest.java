package holdfast.bootstrap.resilience;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run keeps to its scratch directory, ends what it started, and nobody else's. */
class ConfinementTest {
  @TempDir private Path root;

  private Launch launch(List<String> arguments, Map<String, String> environment) {
    return Launch.of(arguments, environment, List.of("PORT", "SYNC_INTERVAL"), root);
  }

  @Test
  void aServerGetsNothingOfWhatTheCallerSaysToHoldfast() {
    Map<String, String> environment =
        launch(
                List.of(),
                Map.of(
                    "HOLDFAST_DATA_DIR", "/home/u/data",
                    "HOLDFAST_ANYTHING", "x",
                    "PORT", "80",
                    "SYNC_INTERVAL", "1",
                    "HOME", "/home/u",
                    "PATH", "/bin"))
            .environment();
    assertEquals(
        Map.of(
            "PATH",
            "/bin",
            "HOME",
            root.resolve("home").toString(),
            "TMPDIR",
            root.resolve("tmp").toString(),
            Launch.MARK,
            root.toString()),
        environment);
  }

  @Test
  void aServerIsStartedAsThisProcessWasWithAnotherHome() {
    List<String> command =
        launch(
                List.of(
                    "-Duser.home=/home/u",
                    "-Xmn16m",
                    "--module-path",
                    "/lib",
                    "--module",
                    "holdfast.bootstrap/holdfast.bootstrap.Main",
                    "resilience",
                    "--json"),
                Map.of())
            .command();
    assertEquals(
        List.of(
            "-Xmn16m",
            "--module-path",
            "/lib",
            "-Duser.home=" + root.resolve("home"),
            "-Djava.io.tmpdir=" + root.resolve("tmp"),
            "--module",
            "holdfast.bootstrap/holdfast.bootstrap.Main"),
        command.subList(1, command.size()));
  }

  @Test
  void aServerThatOpensAnythingOfTheUsersIsAFault() {
    Path data = root.resolve("drill/data");
    String lock = data.resolve("state/LOCK").toString();
    List<Path> users = List.of(Path.of("/home/u/data"));
    assertEquals(List.of(), Bench.strayed(List.of(lock, "/lib/x.jar"), data, root, users));
    assertEquals(List.of(), Bench.strayed(List.of(lock), data, root, List.of(root)));
    assertEquals(
        1, Bench.strayed(List.of(lock, "/home/u/data/state/LOCK"), data, root, users).size());
    assertEquals(1, Bench.strayed(List.of("/elsewhere/state/LOCK"), data, root, users).size());
  }

  @Test
  void onlyWhatBearsTheMarkIsEnded() throws Exception {
    var scratch = new Scratch(root, false, launch(List.of(), Map.of()));
    List<String> marked = List.of("A=b", Launch.MARK + "=" + root);
    assertTrue(scratch.isOurs(marked, List.of("sleep", "1")));
    assertTrue(scratch.isOurs(List.of("HOLDFAST_MONITOR_OF=x"), List.of("m", root + "/d/state")));
    assertFalse(scratch.isOurs(List.of(), List.of("tail", "-f", root + "/d/stderr")));
    assertFalse(scratch.isOurs(List.of("HOLDFAST_MONITOR_OF=x"), List.of("m", "/home/u/state")));
    assertFalse(scratch.isOurs(List.of(Launch.MARK + "=" + root + "x"), List.of("sleep")));
  }

  @Test
  void processesAndFilesAreGoneAfterwardsAndAStrangerIsNot() throws Exception {
    Path own = Files.createDirectory(root.resolve("own"));
    var scratch = new Scratch(own, false, launch(List.of(), Map.of()));
    Files.writeString(scratch.directory("drill").resolve("file"), "x");
    var builder = new ProcessBuilder("sleep", "600");
    Process stranger = builder.start();
    builder.environment().put(Launch.MARK, own.toString());
    Process started = builder.start();
    try {
      scratch.clear();
      assertFalse(started.isAlive());
      assertTrue(stranger.isAlive());
      assertFalse(Files.exists(own));
    } finally {
      stranger.destroyForcibly();
      started.destroyForcibly();
    }
  }

  @Test
  void aMachineWithoutProcOrShellIsToldWhatItLacks() {
    assertEquals(List.of(), Platform.USUAL.lacks());
    List<String> lacks = new Platform(root.resolve("proc"), root.resolve("sh")).lacks();
    assertEquals(2, lacks.size());
    assertTrue(lacks.get(0).startsWith(root.resolve("proc") + " is not there"), lacks.get(0));
    assertTrue(lacks.get(1).startsWith(root.resolve("sh") + " cannot"), lacks.get(1));
  }
}

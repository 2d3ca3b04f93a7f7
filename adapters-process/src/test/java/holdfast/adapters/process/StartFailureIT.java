package holdfast.adapters.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.ProcessControl.Launch;
import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskLimits;
import holdfast.domain.task.TaskSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Why a command was not reached, in a sentence, and what is no failure to start. */
@Timeout(60)
class StartFailureIT {
  @TempDir Path data;

  private static void assertFails(Lab lab, TaskSpec spec, String words) {
    RunRef run = lab.launch(spec);
    var exit = assertInstanceOf(ExitRecord.Valid.class, lab.awaitEnd(run).exit());
    assertFalse(exit.execReached(), exit.toString());
    var failed = assertInstanceOf(Outcome.StartFailed.class, exit.outcome());
    assertTrue(failed.reason().contains(words), failed.reason());
    assertInstanceOf(RecoveryVerdict.StartFailed.class, RecoveryPolicy.judge(lab.awaitEnd(run)));
    assertFalse(Files.exists(lab.path(run).resolve("env")), "secrets are left behind");
  }

  private Path program(String name, String content, String permissions) throws IOException {
    Path file = Files.writeString(data.resolve(name), content);
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
  }

  @ParameterizedTest
  @EnumSource
  void everyReasonHasItsSentence(Lab.Kind kind) throws IOException {
    Path plain = program("plain", "text", "rw-r--r--");
    Path orphan = program("orphan", "#!/no/such/interpreter -x\n", "rwxr-xr-x");
    Path garbage = program("garbage", "\177ELFgarbage", "rwxr-xr-x");
    try (var lab = new Lab(data, kind)) {
      assertFails(lab, Worlds.spec("no-such-command"), "command not found: no-such-command");
      assertFails(lab, Worlds.spec("/no/such/file"), "command not found: /no/such/file");
      assertFails(lab, Worlds.spec(plain.toString()), "is not executable");
      assertFails(lab, Worlds.spec("/usr"), "/usr is a directory");
      assertFails(lab, Worlds.spec(orphan.toString()), "the interpreter named in the first line");
      if (kind != Lab.Kind.BUSYBOX) {
        // It executes itself in the place of a program that the kernel refuses.
        assertFails(lab, Worlds.spec(garbage.toString()), garbage.toString());
      }
      assertFails(
          lab,
          Worlds.spec(Map.of(), "/no/such/place", "true"),
          "working directory /no/such/place: no such file or directory");
      assertFails(
          lab,
          Worlds.spec(Map.of(), plain.toString(), "true"),
          "working directory " + plain + ": not a directory");
      assertFails(
          lab,
          Worlds.spec(Map.of("PATH", data.toString()), "/", "plain"),
          "permission denied: plain is not executable");
    }
  }

  @ParameterizedTest
  @EnumSource
  void aCommandsOwn126And127AreItsExitCodes(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      assertEquals(
          new Outcome.Exited(126),
          lab.awaitOutcome(lab.launch(Worlds.spec("sh", "-c", "exit 126"))));
      assertEquals(
          new Outcome.Exited(127),
          lab.awaitOutcome(lab.launch(Worlds.spec("sh", "-c", "exit 127"))));
    }
  }

  @ParameterizedTest
  @EnumSource
  void theLongestArgumentThatATaskMayHaveIsPassedOn(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      String longest = "x".repeat(TaskLimits.ARGV_BYTES_MAX - 64);
      RunRef run = lab.launch(Worlds.spec("sh", "-c", "echo ${#1}", "sh", longest));
      assertEquals(new Outcome.Exited(0), lab.awaitOutcome(run));
      assertEquals(longest.length() + "\n", lab.output(run));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"DASH", "BASH", "BUSYBOX"})
  void aVariableThatAShellCannotSetIsRefusedAndOneOfTheServersIsNoObstacle(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      RunRef run = Lab.newRun();
      var failed =
          assertInstanceOf(
              Launch.Failed.class,
              lab.control()
                  .launch(
                      run,
                      Worlds.cookie(run),
                      Worlds.spec(Map.of("not.a.name", "x"), "/", "true")));
      assertTrue(failed.reason().contains("not.a.name"), failed.reason());
      assertFalse(Files.exists(lab.path(run)));
      // Worlds.settings gives the server such a variable.
      assertEquals(new Outcome.Exited(0), lab.awaitOutcome(lab.launch(Worlds.spec("true"))));
    }
  }
}

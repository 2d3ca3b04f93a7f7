package holdfast.adapters.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.task.Outcome;
import holdfast.domain.task.RunRef;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a command is given, and what it is not. */
@Timeout(60)
class SurroundingsIT {
  @TempDir Path data;

  @ParameterizedTest
  @EnumSource
  void theEnvironmentIsTheServersLessItsSecretsThenTheTasksThenOurs(Lab.Kind kind) {
    var env = new LinkedHashMap<String, String>();
    env.put("PLAIN", "value");
    env.put("EMPTY", "");
    env.put("QUOTES", "it's \"so\" $HOME `id` \\ \\n");
    env.put("LINES", "one\n two\n");
    env.put("LANGUAGES", "grüße 日本 🙂");
    env.put("PATH", "/usr/bin:/bin:/grüße");
    try (var lab = new Lab(data, kind)) {
      RunRef run = lab.launch(Worlds.spec(env, "/usr", "env", "-0"));
      assertEquals(new Outcome.Exited(0), lab.awaitOutcome(run));
      Set<String> given = Set.of(lab.output(run).split("\0"));
      env.forEach((name, value) -> assertTrue(given.contains(name + "=" + value), name));
      assertTrue(given.contains("PWD=/usr"));
      assertTrue(given.contains("LANG=C.UTF-8"), "the server's own is inherited");
      assertTrue(given.contains("HOLDFAST_TASK_ID=" + run.task()));
      assertTrue(given.contains("HOLDFAST_ATTEMPT=1"));
      assertTrue(given.contains("HOLDFAST_RUN_ID=" + Worlds.cookie(run)));
      assertTrue(given.contains("HOLDFAST_TASK_TOKEN=token of " + run));
      List<String> others =
          given.stream()
              .map(variable -> variable.substring(0, variable.indexOf('=')))
              .filter(name -> !env.containsKey(name))
              // dash and bash make no difference between their own and the command's.
              .filter(name -> !Set.of("PWD", "LANG", "_", "OLDPWD", "SHLVL").contains(name))
              .filter(name -> !name.equals("BASH_FUNC_module%%"))
              .sorted()
              .toList();
      assertEquals(
          List.of("HOLDFAST_ATTEMPT", "HOLDFAST_RUN_ID", "HOLDFAST_TASK_ID", "HOLDFAST_TASK_TOKEN"),
          others);
      assertFalse(Files.exists(lab.path(run).resolve("env")));
      assertFalse(Lab.text(lab.path(run).resolve("spec.json")).contains("value"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void argumentsArriveAsTheyWereGiven(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      RunRef run =
          lab.launch(
              Worlds.spec("printf", "%s|", "", " a  b ", "*", "-n", "$x", "it's", "é\n日", "--"));
      assertEquals(new Outcome.Exited(0), lab.awaitOutcome(run));
      assertEquals("| a  b |*|-n|$x|it's|é\n日|--|", lab.output(run));
    }
  }

  @ParameterizedTest
  @EnumSource
  void onlyThreeDescriptorsAreInherited(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      // ls has one more, for the directory itself.
      RunRef run = lab.launch(Worlds.spec("ls", "/proc/self/fd"));
      assertEquals(new Outcome.Exited(0), lab.awaitOutcome(run));
      assertEquals(List.of("0", "1", "2", "3"), lab.output(run).lines().sorted().toList());
    }
  }

  @ParameterizedTest
  @EnumSource
  void noSignalIsBlockedIgnoredOrCaught(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      RunRef run = lab.launch(Worlds.spec("cat", "/proc/self/status"));
      assertEquals(new Outcome.Exited(0), lab.awaitOutcome(run));
      List<String> masks =
          lab.output(run).lines().filter(line -> line.matches("Sig(Blk|Ign|Cgt):.*")).toList();
      assertEquals(3, masks.size());
      masks.forEach(mask -> assertTrue(mask.endsWith("\t0000000000000000"), mask));
    }
  }

  @ParameterizedTest
  @EnumSource
  void theCommandLeadsASessionThatIsNotItsMonitors(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      RunRef run = lab.launchAndAwaitStart(Worlds.spec("sleep", "60"));
      ProcessRecord.Complete recorded = lab.recorded(run);
      ProcTable.Entry command = ProcTable.find(recorded.identity().pid());
      ProcTable.Entry monitor = ProcTable.find(recorded.monitor());
      assertEquals(command.pid(), command.session());
      assertEquals(monitor.pid(), monitor.session());
      assertEquals(monitor.pid(), command.parent());
      assertEquals(ProcessHandle.current().pid(), monitor.parent());
    }
  }

  @ParameterizedTest
  @EnumSource
  void filesAreMadeWithTheServersMaskAndARunIsItsOwnersAlone(Lab.Kind kind) throws IOException {
    try (var lab = new Lab(data, kind)) {
      RunRef run = lab.launch(Worlds.spec("sh", "-c", "umask; ulimit -S -n"));
      assertEquals(new Outcome.Exited(0), lab.awaitOutcome(run));
      assertEquals(Umask.octal(), lab.output(run).lines().findFirst().orElseThrow());
      assertEquals(
          "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(lab.path(run))));
      try (var files = Files.list(lab.path(run))) {
        for (Path file : files.toList()) {
          assertEquals(
              "rw-------",
              PosixFilePermissions.toString(Files.getPosixFilePermissions(file)),
              file.toString());
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theLimitOnOpenFilesIsGivenBack(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      MonitorProgram monitor = MonitorProgram.install(lab.settings());
      RunRef run = Lab.newRun();
      var spec = Worlds.spec("sh", "-c", "ulimit -S -n");
      var variables = Map.of("PATH", "/usr/bin:/bin", "HOLDFAST_RUN_ID", Worlds.cookie(run));
      try (var made =
          RunDirectory.make(
              lab.path(run).toString(), spec, new byte[0], monitor.encode(variables))) {
        monitor.start(made, spec, Worlds.cookie(run), "123", ControlGroups.NONE);
      }
      lab.control().follow(run, lab.attempt(run));
      assertEquals(new Outcome.Exited(0), lab.awaitOutcome(run));
      assertEquals("123\n", lab.output(run));
    }
  }
}

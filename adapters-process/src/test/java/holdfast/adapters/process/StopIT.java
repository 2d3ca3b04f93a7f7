package holdfast.adapters.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.ProcessControl.Signal;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.RunRef;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A stop leaves nothing, whatever the command did to get away. */
@Timeout(60)
class StopIT {
  @TempDir Path data;

  /** Processes that sleep so many seconds; a number that nobody else sleeps. */
  private static long sleepers(String seconds) {
    return ProcessHandle.allProcesses()
        .filter(process -> Lab.lives(process.pid()))
        .filter(process -> commandLine(process.pid()).contains("sleep\0" + seconds + "\0"))
        .count();
  }

  private static String commandLine(long pid) {
    byte[] line = ProcTable.read("/proc/" + pid + "/cmdline", 4_096);
    return line == null ? "" : new String(line, java.nio.charset.StandardCharsets.UTF_8);
  }

  private static void killAll(Lab lab, RunRef run) {
    Lab.await("nobody left", () -> lab.signal(run, Signal.KILL) == 0);
  }

  @ParameterizedTest
  @EnumSource
  void sessionsAndGrandchildrenAreReached(Lab.Kind kind) {
    String seconds = "61" + System.nanoTime() % 1_000_000;
    try (var lab = new Lab(data, kind)) {
      String script =
          "setsid sh -c 'sleep %1$s & sleep %1$s' & (sleep %1$s &) ; env -i sleep %1$s & sleep %1$s"
              .formatted(seconds);
      RunRef run = lab.launchAndAwaitStart(Worlds.spec("sh", "-c", script));
      Lab.await("five sleepers", () -> sleepers(seconds) == 5);
      killAll(lab, run);
      assertEquals(0, sleepers(seconds));
      assertEquals(new Outcome.Signaled(9), lab.awaitOutcome(run));
    }
  }

  /** Without the cookie, without the session, without a parent: known by descent or group. */
  @Test
  void whoHidesFromCookieAndSessionIsReachedUnderTheNativeMonitor() {
    String seconds = "62" + System.nanoTime() % 1_000_000;
    try (var lab = new Lab(data, Lab.Kind.NATIVE)) {
      RunRef run =
          lab.launchAndAwaitStart(
              Worlds.spec("sh", "-c", "(env -i setsid sleep " + seconds + " &) ; exec sleep 60"));
      Lab.await("the hidden one", () -> sleepers(seconds) == 1);
      killAll(lab, run);
      assertEquals(0, sleepers(seconds));
    }
  }

  @Test
  void whoHidesIsReachedAfterTheCommandHasEnded() {
    String seconds = "63" + System.nanoTime() % 1_000_000;
    try (var lab = new Lab(data, Lab.Kind.NATIVE)) {
      RunRef run =
          lab.launch(Worlds.spec("sh", "-c", "env -i setsid sleep " + seconds + " & exit 4"));
      assertEquals(new Outcome.Exited(4), lab.awaitOutcome(run));
      Lab.await("the hidden one", () -> sleepers(seconds) == 1);
      killAll(lab, run);
      assertEquals(0, sleepers(seconds));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aLoopThatForksSessionsIsEnded(Lab.Kind kind) throws Exception {
    try (var lab = new Lab(data, kind)) {
      Path beat = data.resolve("beat");
      Path script =
          Files.writeString(data.resolve("loop"), "echo >>" + beat + "\nsetsid sh $0 &\n");
      RunRef run = lab.launch(Worlds.spec("sh", script.toString()));
      lab.awaitEnd(run);
      Lab.await("a fork", () -> Files.exists(beat) && beat.toFile().length() > 20);
      killAll(lab, run);
      long length = beat.toFile().length();
      assertFalse(
          ProcessHandle.allProcesses()
              .anyMatch(process -> commandLine(process.pid()).contains(script.toString())));
      assertEquals(length, beat.toFile().length());
    }
  }

  @ParameterizedTest
  @EnumSource
  void noShellOfTheCommandGoesOnWhenItsChildIsTerminated(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      RunRef run =
          lab.launchAndAwaitStart(Worlds.spec("sh", "-c", "echo up; sleep 60; echo went on"));
      Lab.await("output", () -> lab.output(run).equals("up\n"));
      assertTrue(lab.signal(run, Signal.TERM) >= 1);
      assertEquals(new Outcome.Signaled(15), lab.awaitOutcome(run));
      assertEquals("up\n", lab.output(run));
    }
  }

  @ParameterizedTest
  @EnumSource
  void theMonitorIsSparedAndRecordsTheEndThatATrapChose(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      RunRef run =
          lab.launchAndAwaitStart(
              Worlds.spec("sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.02; done"));
      Lab.await("output", () -> lab.output(run).equals("up\n"));
      lab.signal(run, Signal.TERM);
      assertEquals(new Outcome.Exited(9), lab.awaitOutcome(run));
    }
  }
}

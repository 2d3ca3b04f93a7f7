package holdfast.adapters.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.ProcessControl.Signal;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.ProcessEvidence.Lock;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Monitors and servers that die at any point of a run: never two commands, never a false end. */
@Timeout(60)
class MonitorDeathIT {
  @TempDir Path data;

  @ParameterizedTest
  @EnumSource
  void aCommandWithoutItsMonitorIsAdoptedAndItsEndIsNotMadeUp(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      RunRef run = lab.launchAndAwaitStart(Worlds.spec("sleep", "60"));
      ProcessRecord.Complete recorded = lab.recorded(run);
      Lab.kill(recorded.monitor());
      var adopted = assertInstanceOf(RecoveryVerdict.Adopted.class, lab.verdict(run));
      assertFalse(adopted.monitored());
      assertEquals(recorded.identity(), adopted.process());
      assertNull(lab.listener.ended(run));
      Lab.kill(recorded.identity().pid());
      assertInstanceOf(RecoveryVerdict.Lost.class, RecoveryPolicy.judge(lab.awaitEnd(run)));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aMonitorThatDiedWithItsServerLeavesACommandThatCanBeStopped(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      RunRef run = lab.launchAndAwaitStart(Worlds.spec("sh", "-c", "sleep 60 & sleep 61"));
      Lab.kill(lab.recorded(run).monitor());
      lab.restart();
      lab.control().follow(run, lab.attempt(run));
      Lab.await("started, once more", () -> lab.listener.started(run) != null);
      Lab.await("nobody left", () -> lab.signal(run, Signal.KILL) == 0);
      assertInstanceOf(RecoveryVerdict.Lost.class, RecoveryPolicy.judge(lab.awaitEnd(run)));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aCommandThatEmptiesItsEnvironmentIsFoundAndStopped(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      RunRef run = lab.launchAndAwaitStart(Worlds.spec("env", "-i", "sleep", "60"));
      ProcessEvidence evidence = lab.control().examine(run, lab.attempt(run));
      assertInstanceOf(ProcessEvidence.RecordedProcess.Alive.class, evidence.process());
      assertTrue(lab.signal(run, Signal.TERM) >= 1);
      assertEquals(new Outcome.Signaled(15), lab.awaitOutcome(run));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aServerThatDiedBetweenTheDirectoryAndTheSpawnStartedNothing(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      // The directory appears whole and locked, and then the server dies before the spawn.
      RunRef run = Lab.newRun();
      make(lab, run, Worlds.spec("true")).close();
      lab.restart();
      ProcessEvidence evidence = lab.control().examine(run, lab.attempt(run));
      assertEquals(Lock.FREE, evidence.lock());
      assertInstanceOf(RecoveryVerdict.NeverStarted.class, RecoveryPolicy.judge(evidence));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aDirectoryThatWasNotFinishedIsNone(Lab.Kind kind) throws IOException {
    try (var lab = new Lab(data, kind)) {
      RunRef run = Lab.newRun();
      Path unfinished = lab.path(run).resolveSibling("." + lab.path(run).getFileName() + ".new");
      Files.createDirectories(unfinished);
      Files.createFile(unfinished.resolve("monitor.lock"));
      assertEquals(Lock.NO_DIRECTORY, lab.control().examine(run, lab.attempt(run)).lock());
      make(lab, run, Worlds.spec("true")).close();
      assertFalse(Files.exists(unfinished));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aRunThatWasGivenUpNeverReachesItsCommand(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      RunRef run = Lab.newRun();
      Path trace = data.resolve("trace");
      TaskSpec spec = Worlds.spec("touch", trace.toString());
      MonitorProgram monitor = MonitorProgram.install(lab.settings());
      try (var made = make(lab, run, spec)) {
        lab.control().abandon(run);
        monitor.start(made, spec, Worlds.cookie(run), "-", "-");
      }
      lab.control().follow(run, lab.attempt(run));
      var exit = assertInstanceOf(ExitRecord.Valid.class, lab.awaitEnd(run).exit());
      var failed = assertInstanceOf(Outcome.StartFailed.class, exit.outcome());
      assertTrue(failed.reason().contains("given up"), failed.reason());
      assertFalse(Files.exists(trace));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aMonitorWithAnotherLockThanTheOneAtThePathDoesNothing(Lab.Kind kind) throws Exception {
    try (var lab = new Lab(data, kind)) {
      RunRef run = Lab.newRun();
      Path trace = data.resolve("trace");
      TaskSpec spec = Worlds.spec("touch", trace.toString());
      MonitorProgram monitor = MonitorProgram.install(lab.settings());
      int pid;
      try (var made = make(lab, run, spec)) {
        Files.delete(lab.path(run).resolve("monitor.lock"));
        Files.createFile(lab.path(run).resolve("monitor.lock"));
        pid = monitor.start(made, spec, Worlds.cookie(run), "-", "-");
      }
      assertEquals(70, Children.exitStatus(pid));
      assertFalse(Files.exists(trace));
    }
  }

  /** Kills the monitor as soon as it exists, or a little later, and looks what came of it. */
  @ParameterizedTest
  @EnumSource
  void aMonitorKilledAnywhereInAStartLeavesOneCommandOrNone(Lab.Kind kind) throws IOException {
    try (var lab = new Lab(data, kind)) {
      MonitorProgram monitor = MonitorProgram.install(lab.settings());
      for (int step = 0; step < 20; step++) {
        RunRef run = Lab.newRun();
        Path trace = data.resolve("trace-" + step);
        TaskSpec spec = Worlds.spec("sh", "-c", "echo ran >> " + trace + "; exec sleep 60");
        int pid;
        try (var made = make(lab, run, spec)) {
          pid = monitor.start(made, spec, Worlds.cookie(run), "-", "-");
        }
        long until = System.nanoTime() + step * (kind == Lab.Kind.NATIVE ? 200_000L : 800_000L);
        while (System.nanoTime() < until) {
          Thread.onSpinWait();
        }
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        Children.exitStatus(pid);
        // What the monitor had just forked holds the lock, too, until it lets go of it.
        Lab.await(
            "a free lock", () -> lab.control().examine(run, lab.attempt(run)).lock() == Lock.FREE);
        RecoveryVerdict verdict = lab.verdict(run);
        switch (verdict) {
          case RecoveryVerdict.NeverStarted _ -> {
            // It may be on its way to the permit still, and finds that it is gone.
            Lab.await("its end", () -> bearers(run) == 0);
            assertFalse(Files.exists(trace), "never started, and yet it ran");
          }
          case RecoveryVerdict.Adopted adopted -> {
            assertFalse(adopted.monitored());
            Lab.await("nobody left", () -> lab.signal(run, Signal.KILL) == 0);
          }
          case RecoveryVerdict.Lost _ ->
              assertFalse(
                  Files.exists(trace),
                  "it lived, and is lost: step "
                      + step
                      + " "
                      + lab.control().examine(run, lab.attempt(run)));
          case RecoveryVerdict.ExitedWhileDown _,
              RecoveryVerdict.StartFailed _,
              RecoveryVerdict.Undecidable _ ->
              throw new AssertionError("step " + step + ": " + verdict);
        }
      }
    }
  }

  private static long bearers(RunRef run) {
    return ProcTable.all().stream()
        .map(entry -> ProcTable.variables(entry.pid()))
        .filter(
            variables ->
                List.of("HOLDFAST_RUN_ID", CommandEnvironment.MONITOR_OF).stream()
                    .anyMatch(name -> variables.have(name, Worlds.cookie(run))))
        .count();
  }

  private static RunDirectory make(Lab lab, RunRef run, TaskSpec spec) {
    MonitorProgram monitor = MonitorProgram.install(lab.settings());
    var variables =
        Map.of("PATH", System.getenv("PATH"), CommandEnvironment.COOKIE, Worlds.cookie(run));
    return RunDirectory.make(
        lab.path(run).toString(),
        spec,
        SpecFile.of(spec, Worlds.cookie(run), lab.control().host(), 1, "-"),
        monitor.encode(variables));
  }
}

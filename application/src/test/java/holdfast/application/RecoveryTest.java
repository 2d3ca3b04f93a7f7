package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.SimulatedProcess;
import holdfast.domain.port.SimulatedWorld.Interruption;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryReport.Cause;
import holdfast.domain.recovery.RecoveryReport.TaskVerdict;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState.Name;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RecoveryTest {

  private static RecoveryReport report(Site site) {
    return site.server().recovery().report().orElseThrow();
  }

  private static TaskVerdict verdict(Site site, TaskId id) {
    return report(site).tasks().stream()
        .filter(verdict -> verdict.id().equals(id))
        .findFirst()
        .orElseThrow();
  }

  private static TaskId starting(Site site, Interruption where) throws InterruptedException {
    site.world.interruptNextLaunch(where);
    TaskId id = site.submit("sleep", "1000");
    site.await(id, Name.STARTING);
    Await.until("it was launched", () -> site.control().launches() > 0);
    return id;
  }

  @Test
  void aCrashBeforeTheStartIsDurableStartsTheTaskOnce() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId blocker = site.submit("sleep", "1000");
      SimulatedProcess first = site.process(blocker);
      TaskId id = site.submit("sleep", "1000");
      site.storage().pause();
      first.exit(0);
      Await.until("the end pends", () -> !site.tasks().idle());
      site.crashAndStart();
      site.await(blocker, Name.SUCCEEDED);
      assertEquals("EXITED_WHILE_DOWN", verdict(site, blocker).verdict());
      site.process(id);
      assertEquals(1, site.world.executions(id));
      assertEquals(1, site.task(id).attempts().size());
    }
  }

  @Test
  void aCrashBetweenTheDurableStartAndTheCommandStartsItInANewRun() throws InterruptedException {
    for (Interruption where : List.of(Interruption.BEFORE_DIRECTORY, Interruption.BEFORE_SPAWN)) {
      try (Site site = Site.started(1)) {
        TaskId id = starting(site, where);
        site.crashAndStart();
        TaskVerdict verdict = verdict(site, id);
        assertEquals("NEVER_STARTED", verdict.verdict(), where.toString());
        assertEquals("started in a new run directory", verdict.decision());
        assertFalse(verdict.evidence().isEmpty());
        site.process(id);
        assertEquals(1, site.world.executions(id));
        // The server that is about to crash may have seen it too, and have begun it anew itself.
        int run = site.task(id).lastRun().orElseThrow().run();
        assertTrue(run >= 2, "run " + run);
        assertEquals(run - 1, site.task(id).attempts().getLast().recoveries());
      }
    }
  }

  @Test
  void aMonitorThatHasNotReachedTheCommandIsAdopted() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = starting(site, Interruption.BEFORE_EXEC);
      site.crashAndStart();
      assertEquals("ADOPTED", verdict(site, id).verdict());
      assertEquals(Name.STARTING, site.state(id));
      site.world.releaseStart(site.task(id).lastRun().orElseThrow());
      site.process(id).exit(0);
      site.await(id, Name.SUCCEEDED);
      assertEquals(1, site.world.executions(id));
    }
  }

  @Test
  void aCommandWhoseStartWasNotRecordedIsAdopted() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = starting(site, Interruption.BEFORE_EXEC);
      site.storage().pause();
      site.world.releaseStart(site.task(id).lastRun().orElseThrow());
      Await.until("the process's start pends", () -> !site.tasks().idle());
      site.crashAndStart();
      assertEquals("ADOPTED", verdict(site, id).verdict());
      site.process(id).exit(3);
      assertEquals(new Outcome.Exited(3), site.await(id, Name.FAILED).outcome());
      assertEquals(1, site.world.executions(id));
    }
  }

  @Test
  void aRunningTaskGoesOnAndItsTimeoutCountsFromItsStart() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = site.submit("sleep", "1000");
      site.process(id);
      TaskId limited = site.hold(SpecDraft.of("sleep").timeout(Duration.ofMillis(200)).spec());
      site.crashAndStart();
      assertEquals("ADOPTED", verdict(site, id).verdict());
      assertEquals(2, site.task(id).attempts().getLast().owner().term());
      assertEquals(1, site.task(id).attempts().getLast().recoveries());
      site.process(id).exit(0);
      site.await(id, Name.SUCCEEDED);

      site.command(limited, new TaskCommand.Release());
      site.process(limited);
      site.crashAndStart();
      site.await(limited, Name.TIMED_OUT);
    }
  }

  @Test
  void anEndWhileTheServerWasDownIsKnownWithItsTrueOutcomeAndOutput() throws InterruptedException {
    try (Site site = Site.started(3)) {
      TaskId good = site.submit("sleep", "1");
      TaskId bad = site.submit("sleep", "2");
      TaskId shot = site.submit("sleep", "3");
      List<SimulatedProcess> processes =
          List.of(site.process(good), site.process(bad), site.process(shot));
      site.crash();
      processes.get(0).write(OutputStreamName.MERGED, new byte[5]);
      processes.get(0).exit(0);
      processes.get(1).exit(7);
      processes.get(2).end(new Outcome.Signaled(9));
      site.start();
      assertEquals(Name.SUCCEEDED, site.state(good));
      assertEquals(
          5L, site.task(good).attempts().getLast().outputBytes().get(OutputStreamName.MERGED));
      assertEquals(new Outcome.Exited(7), site.task(bad).outcome());
      assertEquals(new Outcome.Signaled(9), site.task(shot).outcome());
      assertTrue(
          report(site).tasks().stream().allMatch(v -> v.verdict().equals("EXITED_WHILE_DOWN")));
    }
  }

  @Test
  void aStartThatFailedWhileTheServerWasDown() throws InterruptedException {
    try (Site site = Site.started(1)) {
      site.world.interruptNextLaunch(Interruption.BEFORE_EXEC);
      TaskId id = site.submit("no-such-command");
      site.await(id, Name.STARTING);
      Await.until("it was launched", () -> site.control().launches() > 0);
      site.crash();
      site.world.releaseStart(site.lastRun(id));
      site.start();
      assertEquals("START_FAILED", verdict(site, id).verdict());
      assertInstanceOf(Outcome.StartFailed.class, site.await(id, Name.FAILED).outcome());
    }
  }

  @Test
  void aProcessThatVanishedIsLostOrRunAgainByPolicyAndNeverASuccess() throws InterruptedException {
    try (Site site = Site.started(2)) {
      TaskId once = site.submit("sleep", "1");
      TaskId again = site.submit(SpecDraft.of("sleep", "2").onLost(OnLost.RERUN).spec());
      site.process(once);
      site.process(again);
      site.crash();
      site.world.reboot();
      site.start();
      assertEquals("LOST", verdict(site, once).verdict());
      assertTrue(verdict(site, once).reason().contains("restarted"));
      assertEquals(Name.LOST, site.state(once));
      assertInstanceOf(Outcome.Unknown.class, site.task(once).outcome());
      site.process(again);
      assertEquals(2, site.task(again).attempts().size());
      assertEquals(1, site.task(again).reruns());
    }
  }

  @Test
  void aProcessWithoutItsMonitorIsAdoptedAndLostOnlyWhenItEnds() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = site.submit("sleep", "1");
      SimulatedProcess process = site.process(id);
      site.crash();
      site.world.killMonitor(process.run());
      site.start();
      TaskVerdict verdict = verdict(site, id);
      assertEquals("ADOPTED", verdict.verdict());
      assertTrue(verdict.decision().contains("will not be known"), verdict::toString);
      process.exit(0);
      assertInstanceOf(Outcome.Unknown.class, site.await(id, Name.LOST).outcome());
    }
  }

  @Test
  void aDamagedExitRecordIsNeverASuccess() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = site.submit("sleep", "1");
      SimulatedProcess process = site.process(id);
      site.crash();
      process.exit(0);
      site.world.damageExit(process.run());
      site.start();
      assertEquals("LOST", verdict(site, id).verdict());
      assertEquals(Name.LOST, site.state(id));
    }
  }

  @Test
  void onAnotherMachineNothingIsTouchedAndAPersonIsAsked() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = site.submit("sleep", "1");
      SimulatedProcess process = site.process(id);
      site.crash();
      site.world.moveTo(new HostIdentity("another-machine", "boot-1", "4026531836"));
      site.start();
      TaskVerdict verdict = verdict(site, id);
      assertEquals("UNDECIDABLE", verdict.verdict());
      assertTrue(verdict.needsDecision());
      assertEquals(Name.RUNNING, site.state(id));
      assertTrue(process.isAlive() && process.signals().isEmpty());
    }
  }

  @Test
  void onLostDecidesAboutALostRunAndTheReportSaysSo() throws InterruptedException {
    try (Site site = Site.started(2)) {
      TaskId given = site.submit(SpecDraft.of("sleep").onLost(OnLost.FAIL).spec());
      TaskId repeated = site.submit(SpecDraft.of("sleep").onLost(OnLost.RERUN).spec());
      site.process(given);
      site.process(repeated);
      site.crash();
      site.world.reboot();
      site.start();
      assertEquals("LOST", verdict(site, given).verdict());
      assertEquals("LOST", verdict(site, repeated).verdict());
      assertEquals("recorded; the task is LOST: onLost is fail", verdict(site, given).decision());
      assertEquals(
          "recorded; the task is QUEUED: onLost is rerun", verdict(site, repeated).decision());
      assertEquals(Name.LOST, site.state(given));
      site.process(repeated);
      assertEquals(2, site.task(repeated).attempts().size());
    }
  }

  @Test
  void aStopThatTheCrashInterruptedIsCarriedOut() throws InterruptedException {
    try (Site site = Site.started(1)) {
      site.world.program("stubborn", process -> process.onTerm(_ -> {}));
      TaskId id = site.submit(SpecDraft.of("stubborn").stopGrace(Duration.ofMillis(100)).spec());
      SimulatedProcess process = site.process(id);
      site.command(id, new TaskCommand.Stop(null));
      site.crashAndStart();
      site.await(id, Name.CANCELED);
      assertFalse(process.isAlive());
    }
  }

  @Test
  void aTaskStoppedBeforeItsCommandWasReachedDoesNotReachIt() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = starting(site, Interruption.BEFORE_SPAWN);
      site.command(id, new TaskCommand.Stop(null));
      site.crashAndStart();
      Task task = site.await(id, Name.CANCELED);
      assertEquals(0, site.world.executions(id));
      assertInstanceOf(Outcome.StartFailed.class, task.outcome());
    }
  }

  @Test
  void aPauseBeforeARetryGoesOnAfterACrash() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id =
          site.submit(
              SpecDraft.of("false").retry(2, Duration.ofMillis(100), Duration.ofSeconds(1)).spec());
      site.await(id, Name.BACKING_OFF);
      site.crashAndStart();
      assertEquals(2, site.await(id, Name.FAILED).attempts().size());
    }
  }

  @Test
  void purgedFilesThatACrashLeftAreRemoved() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = site.submit("printf", "text");
      site.await(id, Name.SUCCEEDED);
      var run = site.lastRun(id);
      Site.done(site.tasks().purge(id, null));
      site.outputs.write(run, OutputStreamName.MERGED, new byte[9]);
      site.crashAndStart();
      try (var reader = site.outputs.open(new Output(run, OutputStreamName.MERGED), null)) {
        assertEquals(0, reader.length());
      }
    }
  }

  @Test
  void everyStartIsReported() throws InterruptedException {
    try (Site site = Site.started(1)) {
      assertEquals(Cause.FIRST_START, report(site).cause());
      site.restart();
      assertEquals(Cause.CLEAN, report(site).cause());
      site.crashAndStart();
      assertEquals(Cause.CRASH, report(site).cause());
      List<RecoveryReport> reports = site.server().recovery().reports(null, 10);
      assertEquals(3, reports.size());
      assertEquals(report(site), reports.getFirst());
    }
  }
}

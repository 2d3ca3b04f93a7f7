package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SimulatedProcess;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryReport.Decided;
import holdfast.domain.recovery.RecoveryReport.TaskVerdict;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.Rejection;
import holdfast.domain.task.RunDecision;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState.Name;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A person decides about what recovery cannot find out: once, durably, and with open eyes. */
@Timeout(60)
class RecoveryDecisionsTest {
  private static final HostIdentity ELSEWHERE =
      new HostIdentity("another-machine", "boot-1", "4026531836");

  /** A task that runs where this server cannot look, its monitor gone. */
  private static TaskId undecidable(Site site) throws InterruptedException {
    TaskId id = site.submit("sleep", "1");
    SimulatedProcess process = site.process(id);
    process.write(OutputStreamName.MERGED, new byte[7]);
    site.crash();
    site.world.killMonitor(process.run());
    site.world.moveTo(ELSEWHERE);
    site.start();
    assertTrue(verdict(site, id).needsDecision());
    return id;
  }

  private static TaskVerdict verdict(Site site, TaskId id) {
    return site.server().recovery().report().orElseThrow().tasks().stream()
        .filter(verdict -> verdict.id().equals(id))
        .findFirst()
        .orElseThrow();
  }

  private static Answer<Stored<Task>> decide(Site site, TaskId id, RunDecision decision)
      throws InterruptedException {
    return site.server().recoveryDecisions().decide(id, decision, null);
  }

  private static Rejection refused(Answer<Stored<Task>> answer) {
    return assertInstanceOf(Answer.Refused.class, answer).rejection();
  }

  private static long decisions(Site site, TaskId id) {
    List<Committed> history = site.server().history(EntityKey.of(id), Long.MAX_VALUE, 100);
    return history.stream().filter(c -> c.change().cause().equals("run-decided")).count();
  }

  private static void assertNoted(Site site, TaskId id, RunDecision decision) {
    RecoveryReport report = site.server().recovery().report().orElseThrow();
    assertEquals(report, site.reports.find(report.id()).orElseThrow(), "the report is kept");
    TaskVerdict verdict = verdict(site, id);
    Decided decided = verdict.decided();
    assertNotNull(decided);
    assertEquals(decision, decided.decision());
    assertFalse(verdict.needsDecision());
    assertTrue(verdict.decision().contains("a person decided"), verdict.decision());
  }

  @Test
  void failEndsTheAttemptAsLostAndOutlivesACrash() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = undecidable(site);
      Stored<Task> after = Site.done(decide(site, id, RunDecision.FAIL));
      assertEquals(Name.LOST, after.entity().state().name());
      assertInstanceOf(Outcome.Unknown.class, after.entity().outcome());
      assertEquals(7, after.entity().attempts().getLast().recordedBytes(OutputStreamName.MERGED));
      assertNoted(site, id, RunDecision.FAIL);
      site.crashAndStart();
      Task now = site.task(id);
      assertEquals(after.entity().state(), now.state(), "what was answered was durable");
      assertEquals(after.entity().stateReason(), now.stateReason());
      assertEquals(after.entity().outcome(), now.outcome());
    }
  }

  @Test
  void retryQueuesANewAttemptAndSaysThatTheOldProcessMayLive() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = undecidable(site);
      Stored<Task> after = Site.done(decide(site, id, RunDecision.RETRY));
      assertEquals(Name.QUEUED, after.entity().state().name());
      String reason = String.valueOf(after.entity().stateReason());
      assertTrue(reason.contains("may still be alive"), reason);
      assertTrue(reason.contains("pid 101"), reason);
      assertNoted(site, id, RunDecision.RETRY);
      site.process(id);
      assertEquals(2, site.task(id).attempts().size());
    }
  }

  @Test
  void ignoreLeavesTheTaskAndAllowsAnotherDecisionLater() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = undecidable(site);
      Task before = site.task(id);
      Stored<Task> after = Site.done(decide(site, id, RunDecision.IGNORE));
      assertEquals(before.state(), after.entity().state());
      assertNull(after.entity().outcome());
      assertEquals(before.revision() + 1, after.entity().revision());
      assertNoted(site, id, RunDecision.IGNORE);
      assertEquals(after, Site.done(decide(site, id, RunDecision.IGNORE)));
      assertEquals(1, decisions(site, id));
      Site.done(decide(site, id, RunDecision.FAIL));
      assertEquals(Name.LOST, site.state(id));
      assertNoted(site, id, RunDecision.FAIL);
    }
  }

  @Test
  void theSameDecisionOnceMoreChangesNothingAlsoAfterARestart() throws InterruptedException {
    for (RunDecision decision : List.of(RunDecision.FAIL, RunDecision.RETRY)) {
      try (Site site = Site.started(1)) {
        TaskId id = undecidable(site);
        Site.done(decide(site, id, decision));
        Site.done(decide(site, id, decision));
        site.crashAndStart();
        Site.done(decide(site, id, decision));
        assertEquals(1, decisions(site, id), decision.toString());
        assertInstanceOf(
            Rejection.NothingToDecide.class, refused(decide(site, id, RunDecision.IGNORE)));
      }
    }
  }

  @Test
  void whatDoesNotAskIsRefusedWithItsState() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId done = site.submit("true");
      site.await(done, Name.SUCCEEDED);
      TaskId running = site.submit("sleep", "1");
      site.process(running);
      site.crashAndStart();
      assertEquals("ADOPTED", verdict(site, running).verdict());
      for (RunDecision decision : RunDecision.values()) {
        assertTrue(refused(decide(site, done, decision)).detail().contains("SUCCEEDED"));
        assertTrue(refused(decide(site, running, decision)).detail().contains("RUNNING"));
      }
      assertInstanceOf(
          Answer.NotFound.class,
          decide(site, new TaskId("00000000000000000009"), RunDecision.FAIL));
      Site.done(site.tasks().purge(done, null));
      assertInstanceOf(Answer.Gone.class, decide(site, done, RunDecision.FAIL));
    }
  }

  @Test
  void aRunWhoseMonitorLivesIsNotRepeatedBesideItself() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = site.submit("sleep", "1");
      SimulatedProcess process = site.process(id);
      site.crash();
      site.world.moveTo(ELSEWHERE);
      site.start();
      Rejection why = refused(decide(site, id, RunDecision.RETRY));
      assertTrue(why.detail().contains("RUNNING") && why.detail().contains("goes on"));
      assertTrue(verdict(site, id).needsDecision());
      assertTrue(process.isAlive() && process.signals().isEmpty());
      Site.done(decide(site, id, RunDecision.FAIL));
      assertEquals(Name.LOST, site.state(id));
      assertTrue(process.isAlive() && process.signals().isEmpty(), "it is not ours to signal");
    }
  }

  @Test
  void anEndThatHasBecomeKnownIsRecordedAndNotDecided() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = site.submit("sleep", "1");
      SimulatedProcess process = site.process(id);
      site.crash();
      site.world.moveTo(ELSEWHERE);
      site.start();
      process.exit(0);
      Rejection why = refused(decide(site, id, RunDecision.RETRY));
      assertTrue(why.detail().contains("SUCCEEDED"), why.detail());
      assertEquals(new Outcome.Exited(0), site.task(id).outcome());
      assertFalse(verdict(site, id).needsDecision());
      assertEquals(0, decisions(site, id));
    }
  }

  @Test
  void aStaleRevisionDecidesNothing() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = undecidable(site);
      long revision = site.task(id).revision();
      assertInstanceOf(
          Answer.Stale.class,
          site.server().recoveryDecisions().decide(id, RunDecision.FAIL, revision - 1));
      assertEquals(Name.RUNNING, site.state(id));
      Site.done(site.server().recoveryDecisions().decide(id, RunDecision.FAIL, revision));
    }
  }

  @Test
  void aTaskThatWasToBeStoppedIsCanceledAndOneThatIsDecidedCanBeRetried()
      throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = undecidable(site);
      site.command(id, new TaskCommand.Stop(null));
      Site.done(decide(site, id, RunDecision.FAIL));
      assertEquals(Name.CANCELED, site.state(id));
      site.command(id, new TaskCommand.Retry());
      site.process(id);
    }
  }
}

package holdfast.domain.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.task.Decision.Accepted;
import holdfast.domain.task.Decision.Rejected;
import holdfast.domain.task.TaskState.Name;
import holdfast.domain.task.TaskState.Stopping;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TaskLifeTest {
  private static final TaskSpec ONCE = SpecDraft.of("true").spec();
  private static final TaskSpec THRICE =
      SpecDraft.of("true").retry(3, Duration.ofSeconds(2), Duration.ofSeconds(3)).spec();
  private static final TaskSpec RERUN = SpecDraft.of("true").onLost(OnLost.RERUN).spec();

  @Test
  void outcomeBecomesState() {
    assertEquals(Name.SUCCEEDED, Life.running(ONCE).end(new Outcome.Exited(0)).state());
    assertEquals(Name.SUCCEEDED, Life.running(ONCE).end(new Outcome.Exited(0, false)).state());
    for (Outcome bad :
        List.of(
            new Outcome.Exited(1),
            new Outcome.Exited(255, false),
            new Outcome.Signaled(9),
            new Outcome.StartFailed("no such command"),
            new Outcome.Unknown("nobody saw it"))) {
      Life life = Life.running(ONCE).end(bad);
      assertEquals(Name.FAILED, life.state(), bad.toString());
      assertEquals(bad, life.task().outcome(), "the true outcome stands beside the state");
    }
    assertEquals(Name.LOST, Life.running(ONCE).lose().state());
  }

  @Test
  void aStoppedTaskKeepsItsTrueOutcomeBesideTheStateOfItsStop() {
    Life stopped =
        Life.running(THRICE).grant(new TaskCommand.Stop(null)).end(new Outcome.Exited(0));
    assertEquals(Name.CANCELED, stopped.state());
    assertEquals(new Outcome.Exited(0), stopped.task().outcome());

    Life quota = Life.running(THRICE);
    quota.grant(new TaskCommand.ExceedOutputQuota(quota.run(), 42)).end(new Outcome.Signaled(15));
    assertEquals(Name.FAILED, quota.state(), "more output would be no cure: it is not retried");
    assertTrue(String.valueOf(quota.task().stateReason()).contains("42 bytes"));

    Life lost = Life.running(RERUN).grant(new TaskCommand.Kill()).lose();
    assertEquals(Name.CANCELED, lost.state(), "who asked for its end does not want it again");
  }

  @Test
  void timeoutEndsInTimedOutOrIsRetried() {
    Life once = Life.running(ONCE);
    once.grant(new TaskCommand.Expire(once.run())).end(new Outcome.Exited(0));
    assertEquals(Name.TIMED_OUT, once.state());

    Life again = Life.running(THRICE);
    again.grant(new TaskCommand.Expire(again.run()));
    Stopping stopping = assertInstanceOf(Stopping.class, again.task().state());
    assertEquals(StopCause.TIMEOUT, stopping.cause());
    assertEquals(again.now().plus(THRICE.stopGrace()), stopping.killAt());
    assertEquals(Name.BACKING_OFF, again.end(new Outcome.Signaled(15)).state());
  }

  @Test
  void aStopAtShutdownSaysSoHasTheTasksOwnGraceAndIsNotRetried() {
    Life life = Life.running(THRICE).grant(new TaskCommand.StopAtShutdown());
    assertEquals(new Stopping(StopCause.USER, life.now(), THRICE.stopGrace()), life.task().state());
    assertEquals(new Accepted(List.of()), life.decide(new TaskCommand.StopAtShutdown()));
    life.end(new Outcome.Signaled(15));
    assertEquals(Name.CANCELED, life.state());
    assertEquals("stopped because the server was shut down", life.task().stateReason());
  }

  @Test
  void aStopBecomesAKillAndKeepsItsCause() {
    Life life = Life.running(ONCE).grant(new TaskCommand.Stop(Duration.ofMinutes(1)));
    assertEquals(
        new Stopping(StopCause.USER, life.now(), Duration.ofMinutes(1)), life.task().state());
    life.later(Duration.ofSeconds(1)).grant(new TaskCommand.Kill());
    assertEquals(life.now(), assertInstanceOf(Stopping.class, life.task().state()).killAt(), "now");
    Decision again = life.decide(new TaskCommand.Kill());
    assertEquals(new Accepted(List.of()), again, "killing twice is one kill");

    Life expired = Life.running(ONCE);
    expired.grant(new TaskCommand.Expire(expired.run())).grant(new TaskCommand.Kill());
    assertEquals(
        StopCause.TIMEOUT, assertInstanceOf(Stopping.class, expired.task().state()).cause());
    assertTrue(String.valueOf(expired.task().stateReason()).contains("timeout"));
  }

  @Test
  void backoffDoublesUpToItsLimitAndTheBudgetEnds() {
    Life life = Life.running(THRICE).end(new Outcome.Exited(1));
    assertEquals(new TaskState.BackingOff(life.now().plusSeconds(2)), life.task().state());
    life.later(Duration.ofSeconds(2)).grant(new TaskCommand.EndBackoff()).start().confirm();
    life.end(new Outcome.Signaled(11));
    assertEquals(new TaskState.BackingOff(life.now().plusSeconds(3)), life.task().state());
    life.later(Duration.ofSeconds(3)).grant(new TaskCommand.EndBackoff()).start().confirm();
    life.end(new Outcome.Exited(1));
    assertEquals(Name.FAILED, life.state());
    assertEquals(3, life.task().attempts().size());
    assertEquals(2, life.task().retries());
  }

  @Test
  void aRetryThatAUserAsksForRenewsTheBudgets() {
    Life life = Life.running(THRICE).end(new Outcome.Exited(1));
    life.grant(new TaskCommand.EndBackoff()).start().end(new Outcome.Exited(1));
    life.grant(new TaskCommand.EndBackoff()).start().end(new Outcome.Exited(1));
    assertEquals(Name.FAILED, life.state());
    life.grant(new TaskCommand.Retry());
    assertEquals(0, life.task().retries());
    assertEquals(Name.BACKING_OFF, life.start().end(new Outcome.Exited(1)).state());
    assertEquals(4, life.task().attempts().size(), "earlier attempts stay on record");
  }

  @Test
  void aLostTaskIsRunAgainOnlyIfItsPolicySaysSoAndNotForEver() {
    assertEquals(Name.LOST, Life.running(ONCE).lose().state());
    Life life = Life.running(RERUN);
    for (int i = 1; i <= TaskLimits.RERUNS_MAX; i++) {
      life.lose();
      assertEquals(Name.QUEUED, life.state());
      assertEquals(i, life.task().reruns());
      assertEquals(0, life.task().retries(), "reruns are counted apart from retries");
      life.start().confirm();
    }
    assertEquals(Name.LOST, life.lose().state());
  }

  @Test
  void anEndReportedInTheFutureIsRecordedAsNow() {
    Life life = Life.running(ONCE);
    Instant future = life.now().plusSeconds(60);
    Instant past = life.now().minusSeconds(60);
    assertEquals(life.now(), endedAt(life, future));
    assertEquals(past, endedAt(life, past));
  }

  private static Instant endedAt(Life life, Instant reported) {
    Decision decision =
        life.decide(
            new TaskCommand.EndAttempt(
                life.run(), new Outcome.Exited(0), false, null, Map.of(), reported));
    TaskEvent event = assertInstanceOf(Accepted.class, decision).events().getFirst();
    return assertInstanceOf(TaskEvent.AttemptEnded.class, event).endedAt();
  }

  @Test
  void aRestartIsANewRunOfTheSameAttemptAndCountsAsRecovery() {
    Life life = Life.queued(ONCE).start();
    RunRef first = life.run();
    life.grant(new TaskCommand.Restart(first, life.ticket()));
    assertEquals(new RunRef(Life.ID, 1, 2), life.run());
    Attempt attempt = life.task().attempts().getLast();
    assertEquals(1, attempt.recoveries());
    assertEquals("cookie-2", attempt.cookie());
    assertInstanceOf(
        Rejected.class, life.decide(new TaskCommand.ConfirmProcess(first, Life.PROCESS)));
    assertEquals(0, life.task().retries());
  }

  @Test
  void adoptionChangesTheOwnerAndKeepsWhatIsKnownOfTheProcess() {
    Life life = Life.running(ONCE);
    var owner = new Owner("instance", 7);
    life.grant(new TaskCommand.Adopt(life.run(), owner, null));
    Attempt attempt = life.task().attempts().getLast();
    assertEquals(owner, attempt.owner());
    assertEquals(Life.PROCESS, attempt.process());
    assertEquals(1, attempt.recoveries());

    Life starting = Life.queued(ONCE).start();
    assertEquals(
        Name.STARTING, starting.grant(new TaskCommand.Adopt(starting.run(), owner, null)).state());
    assertEquals(
        Name.RUNNING,
        starting.grant(new TaskCommand.Adopt(starting.run(), owner, Life.PROCESS)).state());
  }

  @Test
  void whatNobodyCanFindOutAPersonDecides() {
    var sizes = Map.of(OutputStreamName.MERGED, 9L);
    Life life = Life.running(RERUN);
    TaskState present = life.task().state();
    life.grant(new TaskCommand.DecideRun(life.run(), RunDecision.IGNORE, "why", sizes));
    assertEquals(present, life.task().state());
    assertNull(life.task().outcome());
    assertTrue(String.valueOf(life.task().stateReason()).contains("why"));

    life.grant(new TaskCommand.DecideRun(life.run(), RunDecision.FAIL, "why", sizes));
    assertEquals(Name.LOST, life.state(), "onLost is for what nobody decides");
    assertInstanceOf(Outcome.Unknown.class, life.task().outcome());
    assertEquals(sizes, life.task().attempts().getLast().outputBytes());

    Life again = Life.running(RERUN);
    for (int i = 0; i <= TaskLimits.RERUNS_MAX + 1; i++) {
      again.grant(new TaskCommand.DecideRun(again.run(), RunDecision.RETRY, "why", sizes));
      assertEquals(Name.QUEUED, again.state(), "what a person asks for has no bound");
      assertEquals(0, again.task().reruns());
      again.start().confirm();
      assertEquals(i + 2, again.task().attempts().size());
    }
    RunRef old = new RunRef(again.task().id(), 1, 1);
    assertInstanceOf(
        Rejected.class,
        again.decide(new TaskCommand.DecideRun(old, RunDecision.RETRY, "why", sizes)));
  }

  @Test
  void lateOutputCorrectsTheSizesOfItsOwnAttemptOnly() {
    Life life = Life.running(ONCE);
    RunRef first = life.run();
    life.end(new Outcome.Exited(1)).grant(new TaskCommand.Retry()).start();
    var sizes = Map.of(OutputStreamName.MERGED, 9L);
    life.grant(new TaskCommand.RecordLateOutput(first, sizes));
    assertEquals(Name.STARTING, life.state());
    assertEquals(sizes, life.task().attempts().getFirst().outputBytes());
    assertEquals(Map.of(), life.task().attempts().getLast().outputBytes());
    assertEquals(
        new Accepted(List.of()), life.decide(new TaskCommand.RecordLateOutput(first, sizes)));
  }

  @Test
  void onceStartedOnlyTitlePriorityAndLabelsChange() {
    Life life = Life.running(ONCE);
    TaskSpec free = SpecDraft.of("true").title("x").priority(9).labels(Map.of("a", "b")).spec();
    assertEquals(free, Life.running(ONCE).grant(new TaskCommand.Patch(free)).task().spec());
    TaskSpec frozen =
        SpecDraft.of("false")
            .cwd("/")
            .env(Map.of("A", "1"))
            .timeout(Duration.ofSeconds(1))
            .retry(2, Duration.ZERO, Duration.ZERO)
            .initiative("0123456789abcdefghjk")
            .stopGrace(Duration.ZERO)
            .onLost(OnLost.RERUN)
            .stdin(StdinMode.PIPE)
            .output(OutputMode.SPLIT)
            .spec();
    var rejected = assertInstanceOf(Rejected.class, life.decide(new TaskCommand.Patch(frozen)));
    assertEquals(
        new Rejection.Frozen(
            List.of(
                "command",
                "cwd",
                "env",
                "timeout",
                "retry",
                "initiativeId",
                "stopGrace",
                "onLost",
                "stdin",
                "output")),
        rejected.rejection());
    assertTrue(rejected.rejection().detail().contains("stopGrace"));
    assertEquals(frozen, Life.held(ONCE).grant(new TaskCommand.Patch(frozen)).task().spec());
    assertEquals(new Accepted(List.of()), life.decide(new TaskCommand.Patch(ONCE)));
  }

  @Test
  void anAttemptHasAnEndIfAndOnlyIfItHasAnOutcome() {
    Attempt open = Life.running(ONCE).task().attempts().getLast();
    assertNull(open.endedAt());
    assertNull(open.outcome());
    Life ended = Life.running(ONCE).end(new Outcome.Exited(3));
    assertFalse(ended.task().attempts().getLast().endedAt() == null);
  }

  @Test
  void pausesDoNotOverflow() {
    var policy = new RetryPolicy(1_000, Duration.ofSeconds(1), Duration.ofDays(365));
    assertEquals(Duration.ofDays(365), policy.pauseAfter(999));
    assertEquals(Duration.ofSeconds(8), policy.pauseAfter(4));
    assertEquals(Duration.ZERO, new RetryPolicy(9, Duration.ZERO, Duration.ZERO).pauseAfter(8));
  }
}

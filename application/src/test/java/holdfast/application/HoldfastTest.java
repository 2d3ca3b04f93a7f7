package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.ProcessControl.Signal;
import holdfast.domain.port.SimulatedProcess;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState;
import holdfast.domain.task.TaskState.Name;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class HoldfastTest {

  @Test
  void whatIsSubmittedRunsAndSucceeds() throws InterruptedException {
    try (Site site = Site.started(4)) {
      TaskId id = site.submit("printf", "hello");
      Task task = site.await(id, Name.SUCCEEDED);
      assertEquals(new Outcome.Exited(0), task.outcome());
      assertEquals(Map.of(OutputStreamName.MERGED, 5L), task.attempts().getLast().outputBytes());
      assertEquals(1, site.world.executions(id));
      assertEquals(Name.FAILED, site.await(site.submit("false"), Name.FAILED).state().name());
      Task missing = site.await(site.submit("no-such-command"), Name.FAILED);
      assertInstanceOf(Outcome.StartFailed.class, missing.outcome());
      assertTrue(String.valueOf(missing.stateReason()).contains("not found"));
    }
  }

  @Test
  void aLaunchThatFailsIsAStartThatFailed() throws InterruptedException {
    try (Site site = Site.started(1)) {
      site.world.failNextLaunch("no descriptors left");
      Task task = site.await(site.submit("true"), Name.FAILED);
      assertEquals(new Outcome.StartFailed("no descriptors left"), task.outcome());
      site.await(site.submit("true"), Name.SUCCEEDED);
    }
  }

  @Test
  void aRunDirectoryThatAForgottenAttemptHasLeftIsNotUsedAgain() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskSpec spec = SpecDraft.of("true").spec();
      TaskId id = site.hold(spec);
      site.control().launch(new RunRef(id, 1, 1), "forgotten", spec);
      site.command(id, new TaskCommand.Release());
      assertEquals(2, site.await(id, Name.SUCCEEDED).attempts().getLast().run());
    }
  }

  @Test
  void heldTasksWaitAndCanBeReleasedOrCanceled() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId released = site.hold(SpecDraft.of("true").spec());
      TaskId canceled = site.hold(SpecDraft.of("true").spec());
      site.await(site.submit("true"), Name.SUCCEEDED);
      assertEquals(Name.HELD, site.state(released));
      site.command(canceled, new TaskCommand.Cancel());
      site.command(released, new TaskCommand.Release());
      site.await(released, Name.SUCCEEDED);
      assertEquals(Name.CANCELED, site.state(canceled));
      assertEquals(0, site.world.executions(canceled));
    }
  }

  @Test
  void stopAsksOnceAndKillComesWhenTheGraceIsOver() throws InterruptedException {
    try (Site site = Site.started(1)) {
      site.world.program("stubborn", process -> process.onTerm(_ -> {}));
      TaskId id = site.submit(SpecDraft.of("stubborn").stopGrace(Duration.ofMillis(300)).spec());
      SimulatedProcess process = site.process(id);
      site.command(id, new TaskCommand.Stop(null));
      Task task = site.await(id, Name.CANCELED);
      assertEquals(new Outcome.Signaled(9), task.outcome());
      assertEquals(List.of(Signal.TERM, Signal.KILL), process.signals(), "TERM is said once");
      Instants.assertNotBefore(task.updatedAt(), task.attempts().getLast().startedAt(), 300);
    }
  }

  @Test
  void aKillDoesNotWaitForAStopThatIsPatient() throws InterruptedException {
    try (Site site = Site.started(1)) {
      site.world.program("stubborn", process -> process.onTerm(_ -> {}));
      TaskId id = site.submit(SpecDraft.of("stubborn").stopGrace(Duration.ofDays(1)).spec());
      SimulatedProcess process = site.process(id);
      site.command(id, new TaskCommand.Stop(null));
      Await.until("asked", () -> process.signals().contains(Signal.TERM));
      site.command(id, new TaskCommand.Kill());
      site.await(id, Name.CANCELED);
      assertFalse(process.isAlive());
    }
  }

  @Test
  void whatTheCommandLeavesBehindIsPursuedIntoTheNextAttempt() throws InterruptedException {
    try (Site site = Site.started(1)) {
      var children = new ConcurrentLinkedQueue<SimulatedProcess>();
      site.world.program(
          "parent",
          process -> {
            SimulatedProcess child = process.fork();
            child.onTerm(_ -> {});
            children.add(child);
          });
      TaskId id =
          site.submit(
              SpecDraft.of("parent")
                  .timeout(Duration.ofMillis(30))
                  .stopGrace(Duration.ofMillis(200))
                  .retry(2, Duration.ZERO, Duration.ZERO)
                  .spec());
      site.await(id, Name.TIMED_OUT);
      Await.until("no child is left", () -> children.stream().noneMatch(SimulatedProcess::isAlive));
      assertEquals(2, children.size());
    }
  }

  @Test
  void aStopOutlivesFailingSignals() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = site.submit("sleep", "1000");
      site.process(id);
      site.control().failSignals(true);
      site.command(id, new TaskCommand.Stop(null));
      Await.until(
          "the failure is logged",
          () -> site.log.entries().stream().anyMatch(e -> e.type().equals("signal-failed")));
      site.control().failSignals(false);
      site.await(id, Name.CANCELED);
    }
  }

  @Test
  void timeoutStopsEachAttemptAndBackoffSeparatesThem() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id =
          site.submit(
              SpecDraft.of("sleep", "1000")
                  .timeout(Duration.ofMillis(20))
                  .retry(2, Duration.ofMillis(50), Duration.ofMillis(50))
                  .spec());
      Task task = site.await(id, Name.TIMED_OUT);
      assertEquals(2, task.attempts().size());
      assertEquals(2, site.world.executions(id));
      Instants.assertNotBefore(
          task.attempts().get(1).startedAt(), Instants.end(task.attempts().get(0)), 50);
    }
  }

  @Test
  void anEarlierPauseDoesNotCutALaterOneShort() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id =
          site.submit(
              SpecDraft.of("false")
                  .retry(2, Duration.ofMillis(200), Duration.ofMillis(200))
                  .spec());
      site.await(id, Name.BACKING_OFF);
      site.command(id, new TaskCommand.Cancel());
      Task canceled = site.task(id);
      Await.until(
          "half of the pause is over",
          () -> java.time.Instant.now().isAfter(canceled.updatedAt().plusMillis(100)));
      site.command(id, new TaskCommand.Retry());
      Task task = site.await(id, Name.FAILED);
      assertEquals(3, task.attempts().size());
      Instants.assertNotBefore(
          task.attempts().get(2).startedAt(), Instants.end(task.attempts().get(1)), 200);
    }
  }

  @Test
  void aTaskThatFailsIsRetriedAndAUserMayAskForMore() throws InterruptedException {
    try (Site site = Site.started(1)) {
      var runs = new AtomicInteger();
      site.world.program("third", process -> process.exit(runs.incrementAndGet() < 3 ? 1 : 0));
      TaskId id = site.submit(SpecDraft.of("third").retry(2, Duration.ZERO, Duration.ZERO).spec());
      assertEquals(2, site.await(id, Name.FAILED).attempts().size());
      site.command(id, new TaskCommand.Retry());
      assertEquals(3, site.await(id, Name.SUCCEEDED).attempts().size());
    }
  }

  @Test
  void outputBeyondTheQuotaStopsTheTask() throws InterruptedException {
    try (Site site = Site.notStarted(1, 1).quota(10).start()) {
      TaskId id = site.submit("sleep", "1000");
      site.process(id).write(OutputStreamName.MERGED, new byte[11]);
      Task task = site.await(id, Name.FAILED);
      assertTrue(String.valueOf(task.stateReason()).contains("10 bytes"), task::toString);
    }
  }

  @Test
  void lateOutputIsRecorded() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = site.submit("sleep", "1000");
      SimulatedProcess process = site.process(id);
      SimulatedProcess child = process.fork();
      process.exit(0);
      site.await(id, Name.SUCCEEDED);
      child.write(OutputStreamName.MERGED, new byte[3]);
      Await.until(
          "the size is corrected",
          () ->
              site.task(id)
                  .attempts()
                  .getLast()
                  .outputBytes()
                  .equals(Map.of(OutputStreamName.MERGED, 3L)));
      assertEquals(Name.SUCCEEDED, site.state(id));
    }
  }

  @Test
  void neverMoreThanTheMaximumRun() throws InterruptedException {
    try (Site site = Site.started(3)) {
      var running = new ConcurrentLinkedQueue<SimulatedProcess>();
      var most = new AtomicInteger();
      var now = new AtomicInteger();
      site.world.program(
          "count",
          process -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            running.add(process);
          });
      var ids = new ArrayList<TaskId>();
      for (int i = 0; i < 200; i++) {
        ids.add(site.submit("count"));
      }
      int ended = 0;
      while (ended < ids.size()) {
        Await.until("one runs", () -> !running.isEmpty());
        SimulatedProcess next = running.remove();
        now.decrementAndGet();
        next.exit(0);
        ended++;
      }
      ids.forEach(id -> site.await(id, Name.SUCCEEDED));
      assertTrue(most.get() <= 3, "ran at once: " + most);
    }
  }

  @Test
  void higherPriorityFirstThenAge() throws InterruptedException {
    try (Site site = Site.started(1)) {
      var order = new ConcurrentLinkedQueue<String>();
      site.world.program(
          "note",
          process -> {
            order.add(process.spec().command().getLast());
            process.exit(0);
          });
      TaskId first = site.submit("sleep", "1000");
      SimulatedProcess blocker = site.process(first);
      var ids = new ArrayList<TaskId>();
      ids.add(site.submit(note("low-1", 0)));
      ids.add(site.submit(note("high-1", 5)));
      ids.add(site.submit(note("low-2", 0)));
      ids.add(site.submit(note("high-2", 5)));
      ids.add(site.submit(note("later", 0)));
      Site.done(site.tasks().patch(ids.get(4), _ -> note("later", 9), null));
      blocker.exit(0);
      ids.forEach(id -> site.await(id, Name.SUCCEEDED));
      assertEquals(List.of("later", "high-1", "high-2", "low-1", "low-2"), List.copyOf(order));
    }
  }

  private static TaskSpec note(String name, int priority) {
    return SpecDraft.of("note", name).priority(priority).spec();
  }

  @Test
  void afterMuchWorkNothingIsLeftBehind() throws InterruptedException {
    try (Site site = Site.started(8)) {
      var ids = new ArrayList<TaskId>();
      for (int i = 0; i < 300; i++) {
        ids.add(
            site.submit(
                SpecDraft.of(i % 3 == 0 ? "sleep" : "true", "1")
                    .timeout(Duration.ofMillis(i % 2 == 0 ? 5 : 100_000))
                    .spec()));
      }
      for (int i = 3; i < 300; i += 6) {
        // Those that sleep without a timeout worth the name; wherever they stand by now.
        var _ = site.tasks().command(ids.get(i), new TaskCommand.Cancel(), null);
      }
      Await.until("all are over", () -> ids.stream().allMatch(id -> over(site, id)));
      Await.until("nothing pends", () -> site.tasks().idle());
      Await.until("nothing is watched", () -> site.server().idle());
    }
  }

  private static boolean over(Site site, TaskId id) {
    Task task = site.task(id);
    boolean patient = Duration.ofSeconds(100).equals(task.spec().timeout());
    if (task.state() instanceof TaskState.Running && patient) {
      try {
        var _ = site.tasks().command(id, new TaskCommand.Kill(), null);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    return task.state().name().isTerminal();
  }

  @Test
  void noThreadIsLeftAfterClose() throws InterruptedException {
    Site site = Site.started(2);
    TaskId id = site.submit(SpecDraft.of("sleep", "9").timeout(Duration.ofHours(1)).spec());
    site.process(id);
    site.submit("false");
    site.close();
    Await.until(
        "the server's threads are gone",
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(
                    thread ->
                        thread.getName().startsWith("holdfast-")
                            || thread.getName().startsWith("in-memory-storage")));
    assertTrue(site.world.process(site.task(id).lastRun().orElseThrow()).isAlive());
    site.close();
  }
}

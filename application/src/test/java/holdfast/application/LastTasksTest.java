package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.ShutdownPreview.Fate;
import holdfast.application.ShutdownPreview.Item;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.ProcessControl.Signal;
import holdfast.domain.port.SimulatedProcess;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState.Name;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a shutdown does to tasks. */
@Timeout(60)
class LastTasksTest {
  private static final Duration PATIENT = Duration.ofSeconds(30);

  private static List<TaskId> end(Site site, ShutdownTasks policy, Duration limit) {
    site.server().beginNothingNew();
    return site.server().endTasks(policy, limit, () -> false).stream().map(Task::id).toList();
  }

  private static TaskSpec patientFor(Duration grace) {
    return SpecDraft.of("stubborn").stopGrace(grace).spec();
  }

  @Test
  void keepWaitsForNobodyAndSignalsNobody() throws InterruptedException {
    try (Site site = Site.started(2)) {
      TaskId id = site.submit("sleep", "1000");
      SimulatedProcess process = site.process(id);
      List<Task> left =
          site.server()
              .endTasks(
                  ShutdownTasks.KEEP,
                  PATIENT,
                  () -> {
                    throw new AssertionError("it waits");
                  });
      assertEquals(List.of(id), left.stream().map(Task::id).toList());
      assertTrue(process.isAlive());
      assertEquals(List.of(), process.signals());
    }
  }

  @Test
  void drainWaitsForWhatRunsAndStartsNothingThatWaits() throws Exception {
    try (Site site = Site.started(1)) {
      TaskId running = site.submit("sleep", "1000");
      SimulatedProcess process = site.process(running);
      TaskId queued = site.submit("true");
      var left = CompletableFuture.supplyAsync(() -> end(site, ShutdownTasks.DRAIN, PATIENT));
      Await.until("nothing new is begun", () -> isRefused(site));
      assertTrue(process.isAlive() && !left.isDone());
      process.exit(0);
      assertEquals(List.of(), left.get());
      assertEquals(Name.SUCCEEDED, site.state(running));
      assertEquals(List.of(), process.signals());
      assertEquals(Name.QUEUED, site.state(queued));
      assertEquals(0, site.world.executions(queued));
      site.restart();
      site.await(queued, Name.SUCCEEDED);
    }
  }

  private static boolean isRefused(Site site) {
    try {
      return site.tasks().submit(SpecDraft.of("true").spec(), true, null)
              instanceof Answer.Unavailable<?>(var reason, String _)
          && reason == CommitResult.Reason.STOPPING;
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }

  @Test
  void aRetryIsNotBegunWhileDrainingAndComesAfterTheNextStart() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = site.submit(SpecDraft.of("sleep").retry(2, Duration.ZERO, Duration.ZERO).spec());
      SimulatedProcess process = site.process(id);
      site.server().beginNothingNew();
      process.exit(1);
      assertEquals(List.of(), end(site, ShutdownTasks.DRAIN, PATIENT));
      site.await(id, Name.QUEUED);
      assertEquals(1, site.world.executions(id));
    }
  }

  @Test
  void whatDrainWaitedForInVainIsNamed() throws InterruptedException {
    try (Site site = Site.started(2)) {
      TaskId id = site.submit("sleep", "1000");
      SimulatedProcess process = site.process(id);
      assertEquals(List.of(id), end(site, ShutdownTasks.DRAIN, Duration.ofMillis(100)));
      assertTrue(process.isAlive());
      site.server().endTasks(ShutdownTasks.DRAIN, PATIENT, () -> true);
      assertTrue(process.isAlive(), "impatience ends the wait, and nothing else");
    }
  }

  @Test
  void stopEndsEachWithItsGraceAndRecordsIt() throws InterruptedException {
    try (Site site = Site.started(2)) {
      site.world.program("stubborn", process -> process.onTerm(_ -> {}));
      TaskId docile = site.submit("sleep", "1000");
      TaskId stubborn = site.submit(patientFor(Duration.ofMillis(200)));
      SimulatedProcess first = site.process(docile);
      SimulatedProcess second = site.process(stubborn);
      TaskId queued = site.submit("true");
      assertEquals(List.of(), end(site, ShutdownTasks.STOP, PATIENT));
      for (TaskId id : List.of(docile, stubborn)) {
        assertEquals(Name.CANCELED, site.state(id));
        assertEquals("stopped because the server was shut down", site.task(id).stateReason());
      }
      assertEquals(new Outcome.Signaled(15), site.task(docile).outcome());
      assertEquals(new Outcome.Signaled(9), site.task(stubborn).outcome());
      assertEquals(List.of(Signal.TERM), first.signals());
      assertEquals(List.of(Signal.TERM, Signal.KILL), second.signals());
      assertEquals(Name.QUEUED, site.state(queued));
    }
  }

  @Test
  void aGraceLongerThanTheLimitIsKeptAndTheTaskNamed() throws InterruptedException {
    try (Site site = Site.started(1)) {
      site.world.program("stubborn", process -> process.onTerm(_ -> {}));
      TaskId id = site.submit(patientFor(Duration.ofHours(1)));
      SimulatedProcess process = site.process(id);
      assertEquals(List.of(id), end(site, ShutdownTasks.STOP, Duration.ofMillis(200)));
      assertEquals(Name.STOPPING, site.state(id));
      assertTrue(process.isAlive());
      site.restart();
      site.command(id, new TaskCommand.Kill());
      site.await(id, Name.CANCELED);
    }
  }

  @Test
  void aTaskThatMayBeElsewhereIsNeitherStoppedNorWaitedFor() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId id = site.submit("sleep", "1000");
      SimulatedProcess process = site.process(id);
      site.crash();
      site.world.moveTo(new HostIdentity("another-machine", "boot-1", "4026531836"));
      site.start();
      assertEquals(List.of(id), end(site, ShutdownTasks.STOP, PATIENT));
      assertEquals(Name.RUNNING, site.state(id));
      assertEquals(List.of(), process.signals());
    }
  }

  @Test
  void newWorkIsRefusedAndTheRestIsNot() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId held = site.hold(SpecDraft.of("true").spec());
      TaskId over = site.submit("true");
      site.await(over, Name.SUCCEEDED);
      site.server().beginNothingNew();
      assertTrue(isRefused(site));
      for (Answer<?> answer :
          List.of(
              site.tasks().command(over, new TaskCommand.Retry(), null),
              site.tasks().command(held, new TaskCommand.Release(), null))) {
        assertEquals(
            CommitResult.Reason.STOPPING,
            assertInstanceOf(Answer.Unavailable.class, answer).reason());
      }
      site.command(held, new TaskCommand.Cancel());
      assertEquals(Name.CANCELED, site.state(held));
    }
  }

  @Test
  void aServerThatIsAskedToEndWhileItStartsStartsNothing() throws InterruptedException {
    try (Site site = Site.started(1)) {
      TaskId running = site.submit("sleep", "1000");
      site.process(running);
      TaskId queued = site.submit("true");
      site.crash();
      site.ending(true).start();
      assertTrue(isRefused(site));
      assertEquals(Name.RUNNING, site.state(running));
      site.processOf(site.lastRun(running)).exit(0);
      site.await(running, Name.SUCCEEDED);
      site.server().close();
      long seq = site.server().state().seq();
      site.server().finalSync();
      assertEquals(Name.QUEUED, site.state(queued));
      assertEquals(0, site.world.executions(queued));
      assertTrue(site.stateFiles.checkpoint() >= seq, "what recovery changed is in the files");
      site.ending(false).restart();
      site.await(queued, Name.SUCCEEDED);
    }
  }

  @Test
  void thePreviewNamesTheFateOfEveryTaskThatIsNotOver() throws InterruptedException {
    try (Site site = Site.started(2)) {
      site.world.program("stubborn", process -> process.onTerm(_ -> {}));
      site.await(site.submit("true"), Name.SUCCEEDED);
      TaskId quick = site.submit(patientFor(Duration.ofSeconds(1)));
      site.process(quick);
      TaskId slow = site.submit(patientFor(Duration.ofHours(1)));
      site.process(slow);
      TaskId held = site.hold(SpecDraft.of("true").spec());
      var preview = site.server().previewShutdown(ShutdownTasks.STOP, Duration.ofSeconds(30), 2);
      assertEquals(
          Map.of(Fate.RUNS_ON, 0, Fate.AWAITED, 0, Fate.STOPPED, 2, Fate.WAITS, 1),
          preview.fates());
      assertEquals(
          List.of(quick, slow), preview.items().stream().map(item -> item.task().id()).toList());
      assertEquals(1, preview.omitted());
      assertTrue(preview.items().getLast().detail().contains("longer"), preview.toString());
      assertEquals(Fate.RUNS_ON, fate(site, ShutdownTasks.KEEP, slow));
      assertEquals(Fate.AWAITED, fate(site, ShutdownTasks.DRAIN, slow));
      assertEquals(Fate.WAITS, fate(site, ShutdownTasks.DRAIN, held));
      assertEquals(Name.RUNNING, site.state(slow), "nothing was done");
    }
  }

  private static Fate fate(Site site, ShutdownTasks policy, TaskId id) {
    return site.server().previewShutdown(policy, Duration.ofSeconds(30), 10).items().stream()
        .filter(item -> item.task().id().equals(id))
        .map(Item::fate)
        .findFirst()
        .orElseThrow();
  }
}

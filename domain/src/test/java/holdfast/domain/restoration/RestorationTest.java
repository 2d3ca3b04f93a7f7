package holdfast.domain.restoration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.restoration.Restoration.Plan;
import holdfast.domain.restoration.Restoration.Running;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskEvent;
import holdfast.domain.task.TaskState;
import holdfast.domain.task.TaskState.Name;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RestorationTest {
  private static final Instant T = SampleTasks.NOON.plusSeconds(10);
  private static final Instant NOW = SampleTasks.NOON.plusSeconds(1_000);
  private static final String ID = "20261123T120000.000Z-1-20";
  private static final long THEN = 20;
  private static final long TODAY = 50;

  /** A state under construction: every entity's change has its own seq. */
  private static final class State {
    private final List<Stored<Task>> tasks = new ArrayList<>();
    private final List<Stored<Initiative>> initiatives = new ArrayList<>();
    private final List<Tombstone> tombstones = new ArrayList<>();
    private final List<IdempotencyRecord> keys = new ArrayList<>();

    State task(long seq, Task task) {
      tasks.add(new Stored<>(task, seq, "x"));
      return this;
    }

    State initiative(long seq, long number) {
      initiatives.add(
          new Stored<>(
              SampleTasks.initiative(number, "initiative " + number).initiative(), seq, "created"));
      return this;
    }

    State gone(long seq, long number) {
      tombstones.add(new Tombstone(EntityKey.of(SampleTasks.id(number)), seq, T));
      return this;
    }

    State key(String key, long number) {
      keys.add(SampleTasks.idempotency(key, EntityKey.of(SampleTasks.id(number))));
      return this;
    }

    StateImage at(long seq) {
      return new StateImage(seq, T, tasks, initiatives, tombstones, keys);
    }
  }

  private static Task held(long number) {
    return SampleTasks.submit(number).task();
  }

  private static Task queued(long number) {
    return held(number).apply(new TaskEvent.Released(T));
  }

  private static Task running(long number) {
    return running(queued(number), "c1");
  }

  private static Task running(Task queued, String cookie) {
    return queued
        .apply(new TaskEvent.AttemptStarting(T, SampleTasks.ticket(cookie)))
        .apply(new TaskEvent.ProcessStarted(T, new ProcessIdentity(4711, 1, "boot")));
  }

  private static Task ended(Task running, int code) {
    Name name = code == 0 ? Name.SUCCEEDED : Name.FAILED;
    return running.apply(
        new TaskEvent.AttemptEnded(
            T,
            new Outcome.Exited(code),
            null,
            Map.of(OutputStreamName.MERGED, 7L),
            T,
            new TaskState.Ended(name),
            null));
  }

  private static Task retried(Task ended) {
    return ended.apply(new TaskEvent.RetryQueued(T, false));
  }

  private static Plan.Granted granted(StateImage present, StateImage then, Running running) {
    return assertInstanceOf(Plan.Granted.class, Restoration.plan(present, ID, then, running, NOW));
  }

  private static Plan.Granted granted(State present, State then) {
    return granted(present.at(TODAY), then.at(THEN), Running.REFUSE);
  }

  private static Task only(Plan.Granted plan) {
    assertEquals(1, plan.image().tasks().size());
    return plan.image().tasks().getFirst().entity();
  }

  @Test
  void whatIsTodayWhatItWasThenStaysAsItIs() {
    Task task = ended(running(1), 0);
    Plan.Granted plan = granted(new State().task(9, task), new State().task(9, task));
    assertEquals(List.of(new Stored<>(task, 9, "x")), plan.image().tasks());
    assertEquals(1, plan.diff().unchanged());
    assertEquals(TODAY + 1, plan.image().seq(), "never lower, never the same");
  }

  @Test
  void aTaskThatChangedBecomesWhatItWasUnderASeqAndARevisionOfItsOwn() {
    Task was = ended(running(1), 3);
    Task is = ended(running(retried(was), "c2"), 0);
    Plan.Granted plan = granted(new State().task(40, is), new State().task(9, was));
    Task task = only(plan);
    assertEquals(Name.FAILED, task.state().name());
    assertEquals(was.attempts(), task.attempts());
    assertTrue(task.revision() > is.revision(), "an entity tag names one content");
    assertEquals(TODAY + 1, plan.image().tasks().getFirst().seq());
    assertEquals(1, plan.diff().changed().size());
    assertEquals(
        "SUCCEEDED -> FAILED; attempts that are forgotten: 1",
        plan.diff().changed().getFirst().detail());
  }

  @Test
  void whatWaitedIsHeldEvenIfItStillWaits() {
    Task task = only(granted(new State().task(9, queued(1)), new State().task(9, queued(1))));
    assertEquals(Name.HELD, task.state().name());
    assertEquals("restored from snapshot " + ID + ", where it was QUEUED", task.stateReason());
  }

  @Test
  void anAttemptWithoutAnEndGetsTheOneThatIsKnownByNow() {
    Task was = running(1);
    Task task = only(granted(new State().task(40, ended(was, 0)), new State().task(9, was)));
    assertEquals(Name.HELD, task.state().name());
    assertEquals(new Outcome.Exited(0), task.outcome());
    assertEquals(Map.of(OutputStreamName.MERGED, 7L), task.attempts().getFirst().outputBytes());
  }

  @Test
  void anAttemptWhoseEndNobodyKnowsIsUnknownAndNeverGoesOn() {
    Plan.Granted plan = granted(new State().gone(30, 1), new State().task(9, running(1)));
    Task task = only(plan);
    assertEquals(Name.HELD, task.state().name());
    assertEquals(new Outcome.Unknown("restored from a snapshot"), task.outcome());
    assertEquals(1, task.attempts().size());
    assertEquals(List.of(), plan.image().tombstones(), "it is not gone any more");
    assertTrue(plan.diff().created().getFirst().detail().contains("outputs are gone"));
    assertEquals(
        plan.image().tasks().getFirst().seq(), task.revision(), "higher than any it ever had");
  }

  @Test
  void anAttemptOfTheSameNumberThatIsAnotherOneTellsNothing() {
    Task was = running(queued(1), "then");
    Task is = ended(running(queued(1), "today"), 0);
    Task task = only(granted(new State().task(40, is), new State().task(9, was)));
    assertEquals(new Outcome.Unknown("restored from a snapshot"), task.outcome());
    assertEquals(
        List.of("then"), task.attempts().stream().map(attempt -> attempt.cookie()).toList());
  }

  @Test
  void whatTheSnapshotDoesNotKnowGoesWithoutATombstone() {
    Plan.Granted plan =
        granted(new State().task(40, ended(running(1), 0)), new State().gone(3, 1).gone(4, 2));
    assertEquals(List.of(), plan.image().tasks());
    assertEquals(
        List.of(EntityKey.of(SampleTasks.id(2))),
        plan.image().tombstones().stream().map(Tombstone::key).toList(),
        "a start purges the files of what has a tombstone");
    assertEquals(
        "SUCCEEDED; its outputs stay on the disk", plan.diff().removed().getFirst().detail());
  }

  @Test
  void nothingIsRestoredWhileATaskRunsThatItWouldForgetOrChange() {
    var then = new State().task(9, held(1)).task(10, running(2)).at(THEN);
    var present =
        new State().task(40, running(1)).task(10, running(2)).task(41, running(3)).at(TODAY);
    var refused =
        assertInstanceOf(
            Plan.Refused.class, Restoration.plan(present, ID, then, Running.REFUSE, NOW));
    assertEquals(
        List.of(SampleTasks.id(1).value(), SampleTasks.id(3).value()),
        refused.running().stream().map(line -> line.key().id()).toList(),
        "the one that is as it was then is not touched");
  }

  @Test
  void runningTasksStayAsTheyAreIfTheyAreAdopted() {
    StateImage present =
        new State().task(40, running(1)).task(41, running(2)).task(42, queued(3)).at(TODAY);
    Plan.Granted plan = granted(present, new State().task(9, held(1)).at(THEN), Running.ADOPT);
    assertEquals(present.tasks().subList(0, 2), plan.image().tasks());
    assertEquals(2, plan.diff().running().size());
    assertEquals(1, plan.diff().removed().size());
  }

  @Test
  void theInitiativeOfATaskThatGoesOnStays() {
    Task task =
        Task.submitted(
            SampleTasks.id(1), new TaskEvent.Submitted(T, SampleTasks.elaborateSpec(), false));
    StateImage present =
        new State().task(41, running(task, "c")).initiative(40, 7).initiative(39, 8).at(TODAY);
    Plan.Granted plan = granted(present, new State().at(THEN), Running.ADOPT);
    assertEquals(
        List.of(SampleTasks.initiativeId(7)),
        plan.image().initiatives().stream().map(one -> one.entity().id()).toList());
  }

  @Test
  void initiativesBecomeWhatTheyWere() {
    var present = new State().initiative(5, 1).initiative(40, 3);
    var then = new State().initiative(5, 1).initiative(6, 2);
    Plan.Granted plan = granted(present, then);
    assertEquals(
        List.of(SampleTasks.initiativeId(1), SampleTasks.initiativeId(2)),
        plan.image().initiatives().stream().map(one -> one.entity().id()).toList());
    assertEquals(5, plan.image().initiatives().getFirst().seq());
    assertEquals(1, plan.diff().created().size());
    assertEquals(1, plan.diff().removed().size());
  }

  @Test
  void aRequestThatWasAnsweredIsNotCarriedOutAgain() {
    Plan.Granted plan =
        granted(
            new State().key("task:new", 2).key("task:both", 1),
            new State().key("task:both", 1).key("task:old", 3));
    assertEquals(
        List.of("task:both", "task:old", "task:new"),
        plan.image().idempotency().stream().map(IdempotencyRecord::key).toList());
  }

  @Test
  void everythingThatIsNotAsItIsTodayHasASeqOfItsOwn() {
    var then = new State().initiative(9, 9);
    for (int i = 1; i <= 5; i++) {
      then.task(i, ended(running(i), 0));
    }
    Plan.Granted plan = granted(new State(), then);
    List<Long> seqs = new ArrayList<>();
    plan.image().tasks().forEach(task -> seqs.add(task.seq()));
    plan.image().initiatives().forEach(one -> seqs.add(one.seq()));
    assertEquals(List.of(51L, 52L, 53L, 54L, 55L, 56L), seqs.stream().sorted().toList());
    assertEquals(56, plan.image().seq());
  }

  @Test
  void theReturnToTheStateBeforeARestoreUndoesIt() {
    Task failed = ended(running(1), 3);
    Task succeeded = ended(running(retried(failed), "c2"), 0);
    StateImage today = new State().task(40, succeeded).task(41, ended(running(2), 0)).at(TODAY);
    StateImage then = new State().task(9, failed).task(8, ended(running(3), 1)).at(THEN);
    StateImage restored = granted(today, then, Running.REFUSE).image();
    StateImage undone = granted(restored, today, Running.REFUSE).image();
    assertEquals(contents(today), contents(undone));
    assertTrue(undone.seq() > restored.seq());
    assertFalse(contents(today).equals(contents(restored)));
  }

  private static List<String> contents(StateImage image) {
    return image.tasks().stream()
        .map(Stored::entity)
        .map(task -> task.id() + " " + task.state() + " " + task.attempts() + " " + task.retries())
        .sorted()
        .toList();
  }
}

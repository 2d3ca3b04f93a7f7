package holdfast.application;

import static holdfast.application.Site.done;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.initiative.InitiativeSpec;
import holdfast.domain.initiative.InitiativeState;
import holdfast.domain.port.CommitResult.Reason;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Rejection;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState.Name;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TaskStoreTest {
  private static final TaskSpec SPEC = SpecDraft.of("true").spec();
  private static final TaskId NOBODY = new TaskId("0123456789abcdefghjk");

  private Site site = Site.notStarted(2, 7);

  @BeforeEach
  void start() throws InterruptedException {
    site = Site.notStarted(2, 7).start();
  }

  @AfterEach
  void nothingPendsInTheEnd() {
    Await.until("nothing pends", () -> site.tasks().idle());
    site.close();
  }

  private static <T> FutureTask<T> fork(Callable<T> call) {
    var task = new FutureTask<>(call);
    Thread.ofVirtual().start(task);
    return task;
  }

  private static <T> T join(FutureTask<T> task) throws InterruptedException {
    try {
      return task.get();
    } catch (ExecutionException failure) {
      throw new AssertionError(failure.getCause());
    }
  }

  /** Whether an answer stays away while storage holds everything back. */
  private static void assertWaits(FutureTask<?> answer) throws InterruptedException {
    try {
      throw new AssertionError("answered too early: " + answer.get(30, TimeUnit.MILLISECONDS));
    } catch (TimeoutException expected) {
      assertFalse(answer.isDone(), expected::toString);
    } catch (ExecutionException failure) {
      throw new AssertionError(failure.getCause());
    }
  }

  @Test
  void unknownAndPurgedTasksAreToldApart() throws InterruptedException {
    assertEquals(
        new Answer.NotFound<>(EntityKey.of(NOBODY)),
        site.tasks().command(NOBODY, new TaskCommand.Kill(), null));
    TaskId id = site.submit("true");
    site.await(id, Name.SUCCEEDED);
    assertEquals(EntityKey.of(id), done(site.tasks().purge(id, null)));
    assertEquals(new Answer.Gone<>(EntityKey.of(id)), site.tasks().purge(id, null));
    assertInstanceOf(Lookup.Purged.class, site.server().state().task(id));
    assertEquals(
        "purged", site.server().history(EntityKey.of(id), 99, 1).getFirst().change().cause());
  }

  @Test
  void aRefusalSaysWhy() throws InterruptedException {
    TaskId id = site.hold(SPEC);
    var refused =
        assertInstanceOf(
            Answer.Refused.class, site.tasks().command(id, new TaskCommand.Stop(null), null));
    assertEquals(
        new Rejection.WrongState("stop", Name.HELD, List.of("release", "cancel")),
        refused.rejection());
  }

  @Test
  void ifMatchIsHeld() throws InterruptedException {
    TaskId id = site.hold(SPEC);
    assertEquals(
        new Answer.Stale<Stored<Task>>(1), site.tasks().command(id, new TaskCommand.Cancel(), 2L));
    assertEquals(
        2, done(site.tasks().command(id, new TaskCommand.Cancel(), 1L)).entity().revision());
    assertEquals(new Answer.Stale<Stored<Task>>(2), site.tasks().patch(id, spec -> spec, 1L));
    assertEquals(new Answer.Stale<EntityKey>(2), site.tasks().purge(id, 3L));
  }

  @Test
  void oneOfManyWithTheSameIfMatchWins() throws InterruptedException {
    TaskId id = site.hold(SPEC);
    var answers = new ArrayList<FutureTask<Answer<Stored<Task>>>>();
    for (int i = 0; i < 16; i++) {
      String title = "title " + i;
      answers.add(
          fork(() -> site.tasks().patch(id, _ -> SpecDraft.of("true").title(title).spec(), 1L)));
    }
    int won = 0;
    for (FutureTask<Answer<Stored<Task>>> answer : answers) {
      won += join(answer) instanceof Answer.Done<Stored<Task>> ? 1 : 0;
    }
    assertEquals(1, won);
    assertEquals(2, site.task(id).revision());
  }

  @Test
  void aRefusalWaitsForThePendingChangeItLookedAt() throws InterruptedException {
    TaskId id = site.hold(SPEC);
    site.storage().pause();
    var cancel = fork(() -> site.tasks().command(id, new TaskCommand.Cancel(), null));
    Await.until("the cancel pends", () -> !site.tasks().idle());
    var release = fork(() -> site.tasks().command(id, new TaskCommand.Release(), null));
    var stale = fork(() -> site.tasks().command(id, new TaskCommand.Release(), 1L));
    var kill = fork(() -> site.tasks().command(NOBODY, new TaskCommand.Kill(), null));
    assertInstanceOf(Answer.NotFound.class, join(kill), "what rests on nothing pending is told");
    assertWaits(release);
    assertWaits(stale);
    assertEquals(Name.HELD, site.state(id), "nobody is shown what pends");
    site.storage().resume();
    assertInstanceOf(Answer.Refused.class, join(release));
    assertEquals(new Answer.Stale<Stored<Task>>(2), join(stale));
    done(join(cancel));
  }

  @Test
  void aRefusalThatRestsOnAChangeWhichIsThenLostIsNotGiven() throws InterruptedException {
    TaskId id = site.hold(SPEC);
    site.storage().pause();
    var cancel = fork(() -> site.tasks().command(id, new TaskCommand.Cancel(), null));
    Await.until("the cancel pends", () -> !site.tasks().idle());
    var release = fork(() -> site.tasks().command(id, new TaskCommand.Release(), null));
    assertWaits(release);
    site.storage().fail("the disk is gone");
    assertInstanceOf(Answer.DurabilityUnknown.class, join(cancel));
    assertFalse(join(release) instanceof Answer.Refused, "nobody knows whether it is canceled");
  }

  @Test
  void refusedChangesLeaveNoTrace() throws InterruptedException {
    TaskId id = site.hold(SPEC);
    site.storage().refuse(Reason.DISK_FULL);
    assertInstanceOf(Answer.Unavailable.class, site.tasks().submit(SPEC, true, key("k", "a")));
    assertInstanceOf(
        Answer.Unavailable.class, site.tasks().command(id, new TaskCommand.Cancel(), null));
    assertTrue(site.tasks().idle());
    assertInstanceOf(
        Answer.Refused.class,
        site.tasks().command(id, new TaskCommand.Stop(null), null),
        "a refusal needs no room");
    site.storage().refuse(null);
    assertFalse(
        assertInstanceOf(Answer.Done.class, site.tasks().submit(SPEC, true, key("k", "a")))
            .replayed());
    site.command(id, new TaskCommand.Release());
    site.await(id, Name.SUCCEEDED);
  }

  @Test
  void refusalsAmongConcurrentWritersNeverLeakIntoAnswers() throws InterruptedException {
    for (int round = 0; round < 100; round++) {
      TaskId id = site.hold(SPEC);
      site.storage().refuse(Reason.BUSY);
      IdempotencyKey key = key("round " + round, "a");
      var cancel = fork(() -> site.tasks().command(id, new TaskCommand.Cancel(), null));
      var first = fork(() -> site.tasks().submit(SPEC, true, key));
      var release = fork(() -> site.tasks().command(id, new TaskCommand.Release(), null));
      var second = fork(() -> site.tasks().submit(SPEC, true, key));
      assertInstanceOf(Answer.Unavailable.class, join(cancel));
      assertInstanceOf(Answer.Unavailable.class, join(release), "it was never canceled");
      assertInstanceOf(Answer.Unavailable.class, join(first));
      assertInstanceOf(Answer.Unavailable.class, join(second), "the first was never done");
      site.storage().refuse(null);
    }
  }

  @Test
  void aFactIsRecordedAlsoBetweenAPendingChangeAndARefusedOne() throws InterruptedException {
    TaskId id = site.submit("sleep", "1000");
    site.process(id);
    site.storage().pause();
    var patch = fork(() -> site.tasks().patch(id, spec -> titled(spec, "x"), null));
    Await.until("the patch pends", () -> !site.tasks().idle());
    site.storage().refuse(Reason.BUSY);
    assertInstanceOf(
        Answer.Unavailable.class, site.tasks().patch(id, spec -> titled(spec, "y"), null));
    var end =
        fork(
            () ->
                site.tasks()
                    .record(id, new TaskCommand.Expire(site.task(id).lastRun().orElseThrow())));
    assertWaits(end);
    site.storage().resume();
    done(join(patch));
    done(join(end));
    site.storage().refuse(null);
    assertEquals("x", site.await(id, Name.TIMED_OUT).spec().title());
  }

  private static TaskSpec titled(TaskSpec spec, String title) {
    return SpecDraft.of(spec.command().toArray(String[]::new)).title(title).spec();
  }

  @Test
  void storageThatFailsIsNeverTakenForSuccess() throws InterruptedException {
    site.storage().pause();
    var answer = fork(() -> site.tasks().submit(SPEC, true, null));
    Await.until("it pends", () -> !site.tasks().idle());
    site.storage().fail("EIO");
    assertEquals(new Answer.DurabilityUnknown<Stored<Task>>("EIO"), join(answer));
    var later = assertInstanceOf(Answer.Unavailable.class, site.tasks().submit(SPEC, true, null));
    assertEquals(Reason.CLOSED, later.reason());
  }

  private static IdempotencyKey key(String key, String body) {
    return new IdempotencyKey(key, body.repeat(64));
  }

  @Test
  void theSameKeyAndBodyIsTheSameTaskAlsoAfterACrash() throws InterruptedException {
    var first = done(site.tasks().submit(SPEC, true, key("k", "a"))).entity();
    for (int i = 0; i < 2; i++) {
      var again =
          assertInstanceOf(Answer.Done.class, site.tasks().submit(SPEC, true, key("k", "a")));
      assertTrue(again.replayed());
      assertEquals(first, site.task(first.id()));
      assertInstanceOf(Answer.Impossible.class, site.tasks().submit(SPEC, true, key("k", "b")));
      site.crashAndStart();
    }
    done(site.tasks().createInitiative(goal("g"), key("k", "a")));
    site.command(first.id(), new TaskCommand.Cancel());
    done(site.tasks().purge(first.id(), null));
    assertEquals(
        new Answer.Gone<>(EntityKey.of(first.id())),
        site.tasks().submit(SPEC, true, key("k", "a")));
  }

  @Test
  void aKeyWhoseFirstUseACrashSwallowedIsFree() throws InterruptedException {
    site.storage().pause();
    var lost = fork(() -> site.tasks().submit(SPEC, true, key("k", "a")));
    Await.until("it pends", () -> !site.tasks().idle());
    site.crash();
    assertInstanceOf(Answer.DurabilityUnknown.class, join(lost));
    site.start();
    assertFalse(
        assertInstanceOf(Answer.Done.class, site.tasks().submit(SPEC, true, key("k", "a")))
            .replayed());
  }

  @Test
  void concurrentUsesOfOneKeyMakeOneTask() throws InterruptedException {
    Set<TaskId> made = ConcurrentHashMap.newKeySet();
    var answers = new ArrayList<FutureTask<Boolean>>();
    for (int i = 0; i < 64; i++) {
      answers.add(
          fork(
              () -> {
                var answer = site.tasks().submit(SPEC, false, key("one", "a"));
                made.add(done(answer).entity().id());
                return answer instanceof Answer.Done<?>(_, boolean replayed) && !replayed;
              }));
    }
    int fresh = 0;
    for (FutureTask<Boolean> answer : answers) {
      fresh += join(answer) ? 1 : 0;
    }
    assertEquals(1, fresh);
    assertEquals(1, made.size());
    TaskId id = made.iterator().next();
    site.await(id, Name.SUCCEEDED);
    assertEquals(1, site.world.executions(id));
  }

  @Test
  void thirtyTwoSubmittersLoseNothing() throws InterruptedException {
    var submitters = new ArrayList<FutureTask<List<TaskId>>>();
    for (int i = 0; i < 32; i++) {
      submitters.add(
          fork(
              () -> {
                var ids = new ArrayList<TaskId>();
                for (int n = 0; n < 20; n++) {
                  ids.add(site.submit("true"));
                }
                return ids;
              }));
    }
    var all = new HashSet<TaskId>();
    for (FutureTask<List<TaskId>> submitter : submitters) {
      all.addAll(join(submitter));
    }
    assertEquals(640, all.size());
    for (TaskId id : all) {
      site.await(id, Name.SUCCEEDED);
      assertEquals(1, site.world.executions(id));
    }
    assertEquals(640, site.server().state().counts().get(Name.SUCCEEDED));
  }

  private static InitiativeSpec goal(String title) {
    return new InitiativeSpec(title, "", Map.of());
  }

  private static TaskSpec member(InitiativeId id) {
    return SpecDraft.of("true").initiative(id.value()).spec();
  }

  @Test
  void initiativesCountTheirTasks() throws InterruptedException {
    InitiativeId id = done(site.tasks().createInitiative(goal("g"), null)).initiative().id();
    TaskId held = site.hold(member(id));
    assertEquals(InitiativeState.OPEN, view(id).state());
    site.await(site.submit(member(id)), Name.SUCCEEDED);
    // The task is shown a moment before its initiative has counted it.
    Await.until(
        "it is counted", () -> view(id).counts().equals(Map.of(Name.HELD, 1, Name.SUCCEEDED, 1)));
    assertEquals(InitiativeState.RUNNING, view(id).state());
    site.command(held, new TaskCommand.Cancel());
    assertEquals(InitiativeState.COMPLETED, view(id).state());
    InitiativeView before = view(id);
    site.crashAndStart();
    assertEquals(before.counts(), view(id).counts());
    assertEquals(before.state(), view(id).state());
    assertEquals(before.seq(), view(id).seq());
  }

  private InitiativeView view(InitiativeId id) {
    if (site.server().state().initiative(id) instanceof Lookup.Found<InitiativeView>(var view)) {
      return view;
    }
    throw new AssertionError("no initiative " + id);
  }

  @Test
  void anInitiativeGoesOnlyWithoutTasksAndTasksOnlyIntoOneThatIs() throws InterruptedException {
    InitiativeId id = done(site.tasks().createInitiative(goal("g"), null)).initiative().id();
    TaskId task = site.hold(member(id));
    assertEquals(
        new Answer.InUse<EntityKey>(EntityKey.of(id), 1), site.tasks().deleteInitiative(id, null));
    site.command(task, new TaskCommand.Cancel());
    done(site.tasks().purge(task, null));
    assertEquals(new Answer.Stale<EntityKey>(1), site.tasks().deleteInitiative(id, 5L));
    assertEquals(EntityKey.of(id), done(site.tasks().deleteInitiative(id, 1L)));
    assertEquals(new Answer.Gone<>(EntityKey.of(id)), site.tasks().deleteInitiative(id, null));
    assertEquals(
        "/initiativeId",
        assertInstanceOf(Answer.Impossible.class, site.tasks().submit(member(id), true, null))
            .pointer());
    InitiativeId nobody = new InitiativeId(NOBODY.value());
    assertEquals(
        new Answer.NotFound<>(EntityKey.of(nobody)),
        site.tasks().patchInitiative(nobody, spec -> spec, null));
  }

  @Test
  void aMemberThatStillPendsKeepsItsInitiative() throws InterruptedException {
    InitiativeId id = done(site.tasks().createInitiative(goal("g"), null)).initiative().id();
    site.storage().pause();
    var submit = fork(() -> site.tasks().submit(member(id), true, null));
    Await.until("it pends", () -> !site.tasks().idle());
    var delete = fork(() -> site.tasks().deleteInitiative(id, null));
    assertWaits(delete);
    site.storage().resume();
    done(join(submit));
    assertEquals(new Answer.InUse<EntityKey>(EntityKey.of(id), 1), join(delete));
  }

  @Test
  void aTaskStaysInTheInitiativeItWasSubmittedTo() throws InterruptedException {
    InitiativeId id = done(site.tasks().createInitiative(goal("g"), null)).initiative().id();
    TaskId task = site.hold(member(id));
    assertInstanceOf(Answer.Impossible.class, site.tasks().patch(task, _ -> SPEC, null));
    assertEquals(Map.of(Name.HELD, 1), view(id).counts());
  }

  @Test
  void initiativesAreReplacedByPatchesThatChangeSomething() throws InterruptedException {
    InitiativeId id = done(site.tasks().createInitiative(goal("g"), null)).initiative().id();
    assertEquals(
        1, done(site.tasks().patchInitiative(id, spec -> spec, 1L)).initiative().revision());
    InitiativeView patched = done(site.tasks().patchInitiative(id, _ -> goal("h"), 1L));
    assertEquals(2, patched.initiative().revision());
    assertEquals("h", patched.initiative().spec().title());
  }
}

package holdfast.application;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.EventFeed.Topic;
import holdfast.application.RestoreService.Result;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SimulatedProcess;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.SnapshotStorage.Snapshot;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.restoration.Restoration.Running;
import holdfast.domain.restoration.RestorationDiff.Line;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState.Name;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A restore while the server serves, and what everybody sees of it. */
@Timeout(60)
class RestoreServiceTest {
  private static final TaskSpec HELD = SpecDraft.of("true").title("then").spec();

  private Site site = Site.notStarted(1, 7);

  @BeforeEach
  void start() throws InterruptedException {
    site = Site.notStarted(1, 7).start();
  }

  @AfterEach
  void close() {
    site.close();
  }

  private String snapshot() {
    return site.server().snapshots().create(Reason.MANUAL).id();
  }

  private Result restore(String snapshot, Running running) throws InterruptedException {
    return site.server().restore().restore(snapshot, running);
  }

  private Result.Restored restored(String snapshot) throws InterruptedException {
    return assertInstanceOf(Result.Restored.class, restore(snapshot, Running.REFUSE));
  }

  private String epoch() {
    return site.server().state().epoch();
  }

  private Stored<Task> stored(TaskId id) {
    if (site.server().state().task(id) instanceof Lookup.Found<Stored<Task>>(Stored<Task> found)) {
      return found;
    }
    throw new AssertionError("no task " + id);
  }

  private Stored<Task> rename(TaskId id, String title) throws InterruptedException {
    return Site.done(site.tasks().patch(id, _ -> SpecDraft.of("true").title(title).spec(), null));
  }

  private static List<String> ids(List<Line> lines) {
    return lines.stream().map(line -> line.key().id()).toList();
  }

  private void assertUnknown(TaskId id) {
    assertInstanceOf(Lookup.Missing.class, site.server().state().task(id));
  }

  @Test
  void whatWasThenIsInForceAndTheStateBeforeIsKept() throws InterruptedException {
    TaskId changed = site.hold(HELD);
    String then = snapshot();
    Stored<Task> renamed = rename(changed, "now");
    TaskId later = site.hold(HELD);
    long seq = site.server().state().seq();
    String epoch = epoch();

    Result.Restored done = restored(then);
    assertEquals(List.of(changed.value()), ids(done.diff().changed()));
    assertEquals(List.of(later.value()), ids(done.diff().removed()));
    assertNotEquals(epoch, epoch());
    assertEquals(done.epoch(), epoch());
    assertTrue(done.seq() > seq, "seqs never fall");
    assertEquals(done.seq(), site.server().state().seq());
    assertEquals("then", site.task(changed).spec().title());
    assertTrue(stored(changed).entity().revision() > renamed.entity().revision(), "entity tag");
    assertTrue(stored(changed).seq() > seq);
    assertUnknown(later);
    assertInstanceOf(
        Answer.Stale.class,
        site.tasks().command(changed, new TaskCommand.Cancel(), renamed.entity().revision()));

    Snapshot before = site.server().snapshots().find(done.before()).orElseThrow();
    assertEquals(Reason.PRE_RESTORE, before.reason());
    assertEquals(seq, before.seq());
    restored(done.before());
    assertEquals("now", site.task(changed).spec().title());
    assertEquals(HELD, site.task(later).spec());
    site.crashAndStart();
    assertEquals("now", site.task(changed).spec().title());
    assertEquals(Name.HELD, site.state(later));
  }

  @Test
  void aDryRunNamesEverythingAndChangesNothing() throws InterruptedException {
    TaskId changed = site.hold(HELD);
    String then = snapshot();
    rename(changed, "now");
    TaskId later = site.hold(HELD);
    TaskId running = site.submit("sleep", "1000");
    site.process(running);
    // A task is seen to run a moment before the seq of that is.
    Await.until("all six changes are seen", () -> site.server().state().seq() == 6);
    String epoch = epoch();
    long seq = site.server().state().seq();
    int snapshots = site.snapshots.list().size();
    Result.Planned planned =
        assertInstanceOf(Result.Planned.class, site.server().restore().plan(then));
    assertEquals(List.of(changed.value()), ids(planned.diff().changed()));
    assertEquals(List.of(later.value()), ids(planned.diff().removed()));
    assertEquals(List.of(running.value()), ids(planned.diff().running()));
    assertEquals(epoch, epoch());
    assertEquals(seq, site.server().state().seq());
    assertEquals(snapshots, site.snapshots.list().size());
  }

  @Test
  void aRunningTaskIsNotForgottenUnlessItIsKeptAsItIs() throws InterruptedException {
    String then = snapshot();
    TaskId running = site.submit("sleep", "1000");
    SimulatedProcess process = site.process(running);
    process.write(OutputStreamName.MERGED, "before ".getBytes(UTF_8));
    Task task = site.task(running);
    String epoch = epoch();
    Result.Refused refused = assertInstanceOf(Result.Refused.class, restore(then, Running.REFUSE));
    assertEquals(List.of(running.value()), ids(refused.running()));
    assertEquals(epoch, epoch());
    assertEquals(1, site.snapshots.list().size(), "no snapshot for what is refused");

    try (Following following = follow(running)) {
      assertInstanceOf(Result.Restored.class, restore(then, Running.ADOPT));
      assertEquals(task, site.task(running));
      assertFalse(following.forgotten());
      process.write(OutputStreamName.MERGED, "after".getBytes(UTF_8));
      process.exit(3);
      assertEquals(
          new Outcome.Exited(3), site.await(running, Name.FAILED).outcome(), "its end arrives");
      assertTrue(following.complete());
      assertEquals("before after", read(following));
    }
    assertEquals(1, site.world.executions(running));
    Await.until("its place is free", () -> site.server().idle());
    site.await(site.submit("true"), Name.SUCCEEDED);
  }

  private Following follow(TaskId id) {
    return assertInstanceOf(
            Outputs.Opening.Opened.class, site.server().outputs().open(id, null, null))
        .following();
  }

  private static String read(Following following) {
    var bytes = ByteBuffer.allocate(100);
    following.read(0, bytes);
    return UTF_8.decode(bytes.flip()).toString();
  }

  @Test
  void whoFollowsAnOutputThatIsForgottenIsToldAndReadsNoOther() throws InterruptedException {
    TaskId id = site.submit("printf", "first");
    site.await(id, Name.SUCCEEDED);
    String then = snapshot();
    site.command(id, new TaskCommand.Retry());
    Await.until("it ran twice", () -> site.task(id).attempts().size() == 2);
    site.await(id, Name.SUCCEEDED);
    try (Following second = follow(id)) {
      assertEquals(2, second.attempt());
      assertEquals("first", read(second));
      restored(then);
      assertTrue(second.forgotten());
      assertTrue(second.complete());
      assertEquals(1, site.task(id).attempts().size());
      site.command(id, new TaskCommand.Retry());
      Await.until("it ran again", () -> site.task(id).attempts().size() == 2);
      site.await(id, Name.SUCCEEDED);
      assertTrue(second.forgotten(), "another run of the same number is another output");
      assertEquals("", read(second));
    }
    assertEquals(3, site.world.executions(id));
  }

  @Test
  void whatWaitedComesBackHeldAndNothingStartsByItself() throws InterruptedException {
    TaskId running = site.submit("sleep", "1000");
    SimulatedProcess process = site.process(running);
    TaskId queued = site.submit("true");
    TaskSpec retried =
        SpecDraft.of("false").retry(2, Duration.ofMillis(400), Duration.ofMillis(400)).spec();
    TaskId forgotten = site.submit("true");
    String then = snapshot();
    site.command(forgotten, new TaskCommand.Cancel());
    TaskId later = site.submit(retried);
    assertInstanceOf(Result.Restored.class, restore(then, Running.ADOPT));
    assertEquals(Name.HELD, site.state(queued));
    assertEquals(Name.HELD, site.state(forgotten));
    assertUnknown(later);
    process.exit(0);
    site.await(running, Name.SUCCEEDED);
    Await.until("nothing waits for a place", () -> site.server().idle());
    assertEquals(Name.HELD, site.state(queued));
    assertEquals(0, site.world.executions(queued));
    site.command(queued, new TaskCommand.Release());
    site.await(queued, Name.SUCCEEDED);
  }

  @Test
  void aPauseBetweenRetriesEndsNothingThatWasRestored() throws InterruptedException {
    TaskId id =
        site.submit(
            SpecDraft.of("false").retry(2, Duration.ofMillis(300), Duration.ofSeconds(1)).spec());
    site.await(id, Name.BACKING_OFF);
    String then = snapshot();
    long until = System.nanoTime() + Duration.ofMillis(700).toNanos();
    restored(then);
    assertEquals(Name.HELD, site.state(id));
    Await.until("the pause has passed", () -> System.nanoTime() > until);
    assertEquals(Name.HELD, site.state(id));
    assertEquals(1, site.world.executions(id));
  }

  @Test
  void everySubscriberIsToldToBeginAnew() throws InterruptedException {
    TaskId id = site.hold(HELD);
    String then = snapshot();
    String epoch = epoch();
    Subscription tasks = subscribe(Topic.TASKS, null);
    Subscription initiatives = subscribe(Topic.INITIATIVES, null);
    rename(id, "now");
    long seq = site.server().state().seq();
    restored(then);
    for (Subscription old : List.of(tasks, initiatives)) {
      assertEquals(Subscription.Reason.EPOCH, old.ended());
      assertEquals(List.of(), old.poll(10));
      assertEquals(epoch, old.epoch());
    }
    assertEquals(
        new Subscription.Start.Reset(Subscription.Reason.EPOCH),
        subscribe(Topic.TASKS, new EventFeed.Since(epoch, seq)).start());
    Subscription fresh = subscribe(Topic.TASKS, null);
    assertEquals(epoch(), fresh.epoch());
    assertEquals(
        List.of(new FeedItem.TaskItem(stored(id))),
        assertInstanceOf(Subscription.Start.Snapshot.class, fresh.start()).items());
    rename(id, "later");
    assertEquals(1, fresh.poll(10).size(), "the feed goes on");
  }

  private Subscription subscribe(Topic topic, EventFeed.Since since) {
    return site.server().feed().subscribe(topic, FeedFilter.ALL, since, () -> {});
  }

  @Test
  void aRequestThatWasAnsweredIsNotCarriedOutAgain() throws InterruptedException {
    var first = new IdempotencyKey("first", "a");
    var second = new IdempotencyKey("second", "b");
    TaskId kept = Site.done(site.tasks().submit(HELD, true, first)).entity().id();
    String then = snapshot();
    Site.done(site.tasks().submit(HELD, true, second));
    restored(then);
    Answer<Stored<Task>> again = site.tasks().submit(HELD, true, first);
    assertEquals(kept, Site.done(again).entity().id());
    assertInstanceOf(Answer.Gone.class, site.tasks().submit(HELD, true, second));
    assertEquals(1, site.server().state().counts().get(Name.HELD));
  }

  @Test
  void theStateFilesFollow() throws InterruptedException {
    TaskId changed = site.hold(HELD);
    String then = snapshot();
    rename(changed, "now");
    TaskId later = site.hold(HELD);
    site.server().sync().force();
    assertTrue(site.stateFiles.copies().containsKey(EntityKey.of(later)));
    restored(then);
    assertEquals(site.server().state().seq(), site.server().sync().force().seq());
    assertEquals(Map.of(EntityKey.of(changed), stored(changed)), site.stateFiles.copies());
    assertEquals(List.of(), site.server().sync().findings());
    assertEquals(0, site.server().sync().status().dirty());
  }

  @Test
  void withoutRoomNothingIsChanged() throws InterruptedException {
    TaskId id = site.hold(HELD);
    String then = snapshot();
    rename(id, "now");
    String epoch = epoch();
    site.snapshots.full(true);
    assertUnavailable(CommitResult.Reason.DISK_FULL, restore(then, Running.REFUSE));
    site.snapshots.full(false);
    site.storage().refuseReplacement(CommitResult.Reason.DISK_FULL);
    assertUnavailable(CommitResult.Reason.DISK_FULL, restore(then, Running.REFUSE));
    assertEquals(epoch, epoch());
    rename(id, "goes on");
    site.storage().refuseReplacement(null);
    restored(then);
    assertEquals("then", site.task(id).spec().title());
  }

  @Test
  void aServerThatCannotFollowWhatIsDurableAlreadyEnds() throws InterruptedException {
    TaskId id = site.hold(HELD);
    String then = snapshot();
    rename(id, "now");
    var broken = new IllegalStateException("planted");
    site.server()
        .feed()
        .subscribe(
            Topic.TASKS,
            FeedFilter.ALL,
            null,
            () -> {
              throw broken;
            });
    assertSame(broken, assertThrows(RuntimeException.class, () -> restore(then, Running.REFUSE)));
    assertEquals(
        CommitResult.Reason.CLOSED,
        assertInstanceOf(Answer.Unavailable.class, site.tasks().submit(HELD, true, null)).reason());
    site.crashAndStart();
    assertEquals("then", site.task(id).spec().title());
  }

  private static void assertUnavailable(CommitResult.Reason reason, Result result) {
    assertEquals(reason, assertInstanceOf(Result.Unavailable.class, result).reason());
  }

  @Test
  void whatCannotBeUsedIsRefused() throws InterruptedException {
    site.hold(HELD);
    String then = snapshot();
    String epoch = epoch();
    assertInstanceOf(Result.NoSuchSnapshot.class, restore("nothing", Running.REFUSE));
    assertInstanceOf(Result.NoSuchSnapshot.class, site.server().restore().plan("nothing"));
    site.draining.set(true);
    assertInstanceOf(Result.ShuttingDown.class, restore(then, Running.REFUSE));
    site.draining.set(false);
    site.snapshots.damage(then, "its checksum is wrong");
    assertEquals(new Result.Unusable("its checksum is wrong"), restore(then, Running.REFUSE));
    assertEquals(epoch, epoch());
  }

  /** While a restore waits for commands that are under way, others wait for it. */
  @Test
  void commandsAreOverBeforeOrBeginAfterwards() throws Exception {
    TaskId id = site.hold(HELD);
    String then = snapshot();
    site.storage().pause();
    var before = new FutureTask<>(() -> rename(id, "under way"));
    Thread.startVirtualThread(before);
    Await.until("it is on its way", () -> site.storage().held() == 1);
    var restoring = new FutureTask<>(() -> restored(then));
    Thread waiting = Thread.startVirtualThread(restoring);
    Await.until("the restore waits", () -> waiting.getState() == Thread.State.TIMED_WAITING);
    assertUnavailable(CommitResult.Reason.BUSY, restore(then, Running.REFUSE));
    var after = new FutureTask<>(() -> rename(id, "afterwards"));
    Thread late = Thread.startVirtualThread(after);
    Await.until("whoever comes now waits", () -> late.getState() == Thread.State.TIMED_WAITING);
    assertEquals(1, site.storage().held());
    site.storage().resume();
    assertEquals("under way", before.get().entity().spec().title());
    Result.Restored done = restoring.get();
    long kept = site.snapshots.find(done.before()).orElseThrow().seq();
    assertTrue(before.get().seq() <= kept, "what was acknowledged is in the snapshot of before");
    assertTrue(after.get().seq() > done.seq(), "the one that waited came after");
    assertEquals("afterwards", site.task(id).spec().title());
  }

  /** Every acknowledgement is found again: in the snapshot of before, or in what is in force. */
  @Test
  void nothingThatWasAcknowledgedMeanwhileIsLostInSilence() throws Exception {
    String then = snapshot();
    var acknowledged = new ConcurrentLinkedQueue<Stored<Task>>();
    var over = new AtomicBoolean();
    var clients = new ArrayList<FutureTask<?>>();
    for (int i = 0; i < 8; i++) {
      var client =
          new FutureTask<>(
              () -> {
                while (!over.get()) {
                  Stored<Task> held = Site.done(site.tasks().submit(HELD, true, null));
                  acknowledged.add(held);
                  TaskId id = held.entity().id();
                  if (site.tasks().command(id, new TaskCommand.Cancel(), null)
                      instanceof Answer.Done<Stored<Task>>(var canceled, boolean _)) {
                    acknowledged.add(canceled);
                  }
                }
                return null;
              });
      clients.add(client);
      Thread.startVirtualThread(client);
    }
    for (int i = 1; i <= 5; i++) {
      int enough = 200 * i;
      Await.until("clients are at work", () -> acknowledged.size() > enough);
      restored(then);
    }
    over.set(true);
    for (FutureTask<?> client : clients) {
      client.get();
    }
    // The images were made of one epoch after another, each as far as that went.
    var ends = new ArrayList<>(site.snapshots.images());
    ends.add(site.server().feed().image(Instant.EPOCH));
    for (Stored<Task> one : acknowledged) {
      StateImage end = ends.stream().filter(image -> image.seq() >= one.seq()).findFirst().get();
      assertTrue(
          end.tasks().stream()
              .anyMatch(
                  task ->
                      task.entity().id().equals(one.entity().id())
                          && task.entity().revision() >= one.entity().revision()),
          one + " is not in the state of seq " + end.seq());
    }
    site.crashAndStart();
    assertEquals(ends.getLast().seq(), site.server().state().seq());
  }

  /** What the server finds out itself waits, however long a restore takes. */
  @Test
  void anEndThatComesMeanwhileIsRecordedAfterwards() throws Exception {
    TaskId id = site.hold(HELD);
    String then = snapshot();
    TaskId running = site.submit("sleep", "1000");
    SimulatedProcess process = site.process(running);
    site.storage().pause();
    Thread.startVirtualThread(new FutureTask<>(() -> rename(id, "under way")));
    Await.until("it is on its way", () -> site.storage().held() == 1);
    var restoring = new FutureTask<>(() -> restore(then, Running.ADOPT));
    Thread waiting = Thread.startVirtualThread(restoring);
    Await.until("the restore waits", () -> waiting.getState() == Thread.State.TIMED_WAITING);
    process.exit(5);
    var snapshot = new FutureTask<>(() -> site.server().snapshots().create(Reason.PERIODIC));
    Thread making = Thread.startVirtualThread(snapshot);
    Await.until("no snapshot is made", () -> making.getState() == Thread.State.WAITING);
    site.storage().resume();
    assertInstanceOf(Result.Restored.class, restoring.get());
    assertEquals(new Outcome.Exited(5), site.await(running, Name.FAILED).outcome());
    long begun = assertInstanceOf(Result.Restored.class, restoring.get()).seq();
    assertTrue(snapshot.get().seq() >= begun, "a snapshot of the new epoch has its state");
  }
}

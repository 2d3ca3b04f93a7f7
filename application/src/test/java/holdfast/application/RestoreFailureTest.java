package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.RestoreService.Result;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.restoration.Restoration.Running;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.TaskId;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What goes wrong while a restore prepares, and what goes on beside it. */
@Timeout(60)
class RestoreFailureTest {
  private Site site = Site.notStarted(1, 7);
  private TaskId task;
  private String then;
  private String epoch;

  /** A task that has changed since a snapshot. */
  @BeforeEach
  void start() throws InterruptedException {
    site = Site.notStarted(1, 7).start();
    task = site.hold(SpecDraft.of("true").title("then").spec());
    then = site.server().snapshots().create(Reason.MANUAL).id();
    rename("now");
    epoch = site.server().state().epoch();
  }

  @AfterEach
  void close() {
    site.close();
  }

  private void rename(String title) throws InterruptedException {
    Site.done(site.tasks().patch(task, _ -> SpecDraft.of("true").title(title).spec(), null));
  }

  private String title() {
    return site.task(task).spec().title();
  }

  private RestoreService service() {
    return site.server().restore();
  }

  private long madeBefore() {
    return site.snapshots.list().stream()
        .filter(snapshot -> snapshot.reason() == Reason.PRE_RESTORE)
        .count();
  }

  private static Result.Unavailable unavailable(CommitResult.Reason reason, Result result) {
    var unavailable = assertInstanceOf(Result.Unavailable.class, result);
    assertEquals(reason, unavailable.reason());
    assertTrue(unavailable.detail().contains("nothing was changed"), unavailable.detail());
    return unavailable;
  }

  /** The state is as it was, everybody is served, and a restore can be done. */
  private void assertNothingChanged(String title) throws InterruptedException {
    assertEquals(epoch, site.server().state().epoch());
    assertEquals(title, title());
    rename("goes on");
    assertEquals(site.server().state().seq(), site.server().sync().force().seq());
    site.server().snapshots().create(Reason.MANUAL);
    assertInstanceOf(Result.Restored.class, service().restore(then, Running.REFUSE));
    assertEquals("then", title());
    site.crashAndStart();
    assertEquals("then", title());
  }

  private static <T> FutureTask<T> begun(Callable<T> action) {
    var task = new FutureTask<>(action);
    Thread.ofPlatform().daemon().start(task);
    return task;
  }

  @Test
  void whatFailsWhileTheStateIsPreparedChangesNothing() throws InterruptedException {
    List<Throwable> failures =
        List.of(
            new OutOfMemoryError("planted"),
            new StackOverflowError("planted"),
            new IllegalStateException("planted"));
    for (Throwable planted : failures) {
      RestoreService failing = service().planningAfter(() -> fail(planted));
      IllegalStateException told =
          assertThrows(IllegalStateException.class, () -> failing.restore(then, Running.ADOPT));
      assertSame(planted, told.getCause());
      assertEquals(epoch, site.server().state().epoch());
      assertEquals("now", title());
      assertSame(planted, assertThrows(Throwable.class, () -> failing.plan(then)));
      assertInstanceOf(Result.Planned.class, service().plan(then));
    }
    assertNothingChanged("now");
  }

  private static void fail(Throwable failure) {
    switch (failure) {
      case Error error -> throw error;
      case RuntimeException exception -> throw exception;
      default -> throw new AssertionError(failure);
    }
  }

  @Test
  void ofTwoRestoresAndOfTwoDryRunsOneIsToldToWait() throws Exception {
    var gate = new CountDownLatch(1);
    var begun = new AtomicInteger();
    RestoreService slow =
        service()
            .planningAfter(
                () -> {
                  begun.incrementAndGet();
                  awaitUninterruptibly(gate);
                });
    FutureTask<Result> first = begun(() -> slow.restore(then, Running.REFUSE));
    Await.until("it prepares", () -> begun.get() == 1);
    FutureTask<Result> second = begun(() -> service().restore(then, Running.REFUSE));
    Await.until("the other one is answered", second::isDone);
    assertTrue(
        unavailable(CommitResult.Reason.BUSY, second.get()).detail().contains("another restore"));
    assertEquals(1, begun.get());
    FutureTask<Result> dryRun = begun(() -> slow.plan(then));
    Await.until("a dry run goes on beside it", () -> begun.get() == 2);
    FutureTask<Result> another = begun(() -> service().plan(then));
    Await.until("the other one is answered", another::isDone);
    assertEquals(
        CommitResult.Reason.BUSY,
        assertInstanceOf(Result.Unavailable.class, another.get()).reason());
    gate.countDown();
    assertInstanceOf(Result.Planned.class, dryRun.get());
    assertInstanceOf(Result.Restored.class, first.get());
    assertEquals(1, madeBefore());
    assertInstanceOf(Result.Restored.class, service().restore(then, Running.REFUSE));
  }

  @Test
  void withoutRoomForTheStateBeforeNothingIsChangedAndNothingGoesOn() throws Exception {
    var gate = new CountDownLatch(1);
    var begun = new AtomicInteger();
    var ended = new AtomicInteger();
    RestoreService slow =
        service()
            .planningAfter(
                () -> {
                  begun.incrementAndGet();
                  awaitUninterruptibly(gate);
                  ended.incrementAndGet();
                });
    site.snapshots.full(true);
    var result = new FutureTask<>(() -> slow.restore(then, Running.REFUSE));
    Thread restoring = Thread.ofPlatform().daemon().start(result);
    Await.until("it prepares", () -> begun.get() == 1);
    Await.until(
        "there was no room, and it waits or is over",
        () ->
            site.snapshots.refused() == 1
                && (result.isDone() || restoring.getState() == Thread.State.WAITING));
    assertFalse(result.isDone(), "what prepares is still at work");
    FutureTask<Result> another = begun(() -> service().restore(then, Running.REFUSE));
    Await.until("nobody is let in beside it", another::isDone);
    unavailable(CommitResult.Reason.BUSY, another.get());
    gate.countDown();
    unavailable(CommitResult.Reason.DISK_FULL, result.get());
    assertEquals(1, ended.get());
    assertEquals(0, madeBefore());
    unavailable(CommitResult.Reason.DISK_FULL, service().restore(then, Running.REFUSE));
    assertEquals("now", title());
    site.snapshots.full(false);
    assertNothingChanged("now");
  }

  private static void awaitUninterruptibly(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}

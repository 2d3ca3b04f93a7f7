package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.port.TaskStorage.Replacement;
import holdfast.domain.port.TaskStorage.Replacement.Replaced;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskEvent;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every {@link TaskStorage} promises. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
public abstract class TaskStorageContractTest {
  private final List<Committed> fed = new CopyOnWriteArrayList<>();
  private final List<Integer> calls = new CopyOnWriteArrayList<>();
  private TaskStorage storage;
  private Opened opened;

  /** A storage on the content that the storages of this test had before; empty at first. */
  protected abstract TaskStorage create();

  /** Ends the last storage as a killed server would. */
  protected abstract void crash();

  @BeforeEach
  void openFirst() {
    storage = create();
    opened = storage.open(this::feed);
  }

  @AfterEach
  void closeLast() {
    storage.close();
  }

  private void feed(List<Committed> changes) {
    fed.addAll(changes);
    calls.add(changes.size());
  }

  private void reopen() {
    fed.clear();
    calls.clear();
    storage = create();
    opened = storage.open(this::feed);
  }

  private CommitResult commit(Change... changes) throws InterruptedException {
    return storage.commit(List.of(changes), Origin.CLIENT).await();
  }

  @Test
  void firstOpenIsEmpty() {
    assertEquals(0, opened.seq());
    assertTrue(opened.tasks().isEmpty());
    assertEquals(RecoveryReport.Cause.FIRST_START, opened.replay().cause());
    assertTrue(opened.term() > 0);
  }

  @Test
  void doneCommitWasFedBeforeAndIsNumberedFromOne() throws InterruptedException {
    Change.PutTask change = SampleTasks.submit(1);
    assertEquals(new CommitResult.Done(1), commit(change));
    assertEquals(List.of(new Committed(1, change)), fed);
  }

  @Test
  void whatIsFedIsInTheHistoryAlready() throws InterruptedException {
    storage.close();
    fed.clear();
    storage = create();
    TaskStorage present = storage;
    storage.open(
        changes ->
            changes.forEach(
                change -> fed.addAll(present.history(change.change().key(), Long.MAX_VALUE, 1))));
    Change.PutTask change = SampleTasks.submit(1);
    commit(change);
    assertEquals(List.of(new Committed(1, change)), fed);
  }

  @Test
  void oneCommitIsFedInOneCall() throws InterruptedException {
    assertEquals(
        new CommitResult.Done(3),
        commit(SampleTasks.submit(1), SampleTasks.submit(2), SampleTasks.submit(3)));
    assertEquals(List.of(3), calls);
  }

  @Test
  void everyKindOfChangeSurvivesACrashExactly() throws InterruptedException {
    var life = SampleTasks.wholeLife(1);
    for (Change change : life) {
      assertInstanceOf(CommitResult.Done.class, commit(change));
    }
    Change.PutInitiative initiative = SampleTasks.initiative(5, "five");
    commit(initiative);
    crash();
    reopen();
    assertEquals(RecoveryReport.Cause.CRASH, opened.replay().cause());
    assertEquals(life.size() + 1L, opened.seq());
    Change.PutTask last = (Change.PutTask) life.getLast();
    assertEquals(List.of(new Stored<>(last.task(), life.size(), "canceled")), opened.tasks());
    assertEquals(
        List.of(new Stored<>(initiative.initiative(), life.size() + 1L, "created")),
        opened.initiatives());
    assertEquals(List.of(life.getFirst().idempotency()), opened.idempotency());
    List<Committed> history = storage.history(last.key(), Long.MAX_VALUE, 1_000);
    assertEquals(life.reversed(), history.stream().map(Committed::change).toList());
  }

  @Test
  void termGrowsAndLineageStays() {
    Opened first = opened;
    crash();
    reopen();
    assertTrue(opened.term() > first.term());
    assertEquals(first.instanceId(), opened.instanceId());
    assertEquals(first.epoch(), opened.epoch());
  }

  @Test
  void closeIsAClean() throws InterruptedException {
    commit(SampleTasks.submit(1));
    storage.close();
    storage.close();
    reopen();
    assertEquals(RecoveryReport.Cause.CLEAN, opened.replay().cause());
    assertEquals(1, opened.tasks().size());
  }

  @Test
  void closeCompletesWhatIsPending() throws InterruptedException {
    var pending = new ArrayList<PendingCommit>();
    for (int i = 0; i < 100; i++) {
      pending.add(storage.commit(List.of(SampleTasks.submit(i)), Origin.INTERNAL));
    }
    storage.close();
    for (PendingCommit commit : pending) {
      assertInstanceOf(CommitResult.Done.class, commit.await());
    }
    reopen();
    assertEquals(100, opened.tasks().size());
  }

  @Test
  void changeMayBuildOnAPendingOne() throws InterruptedException {
    Change.PutTask first = SampleTasks.submit(1);
    var released = SampleTasks.change(first.task(), new TaskEvent.Released(SampleTasks.NOON));
    storage.commit(List.of(first), Origin.CLIENT);
    PendingCommit second = storage.commit(List.of(released), Origin.CLIENT);
    assertEquals(new CommitResult.Done(2), second.await());
  }

  @Test
  void changeOfAnotherRevisionIsAConflictAndNothingIsWritten() throws InterruptedException {
    Change.PutTask first = SampleTasks.submit(1);
    var released = SampleTasks.change(first.task(), new TaskEvent.Released(SampleTasks.NOON));
    assertEquals(
        new CommitResult.Conflict(first.key(), 0), commit(SampleTasks.submit(2), released));
    commit(first);
    assertEquals(new CommitResult.Conflict(first.key(), 1), commit(first));
    commit(released);
    assertEquals(new CommitResult.Conflict(first.key(), 2), commit(released));
    assertEquals(2, fed.size());
    crash();
    reopen();
    assertEquals(1, opened.tasks().size());
    assertEquals(new CommitResult.Conflict(first.key(), 2), commit(released));
  }

  @Test
  void emptyCommitIsABarrier() throws InterruptedException {
    for (int i = 0; i < 50; i++) {
      storage.commit(List.of(SampleTasks.submit(i)), Origin.CLIENT);
    }
    assertEquals(new CommitResult.Done(50), commit());
    assertEquals(50, fed.size());
  }

  @Test
  void purgeLeavesATombstoneAndTheHistory() throws InterruptedException {
    Change.PutTask first = SampleTasks.submit(1);
    Change.PurgeTask purge = SampleTasks.purge(first.task());
    Change.PutInitiative initiative = SampleTasks.initiative(2, "two");
    var delete = new Change.DeleteInitiative(SampleTasks.initiativeId(2), 1, SampleTasks.NOON);
    commit(first, initiative);
    commit(purge, delete);
    crash();
    reopen();
    assertTrue(opened.tasks().isEmpty());
    assertTrue(opened.initiatives().isEmpty());
    assertEquals(
        List.of(
            new Tombstone(purge.key(), 3, purge.at()), new Tombstone(delete.key(), 4, delete.at())),
        opened.tombstones().stream().sorted(Comparator.comparingLong(Tombstone::seq)).toList());
    assertEquals(
        List.of(new Committed(3, purge), new Committed(1, first)),
        storage.history(first.key(), Long.MAX_VALUE, 10));
  }

  @Test
  void historyIsPagedNewestFirstAcrossRestarts() throws InterruptedException {
    Task task = SampleTasks.submit(1).task();
    commit(SampleTasks.submit(1));
    for (int i = 0; i < 20; i++) {
      if (i == 10) {
        crash();
        reopen();
      }
      TaskEvent event =
          i % 2 == 0
              ? new TaskEvent.Released(SampleTasks.NOON)
              : new TaskEvent.Held(SampleTasks.NOON);
      Change.PutTask change = SampleTasks.change(task, event);
      commit(change, SampleTasks.submit(100 + i));
      task = change.task();
    }
    EntityKey key = EntityKey.of(task.id());
    List<Committed> all = storage.history(key, Long.MAX_VALUE, 1_000);
    assertEquals(21, all.size());
    assertEquals(1, all.getLast().seq());
    assertEquals(all.subList(0, 5), storage.history(key, Long.MAX_VALUE, 5));
    assertEquals(all.subList(5, 8), storage.history(key, all.get(4).seq(), 3));
    assertTrue(storage.history(SampleTasks.submit(999).key(), Long.MAX_VALUE, 5).isEmpty());
  }

  @Test
  void changesBehindASeqAreReadInOrderAcrossRestarts() throws InterruptedException {
    var all = new ArrayList<Committed>();
    for (int i = 0; i < 30; i++) {
      if (i % 10 == 9) {
        crash();
        reopen();
      }
      Change first = SampleTasks.submit(i);
      Change second = SampleTasks.submit(100 + i);
      commit(first, second);
      all.add(new Committed(2L * i + 1, first));
      all.add(new Committed(2L * i + 2, second));
    }
    assertEquals(all, storage.changes(0, 1_000));
    assertEquals(all.subList(17, 60), storage.changes(17, 1_000));
    assertEquals(all.subList(17, 24), storage.changes(17, 7));
    assertTrue(storage.changes(60, 7).isEmpty());
  }

  @Test
  void concurrentCommitsAreOrderedWithoutGaps() throws InterruptedException {
    int threads = 8;
    int each = 200;
    var workers = new ArrayList<Thread>();
    for (int t = 0; t < threads; t++) {
      int first = t * each;
      workers.add(Thread.ofVirtual().start(() -> commitRange(first, first + each)));
    }
    for (Thread worker : workers) {
      worker.join();
    }
    assertEquals(threads * each, fed.size());
    for (int i = 0; i < fed.size(); i++) {
      assertEquals(i + 1L, fed.get(i).seq());
    }
    crash();
    reopen();
    assertEquals(threads * each, opened.tasks().size());
  }

  private void commitRange(int from, int to) {
    try {
      for (int i = from; i < to; i++) {
        assertInstanceOf(CommitResult.Done.class, commit(SampleTasks.submit(i)));
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void closedStorageRefuses() throws InterruptedException {
    storage.close();
    CommitResult result = commit(SampleTasks.submit(1));
    assertInstanceOf(CommitResult.Refused.class, result);
    assertEquals(CommitResult.Reason.CLOSED, ((CommitResult.Refused) result).reason());
    assertNotEquals("", ((CommitResult.Refused) result).detail());
  }

  /** A state that has the first of two tasks, as another revision, and not the second. */
  private StateImage another(long seq) throws InterruptedException {
    commit(SampleTasks.submit(1));
    commit(SampleTasks.submit(2));
    Task first = SampleTasks.submit(1).task();
    Task patched =
        SampleTasks.change(first, new TaskEvent.Patched(SampleTasks.NOON, first.spec())).task();
    return new StateImage(
        seq,
        SampleTasks.NOON,
        List.of(new Stored<>(patched, seq, "restored")),
        List.of(),
        List.of(new Tombstone(EntityKey.of(SampleTasks.id(9)), 1, SampleTasks.NOON)),
        List.of());
  }

  @Test
  void anotherStateTakesThePlaceOfThePresentOneAndOutlivesACrash() throws InterruptedException {
    StateImage next = another(20);
    Replaced replaced = assertInstanceOf(Replaced.class, storage.replace(2, next));
    assertNotEquals(opened.epoch(), replaced.epoch());
    assertEquals(List.of(), storage.history(EntityKey.of(SampleTasks.id(1)), Long.MAX_VALUE, 9));
    crash();
    String instance = opened.instanceId();
    reopen();
    assertEquals(replaced.epoch(), opened.epoch());
    assertEquals(instance, opened.instanceId());
    assertEquals(20, opened.seq());
    assertEquals(next.tasks(), opened.tasks());
    assertEquals(next.tombstones(), opened.tombstones());
  }

  @Test
  void whatIsCommittedAfterAReplacementBuildsUponIt() throws InterruptedException {
    StateImage next = another(20);
    assertInstanceOf(Replaced.class, storage.replace(2, next));
    Task now = next.tasks().getFirst().entity();
    Task then = SampleTasks.submit(1).task();
    Change.PutTask stale = SampleTasks.change(then, new TaskEvent.Held(SampleTasks.NOON));
    assertInstanceOf(CommitResult.Conflict.class, commit(stale));
    Change.PutTask change = SampleTasks.change(now, new TaskEvent.Held(SampleTasks.NOON));
    fed.clear();
    assertEquals(new CommitResult.Done(21), commit(change));
    // What the other state does not know may be made anew.
    assertEquals(new CommitResult.Done(22), commit(SampleTasks.submit(2)));
    assertEquals(List.of(21L, 22L), fed.stream().map(Committed::seq).toList());
    crash();
    reopen();
    assertEquals(22, opened.seq());
    assertEquals(2, opened.tasks().size());
  }

  @Test
  void whatWasMadeFromAnEarlierStateReplacesNothing() throws InterruptedException {
    StateImage next = another(20);
    Replacement.Refused refused =
        assertInstanceOf(Replacement.Refused.class, storage.replace(1, next));
    assertEquals(CommitResult.Reason.BUSY, refused.reason());
    assertEquals(new CommitResult.Done(3), commit(SampleTasks.submit(3)));
    crash();
    String epoch = opened.epoch();
    reopen();
    assertEquals(epoch, opened.epoch());
    assertEquals(3, opened.tasks().size());
  }

  @Test
  void anotherStateCanBeReplacedInItsTurn() throws InterruptedException {
    StateImage next = another(20);
    Replaced first = assertInstanceOf(Replaced.class, storage.replace(2, next));
    var then =
        new StateImage(30, SampleTasks.NOON, List.of(), List.of(), next.tombstones(), List.of());
    Replaced second = assertInstanceOf(Replaced.class, storage.replace(20, then));
    assertNotEquals(first.epoch(), second.epoch());
    storage.close();
    reopen();
    assertEquals(second.epoch(), opened.epoch());
    assertEquals(List.of(), opened.tasks());
    assertEquals(RecoveryReport.Cause.CLEAN, opened.replay().cause());
  }
}

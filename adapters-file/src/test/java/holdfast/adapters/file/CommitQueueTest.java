package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import holdfast.domain.port.Change;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.CommitResult.Reason;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.task.TaskEvent;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class CommitQueueTest {
  private static final int BYTES_MAX = 1 << 20;

  private final CommitQueue queue = new CommitQueue(new EntityHeads(), 1, 100, BYTES_MAX);

  private QueuedCommit put(Origin origin, Change... changes) {
    return queue.put(List.of(changes), origin);
  }

  private static Change.PutTask released(Change.PutTask submitted) {
    return SampleTasks.change(submitted.task(), new TaskEvent.Released(SampleTasks.NOON));
  }

  private List<QueuedCommit> take() throws InterruptedException {
    List<QueuedCommit> group = queue.take(BYTES_MAX, 0);
    return group == null ? List.of() : group;
  }

  private static List<Long> seqs(List<QueuedCommit> commits) {
    return commits.stream()
        .flatMap(commit -> commit.pending().stream())
        .map(pending -> pending.change().seq())
        .toList();
  }

  private static void assertDiskFull(QueuedCommit commit) throws InterruptedException {
    var refused = assertInstanceOf(CommitResult.Refused.class, commit.await());
    assertEquals(Reason.DISK_FULL, refused.reason());
  }

  @Test
  void fullDiskRefusesWaitingNewWorkAndWhatWasBuiltUponItAndRenumbersTheRest() throws Exception {
    Change.PutTask fact = SampleTasks.submit(1);
    Change.PutTask wish = SampleTasks.submit(2);
    Change.PutTask later = SampleTasks.submit(3);
    QueuedCommit new1 = put(Origin.CLIENT_NEW, wish);
    QueuedCommit fact1 = put(Origin.INTERNAL, fact);
    List<QueuedCommit> group = take();
    QueuedCommit onWish = put(Origin.CLIENT, released(wish));
    QueuedCommit onFact = put(Origin.CLIENT, released(fact));
    QueuedCommit new2 = put(Origin.CLIENT_NEW, later);
    QueuedCommit barrier = put(Origin.CLIENT_NEW);
    assertEquals(List.of(1L, 2L), seqs(group));

    assertEquals(List.of(fact1), queue.refuseNewWork(group));
    assertEquals(List.of(1L), seqs(List.of(fact1)));
    assertDiskFull(new1);
    assertDiskFull(new2);
    assertEquals(new CommitResult.Conflict(EntityKey.of(wish.task().id()), 0), onWish.await());
    List<QueuedCommit> queued = take();
    assertEquals(List.of(onFact, barrier), queued);
    assertEquals(List.of(2L), seqs(queued));
    assertEquals(1, onFact.pending().getFirst().change().previousSeq());

    assertDiskFull(put(Origin.CLIENT_NEW, later));
    queue.diskFull(false);
    assertEquals(List.of(3L), seqs(List.of(put(Origin.CLIENT_NEW, wish))));
  }

  @Test
  void durableChangesAreWhatRefusedOnesAreTakenBackTo() throws Exception {
    Change.PutTask first = SampleTasks.submit(1);
    QueuedCommit durable = put(Origin.CLIENT_NEW, first);
    take();
    durable.pending().forEach(EntityHeads.Pending::durable);
    QueuedCommit mixed = put(Origin.CLIENT_NEW, released(first), SampleTasks.submit(2));
    assertEquals(List.of(), queue.refuseNewWork(take()));
    assertDiskFull(mixed);
    QueuedCommit again = put(Origin.INTERNAL, released(first));
    assertEquals(List.of(2L), seqs(List.of(again)));
    assertEquals(1, again.pending().getFirst().change().previousSeq());
  }
}

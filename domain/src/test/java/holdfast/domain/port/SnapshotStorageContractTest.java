package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.SnapshotStorage.Deletion;
import holdfast.domain.port.SnapshotStorage.Loading;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.SnapshotStorage.Snapshot;
import holdfast.domain.port.SnapshotStorage.Verification;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What every {@link SnapshotStorage} promises. */
public abstract class SnapshotStorageContractTest {

  /** A storage without snapshots, whose history reaches at least seq 10. */
  protected abstract SnapshotStorage storage();

  private static StateImage image(long seq) {
    Change.PutTask submit = SampleTasks.submit(seq);
    Change.PutInitiative initiative = SampleTasks.initiative(900, "one");
    return new StateImage(
        seq,
        SampleTasks.NOON.plusSeconds(seq),
        List.of(new Stored<>(submit.task(), seq, submit.cause())),
        List.of(new Stored<>(initiative.initiative(), 1, initiative.cause())),
        List.of(new Tombstone(EntityKey.of(SampleTasks.id(901)), 2, SampleTasks.NOON)),
        List.of(SampleTasks.idempotency("task:k", submit.key())));
  }

  @Test
  void aSnapshotIsListedAsItWasMade() {
    Snapshot made = storage().save(image(5), Reason.MANUAL);
    assertEquals(5, made.seq());
    assertEquals(1, made.tasks());
    assertEquals(1, made.initiatives());
    assertEquals(Reason.MANUAL, made.reason());
    assertEquals(SampleTasks.NOON.plusSeconds(5), made.createdAt());
    assertTrue(made.verified());
    assertEquals(List.of(made), storage().list());
    assertEquals(made, storage().find(made.id()).orElseThrow());
    assertEquals(new Verification.Whole(made), storage().verify(made.id()));
    assertFalse(storage().wanted());
  }

  @Test
  void theStateThatOneHoldsIsReadAsItWasKept() {
    StateImage kept = image(5);
    Snapshot made = storage().save(kept, Reason.MANUAL);
    storage().save(image(7), Reason.MANUAL);
    assertEquals(new Loading.Loaded(kept), storage().load(made.id()));
  }

  @Test
  void theNewestComesFirstAndTheNewestTwoStay() {
    Snapshot first = storage().save(image(3), Reason.PERIODIC);
    Snapshot second = storage().save(image(5), Reason.PERIODIC);
    Snapshot third = storage().save(image(7), Reason.SHUTDOWN);
    assertEquals(List.of(third, second, first), storage().list());
    assertInstanceOf(Deletion.Needed.class, storage().delete(third.id()));
    assertInstanceOf(Deletion.Needed.class, storage().delete(second.id()));
    assertInstanceOf(Deletion.Deleted.class, storage().delete(first.id()));
    assertEquals(List.of(third, second), storage().list());
    assertInstanceOf(Deletion.NoSuchSnapshot.class, storage().delete(first.id()));
  }

  @Test
  void twoOfTheSameSeqAreTwo() {
    Snapshot first = storage().save(image(5), Reason.MANUAL);
    Snapshot second = storage().save(image(5), Reason.MANUAL);
    assertEquals(2, storage().list().size());
    assertFalse(first.id().equals(second.id()));
  }

  @Test
  void whatNeverWasIsNotFound() {
    for (String id : List.of("", "../INSTANCE", "20260101T000000.000Z-1-1", "\u0000")) {
      assertTrue(storage().find(id).isEmpty());
      assertEquals(new Verification.NoSuchSnapshot(), storage().verify(id));
      assertEquals(new Deletion.NoSuchSnapshot(), storage().delete(id));
      assertEquals(new Loading.NoSuchSnapshot(), storage().load(id));
    }
  }
}

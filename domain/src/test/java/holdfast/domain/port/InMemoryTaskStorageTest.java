package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class InMemoryTaskStorageTest extends TaskStorageContractTest {
  private final InMemoryTaskStorage.Content content = new InMemoryTaskStorage.Content();
  private InMemoryTaskStorage last = new InMemoryTaskStorage(content);

  @Override
  protected TaskStorage create() {
    last = new InMemoryTaskStorage(content);
    return last;
  }

  @Override
  protected void crash() {
    last.crash();
  }

  @Test
  void whatIsPendingAtACrashIsUnknownAndLost() throws InterruptedException {
    last.pause();
    PendingCommit pending =
        last.commit(List.of(SampleTasks.submit(1)), TaskStorage.Origin.CLIENT_NEW);
    last.crash();
    assertInstanceOf(CommitResult.Unknown.class, pending.await());
    assertTrue(content.log().isEmpty());
  }

  @Test
  void refusalIsForClientsOnly() throws InterruptedException {
    last.refuse(CommitResult.Reason.DISK_FULL);
    assertInstanceOf(
        CommitResult.Refused.class,
        last.commit(List.of(SampleTasks.submit(1)), TaskStorage.Origin.CLIENT_NEW).await());
    assertEquals(
        new CommitResult.Done(1),
        last.commit(List.of(SampleTasks.submit(1)), TaskStorage.Origin.INTERNAL).await());
  }
}

package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.NioDisk;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.CommitResult.Reason;
import holdfast.domain.port.Committed;
import holdfast.domain.port.PendingCommit;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.TaskStorage;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.port.TaskStorage.Room;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A disk that fails or is full. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class DiskFaultIT {
  @TempDir private Path directory;
  private final FaultyDisk disk = new FaultyDisk(new NioDisk());
  private final List<Throwable> fatal = new CopyOnWriteArrayList<>();
  private final List<Committed> fed = new CopyOnWriteArrayList<>();

  private FileStorage open() {
    return FileStorage.open(
        FileStorageSettings.of(
                directory.resolve("data"), InstantSource.fixed(SampleTasks.NOON), fatal::add)
            .with(FileStorageSettings.Sizes.USUAL.withSegmentBytes(64 << 10).withDiskReserve(0)),
        disk);
  }

  private static CommitResult commit(TaskStorage storage, int n, Origin origin)
      throws InterruptedException {
    return storage.commit(List.of(SampleTasks.submit(n)), origin).await();
  }

  @Test
  void nothingIsAcknowledgedAfterAFailedForce() throws InterruptedException {
    try (FileStorage files = open()) {
      TaskStorage storage = files.taskStorage();
      storage.open(fed::addAll);
      assertEquals(new CommitResult.Done(1), commit(storage, 1, Origin.CLIENT));
      disk.breakForces();
      assertInstanceOf(CommitResult.Unknown.class, commit(storage, 2, Origin.CLIENT));
      var refused =
          assertInstanceOf(CommitResult.Refused.class, commit(storage, 3, Origin.INTERNAL));
      assertEquals(Reason.CLOSED, refused.reason());
      while (fatal.isEmpty()) {
        Thread.onSpinWait();
      }
      assertEquals(1, fatal.size());
      assertEquals(1, fed.size());
      assertNotNull(storage.condition().impairment());
    }
    try (FileStorage files = reopenSound()) {
      TaskStorage.Opened opened = files.taskStorage().open(_ -> {});
      assertTrue(opened.seq() == 1 || opened.seq() == 2, "seq " + opened.seq());
    }
  }

  @Test
  void aDiskThatDoesNotAnswerAndAPlaceThatIsGoneAreToldWhileTheStorageGoesOn() throws Exception {
    Path data = directory.resolve("data");
    Path state = data.resolve("state");
    Path aside = directory.resolve("aside");
    try (FileStorage files = open()) {
      TaskStorage storage = files.taskStorage();
      storage.open(fed::addAll);
      assertEquals(
          List.of(state + "/journal", state + "/recovery/journal"), storage.condition().copies());
      assertEquals(List.of("state", "logs"), storage.rooms().stream().map(Room::name).toList());
      assertEquals(Duration.ZERO, storage.condition().waiting());
      var answers = new CountDownLatch(1);
      disk.hangForces(answers);
      PendingCommit waits = storage.commit(List.of(SampleTasks.submit(1)), Origin.CLIENT);
      try {
        await(() -> storage.condition().waiting().compareTo(Duration.ofMillis(50)) > 0);
      } finally {
        answers.countDown();
      }
      assertEquals(new CommitResult.Done(1), waits.await());
      await(() -> storage.condition().waiting().isZero());
      Files.move(state, aside);
      await(() -> storage.condition().trouble() != null);
      Room gone = storage.rooms().getFirst();
      assertEquals(state.toString(), gone.place());
      assertNotNull(gone.trouble());
      Files.move(aside, state);
      await(() -> storage.condition().impairment() == null);
      assertNull(storage.rooms().getFirst().trouble());
      assertTrue(fatal.isEmpty(), fatal.toString());
    }
  }

  private static void await(BooleanSupplier condition) {
    long limit = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < limit, "waited in vain");
      Thread.onSpinWait();
    }
  }

  private FileStorage reopenSound() {
    return FileStorage.open(
        FileStorageSettings.of(
                directory.resolve("data"), InstantSource.fixed(SampleTasks.NOON), fatal::add)
            .with(FileStorageSettings.Sizes.USUAL.withSegmentBytes(64 << 10)));
  }

  @Test
  void fullDiskRefusesNewWorkLetsFactsWaitAndGoesOnByItself() throws Exception {
    try (FileStorage files = open()) {
      TaskStorage storage = files.taskStorage();
      storage.open(fed::addAll);
      disk.full(true);
      int n = 0;
      while (storage.condition().impairment() == null) {
        assertTrue(n < 100_000, "the disk is never full");
        storage.commit(List.of(SampleTasks.submit(n++)), Origin.CLIENT);
      }
      var refused =
          assertInstanceOf(
              CommitResult.Refused.class,
              storage.commit(List.of(SampleTasks.submit(n)), Origin.CLIENT_NEW).await());
      assertEquals(Reason.DISK_FULL, refused.reason());
      PendingCommit fact = null;
      for (int i = 0; i < 40; i++) {
        fact = storage.commit(List.of(SampleTasks.submit(n++)), Origin.INTERNAL);
      }
      disk.full(false);
      assertNotNull(fact);
      assertInstanceOf(CommitResult.Done.class, fact.await());
      long limit = System.nanoTime() + Duration.ofSeconds(20).toNanos();
      while (commit(storage, n, Origin.CLIENT_NEW) instanceof CommitResult.Refused
          && System.nanoTime() < limit) {
        Thread.onSpinWait();
      }
      assertNull(storage.condition().impairment());
      assertTrue(fatal.isEmpty());
    }
  }

  @Test
  void newWorkAcceptedJustBeforeTheDiskFillsIsRefusedAndFactsWait() throws Exception {
    var held = new CountDownLatch(1);
    try (FileStorage files = open()) {
      TaskStorage storage = files.taskStorage();
      storage.open(
          changes -> {
            awaitUninterruptibly(held);
            fed.addAll(changes);
          });
      // The first is being delivered while the others gather: more than the segments can take.
      var wishes = new ArrayList<PendingCommit>();
      for (int n = 0; n < 1_000; n++) {
        wishes.add(storage.commit(List.of(SampleTasks.submit(n)), Origin.CLIENT_NEW));
      }
      PendingCommit fact = storage.commit(List.of(SampleTasks.submit(5_000)), Origin.INTERNAL);
      disk.full(true);
      held.countDown();
      int done = 0;
      int refused = 0;
      for (PendingCommit wish : wishes) {
        switch (wish.await()) {
          case CommitResult.Done _ -> done++;
          case CommitResult.Refused(Reason reason, String _) when reason == Reason.DISK_FULL ->
              refused++;
          case CommitResult other -> throw new AssertionError(other);
        }
      }
      assertTrue(done > 0 && refused > 0, done + " done, " + refused + " refused");
      disk.full(false);
      assertEquals(new CommitResult.Done(done + 1L), fact.await());
      for (int i = 0; i < fed.size(); i++) {
        assertEquals(i + 1L, fed.get(i).seq(), "no gap where the refused ones were");
      }
    }
    try (FileStorage files = reopenSound()) {
      assertEquals(fed.size(), files.taskStorage().open(_ -> {}).tasks().size());
    }
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}

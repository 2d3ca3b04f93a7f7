package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.EventFeed.Topic;
import holdfast.application.FeedFilter;
import holdfast.application.RestoreService.Result;
import holdfast.application.Subscription;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.restoration.Restoration.Running;
import holdfast.domain.task.TaskId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Restores beside everything else that goes on: commands, state files being written, snapshots,
 * rounds of the scrub. What each of them leaves behind is of one state, and of its epoch.
 */
@Timeout(120)
class OnlineRestoreIT {
  private static final int TASKS = 40;
  private static final int RESTORES = 6;

  @TempDir private Path scratch;
  private final AtomicBoolean over = new AtomicBoolean();
  private final List<FutureTask<?>> beside = new ArrayList<>();

  private void again(Callable<?> action) {
    var task =
        new FutureTask<>(
            () -> {
              while (!over.get()) {
                action.call();
              }
              return null;
            });
    beside.add(task);
    Thread.ofPlatform().daemon().start(task);
  }

  @Test
  void whatGoesOnBesideRestoresIsOfOneState() throws Exception {
    Path data = scratch.resolve("data");
    List<Subscription.Start> last = new ArrayList<>();
    try (CoreOnDisk server = CoreOnDisk.start(data, InstantSource.system())) {
      var ids = new ArrayList<TaskId>();
      for (int i = 0; i < TASKS; i++) {
        ids.add(server.hold("then " + i));
      }
      String then = server.core().snapshots().create(Reason.MANUAL).id();
      again(() -> server.hold("later"));
      again(
          () -> {
            server.rename(ids.get((int) (System.nanoTime() % TASKS)), "now");
            return null;
          });
      again(() -> server.core().sync().force());
      again(() -> server.core().scrub().round());
      // Not so many that the one to be restored makes way for them.
      var wanted = new Semaphore(0);
      again(
          () ->
              wanted.tryAcquire(10, TimeUnit.MILLISECONDS)
                  ? server.core().snapshots().create(Reason.PERIODIC)
                  : null);
      for (int i = 0; i < RESTORES; i++) {
        long seq = server.core().state().seq();
        Await.until(
            () -> server.core().state().seq(), now -> now > seq + 20, Duration.ofSeconds(20));
        wanted.release();
        assertInstanceOf(
            Result.Restored.class, server.core().restore().restore(then, Running.REFUSE));
      }
      over.set(true);
      for (FutureTask<?> one : beside) {
        one.get();
      }
      Result.Restored done =
          assertInstanceOf(
              Result.Restored.class, server.core().restore().restore(then, Running.REFUSE));
      assertEquals(done.seq(), server.core().sync().force().seq());
      for (int i = 0; i < TASKS; i++) {
        String file = Files.readString(server.file(ids.get(i)));
        assertTrue(file.contains("then " + i), file);
      }
      assertEquals(List.of(), server.scrub());
      List<Finding> found = server.core().sync().findings();
      assertEquals(List.of(), found, "nothing was found that does not belong");
      assertEquals(List.of(), server.core().scrub().mended());
      last.add(tasks(server));
    }
    // What was made of a former state beside a restore must not be what a start goes on from.
    try (CoreOnDisk server = CoreOnDisk.start(data, InstantSource.system())) {
      assertEquals(List.of(), server.foundAtStart());
      assertEquals(last, List.of(tasks(server)));
      assertEquals(List.of(), server.core().scrub().mended());
    }
  }

  private static Subscription.Start tasks(CoreOnDisk server) {
    try (Subscription all =
        server.core().feed().subscribe(Topic.TASKS, FeedFilter.ALL, null, () -> {})) {
      return all.start();
    }
  }
}

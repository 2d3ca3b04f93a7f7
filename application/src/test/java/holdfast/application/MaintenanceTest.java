package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.EntityKey;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sync, snapshots and scrub, on storage in memory. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class MaintenanceTest {
  private static final TaskSpec SPEC = SpecDraft.of("true").spec();

  @Test
  void anImageHoldsEverythingUpToItsSeqAndNothingBehindIt() throws Exception {
    try (Site site = Site.started(1)) {
      var stop = new AtomicBoolean();
      var writers = new ArrayList<Thread>();
      for (int i = 0; i < 4; i++) {
        writers.add(Thread.startVirtualThread(() -> holdUntil(site, stop)));
      }
      for (int i = 0; i < 50; i++) {
        site.server().snapshots().create(Reason.MANUAL);
      }
      stop.set(true);
      for (Thread writer : writers) {
        writer.join();
      }
      for (StateImage image : site.snapshots.images()) {
        // Each change here makes one task: as many as seqs, each with its own.
        assertEquals(image.seq(), image.tasks().stream().mapToLong(Stored::seq).distinct().count());
        assertTrue(image.tasks().stream().allMatch(task -> task.seq() <= image.seq()));
      }
    }
  }

  private static void holdUntil(Site site, AtomicBoolean stop) {
    try {
      while (!stop.get()) {
        site.hold(SPEC);
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whenForcedEverythingAcknowledgedIsInTheStateFiles() throws Exception {
    try (Site site = Site.started(1)) {
      var ids = new ArrayList<TaskId>();
      for (int i = 0; i < 600; i++) {
        ids.add(site.hold(SPEC));
      }
      site.server().sync().force();
      SyncService.Status status = site.server().sync().status();
      assertEquals(0, status.dirty());
      assertEquals(status.seq(), status.checkpoint());
      for (TaskId id : ids) {
        assertEquals(site.task(id), stored(site, id).entity());
      }
    }
  }

  private static Stored<?> stored(Site site, TaskId id) {
    return site.stateFiles.copies().get(EntityKey.of(id));
  }

  @Test
  void syncThatFailsIsShownAndTriedAgainAndNothingIsForgotten() throws Exception {
    try (Site site = Site.started(1)) {
      TaskId id = site.hold(SPEC);
      site.stateFiles.fail(true);
      assertThrows(StorageException.class, () -> site.server().sync().force());
      assertEquals(1, site.server().sync().status().dirty());
      assertTrue(site.server().health().ready(), "tasks are taken all the same");
      site.stateFiles.fail(false);
      site.server().sync().force();
      Task expected = site.task(id);
      assertEquals(expected, stored(site, id).entity());
    }
  }

  @Test
  void theScrubReportsWhatWasMendedAndShowsWhatCannotBe() throws Exception {
    try (Site site = Site.started(1)) {
      Scrub scrub = site.server().scrub();
      // The round that begins with the server must not come in between.
      Await.until("a round is over", () -> scrub.progress().completedAt() != null);
      long before = scrub.progress().mended();
      site.scrubbing.damage(new Mended("here", "is damaged", "there", "aside"));
      scrub.round();
      assertEquals(before + 1, scrub.progress().mended());
      assertEquals("here", scrub.mended().getLast().place());
      assertTrue(scrubOf(site).up());
      site.scrubbing.damage(new Mended("here", "is gone", null, null));
      scrub.round();
      assertFalse(scrubOf(site).up());
      assertTrue(scrubOf(site).message().contains("here is gone"), scrubOf(site).message());
    }
  }

  private static HealthReport.Check scrubOf(Site site) {
    List<HealthReport.Check> checks = site.server().health().checks();
    return checks.stream().filter(check -> check.name().equals("scrub")).findFirst().orElseThrow();
  }

  @Test
  void theScrubBringsBackACopyThatIsGone() throws Exception {
    try (Site site = Site.started(1)) {
      TaskId id = site.hold(SPEC);
      site.server().sync().force();
      site.server().scrub().round();
      long before = site.server().scrub().progress().mended();
      site.stateFiles.lose(EntityKey.of(id));
      site.server().scrub().round();
      assertEquals(site.task(id), stored(site, id).entity());
      assertEquals(1, site.server().sync().status().findings());
      assertEquals(before + 1, site.server().scrub().progress().mended());
      assertEquals("memory", site.server().scrub().mended().getLast().source());
      String message = scrubOf(site).message();
      assertTrue(message.contains(before + 1 + " mended"), message);
      assertTrue(message.contains("a round every 600 seconds, at most 16 MiB"), message);
    }
  }

  @Test
  void theLastSnapshotIsMadeOnlyIfSomethingHasChanged() throws Exception {
    try (Site site = Site.started(1)) {
      site.hold(SPEC);
      site.server().close();
      site.server().finalSync();
      site.server().finalSnapshot();
      site.server().finalSnapshot();
      assertEquals(1, site.snapshots.images().size());
      assertEquals(Reason.SHUTDOWN, site.snapshots.list().getFirst().reason());
    }
  }
}

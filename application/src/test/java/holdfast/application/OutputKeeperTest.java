package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.SimulatedProcess;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState.Name;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Copies and seals of outputs, on storage in memory. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class OutputKeeperTest {

  private static TaskId printed(Site site, String text) throws InterruptedException {
    // The round that begins with the server must not come in between.
    Await.until("a round is over", () -> site.server().scrub().progress().completedAt() != null);
    TaskId id = site.submit("printf", text);
    site.await(id, Name.SUCCEEDED);
    return id;
  }

  private static Output merged(Site site, TaskId id) {
    return new Output(site.lastRun(id), OutputStreamName.MERGED);
  }

  private static Attempt attempt(Site site, TaskId id) {
    return site.task(id).attempts().getLast();
  }

  private static void awaitSealed(Site site, TaskId id, long bytes) {
    Await.until(
        id + " is sealed with " + bytes + " bytes",
        () -> {
          var seal = attempt(site, id).seals().get(OutputStreamName.MERGED);
          return seal != null
              && seal.bytes() == bytes
              && attempt(site, id).isSealed(OutputStreamName.MERGED);
        });
  }

  private static String read(Site site, TaskId id) {
    var opened =
        (Outputs.Opening.Opened) site.server().outputs().open(id, null, OutputStreamName.MERGED);
    try (Following following = opened.following()) {
      ByteBuffer target = ByteBuffer.allocate(1_000);
      int bytes = following.read(0, target);
      return new String(target.array(), 0, bytes, StandardCharsets.UTF_8);
    }
  }

  @Test
  void outputIsSealedWhenItsAttemptIsOver() throws Exception {
    try (Site site = Site.started(1)) {
      TaskId id = printed(site, "text");
      awaitSealed(site, id, 4);
      assertEquals("output-sealed", stored(site, id));
      assertEquals(0, site.server().outputKeeper().status().unsealed());
    }
  }

  private static String stored(Site site, TaskId id) {
    return ((Lookup.Found<holdfast.domain.port.TaskStorage.Stored<holdfast.domain.task.Task>>)
            site.server().state().task(id))
        .value()
        .cause();
  }

  @Test
  void outputThatACrashKeptFromBeingSealedIsSealedByTheNextServer() throws Exception {
    try (Site site = Site.started(1)) {
      site.outputs.fail(true);
      TaskId id = printed(site, "text");
      site.crash();
      site.outputs.fail(false);
      site.start();
      awaitSealed(site, id, 4);
    }
  }

  @Test
  void lateOutputIsSealedAnew() throws Exception {
    try (Site site = Site.started(1)) {
      TaskId id = printed(site, "text");
      awaitSealed(site, id, 4);
      RunRef run = site.lastRun(id);
      site.outputs.write(run, OutputStreamName.MERGED, "late".getBytes(StandardCharsets.UTF_8));
      site.server().scrub().round();
      awaitSealed(site, id, 8);
      site.outputs.damageRaw(merged(site, id), 6);
      assertEquals("textlate", read(site, id));
    }
  }

  @Test
  void damageOfEitherCopyIsMendedByTheScrubAndReported() throws Exception {
    try (Site site = Site.started(1)) {
      TaskId id = printed(site, "text");
      awaitSealed(site, id, 4);
      site.outputs.damageRaw(merged(site, id), 1);
      site.server().scrub().round();
      site.outputs.damageCopy(merged(site, id), 1);
      Scrub.Progress progress = site.server().scrub().round();
      assertEquals(2, progress.mended());
      assertEquals(0, progress.unmendable());
      assertEquals("text", read(site, id));
      assertEquals(2, site.server().scrub().round().mended());
    }
  }

  @Test
  void damageThatAReaderMeetsIsMendedForItAndReported() throws Exception {
    try (Site site = Site.started(1)) {
      TaskId id = printed(site, "text");
      awaitSealed(site, id, 4);
      site.outputs.damageRaw(merged(site, id), 1);
      assertEquals("text", read(site, id));
      assertEquals(1, site.server().scrub().progress().mended());
    }
  }

  @Test
  void damageOfBothCopiesIsShown() throws Exception {
    try (Site site = Site.started(1)) {
      TaskId id = printed(site, "text");
      awaitSealed(site, id, 4);
      site.outputs.damageRaw(merged(site, id), 1);
      site.outputs.damageCopy(merged(site, id), 2);
      assertEquals(1, site.server().scrub().round().unmendable());
      assertFalse(check(site, "scrub").up());
      assertTrue(site.server().health().ready(), "the server goes on all the same");
    }
  }

  private static HealthReport.Check check(Site site, String name) {
    List<HealthReport.Check> checks = site.server().health().checks();
    return checks.stream().filter(check -> check.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void copyThatCannotBeWrittenIsShownAndMadeUpFor() throws Exception {
    try (Site site = Site.started(1)) {
      site.outputs.fail(true);
      TaskId id = printed(site, "text");
      Await.until("health tells", () -> !check(site, "outputs").up());
      assertTrue(check(site, "outputs").message().contains("full"));
      assertTrue(site.server().health().ready(), "tasks run all the same");
      site.outputs.fail(false);
      awaitSealed(site, id, 4);
      Await.until("health has forgotten", () -> check(site, "outputs").up());
    }
  }

  @Test
  void taskWithoutOutputNeedsNoSeal() throws Exception {
    try (Site site = Site.started(1)) {
      TaskId id = printed(site, "");
      Await.until("it was looked at", () -> site.server().outputKeeper().status().unsealed() == 0);
      assertEquals("attempt-ended", stored(site, id));
    }
  }

  @Test
  void earlierAttemptsAreSealedWhileALaterOneRuns() throws Exception {
    try (Site site = Site.started(1)) {
      site.outputs.fail(true);
      TaskId id = printed(site, "one");
      Site.done(site.tasks().command(id, new holdfast.domain.task.TaskCommand.Retry(), null));
      Await.until("the second attempt is over", () -> site.task(id).attempts().size() == 2);
      site.await(id, Name.SUCCEEDED);
      site.outputs.fail(false);
      awaitSealed(site, id, 3);
      Await.until(
          "the first is sealed",
          () -> site.task(id).attempts().getFirst().isSealed(OutputStreamName.MERGED));
    }
  }

  @Test
  void oldOutputIsPackedOnceNothingCanWriteToItAnyMore() throws Exception {
    try (Site site = Site.started(1)) {
      TaskId id = printed(site, "text");
      awaitSealed(site, id, 4);
      Output output = merged(site, id);
      Instant ended = attempt(site, id).endedAt();
      site.server().outputKeeper().seals().packIfEndedBefore(output, ended);
      assertEquals(Set.of(), site.outputs.packed());
      site.server().outputKeeper().seals().packIfEndedBefore(output, ended.plusSeconds(1));
      assertEquals(Set.of(output), site.outputs.packed());
    }
  }

  @Test
  void outputThatWasLostBeforeItsEndIsSealedAsItWasCopied() throws Exception {
    try (Site site = Site.started(1)) {
      site.world.program("waits", _ -> {});
      TaskId id = site.submit("waits");
      SimulatedProcess process = site.process(id);
      Output output = merged(site, id);
      site.outputs.write(output.run(), output.stream(), "text".getBytes(StandardCharsets.UTF_8));
      Await.until("it is copied", () -> site.outputs.copied(output) == 4);
      site.outputs.loseRaw(output);
      process.exit(0);
      awaitSealed(site, id, 4);
      assertEquals("text", read(site, id));
    }
  }

  @Test
  void followerOfALiveOutputReadsWhatIsSealedAsCheckedFromThenOn() throws Exception {
    try (Site site = Site.started(1)) {
      site.world.program("waits", _ -> {});
      TaskId id = site.submit("waits");
      SimulatedProcess process = site.process(id);
      Output output = merged(site, id);
      site.outputs.write(output.run(), output.stream(), "text".getBytes(StandardCharsets.UTF_8));
      var opened = (Outputs.Opening.Opened) site.server().outputs().open(id, null, null);
      try (Following following = opened.following()) {
        assertEquals(4, following.end());
        process.exit(0);
        awaitSealed(site, id, 4);
        site.outputs.damageRaw(output, 1);
        ByteBuffer target = ByteBuffer.allocate(4);
        assertEquals(4, following.read(0, target));
        assertEquals("text", new String(target.array(), StandardCharsets.UTF_8));
      }
    }
  }
}

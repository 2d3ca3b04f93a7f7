package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.WholeServer.Habit;
import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.disk.SimulatedDisk.Fate;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.RecoveryReport.Cause;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Crashes of journal, snapshots, state files, retirement and restores together: whatever the
 * moment, the next start serves everything acknowledged, of what was under way all or nothing, and
 * nothing that another crash takes back.
 */
class WholeServerCrashTest {
  private static final int STEPS = 30;
  private static final int RESTORES_ONE_IN = 12;

  private final long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private long states;

  /** Ends a start in the middle. */
  private static final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Crash() {
      super(null, null, false, false);
    }
  }

  @Test
  void noCrashTakesBackWhatWasAcknowledgedOrServed() throws IOException {
    run(6_000);
  }

  private void assertCaught(UnaryOperator<Disk> mutant) {
    assertCaught(mutant, Habit.SOUND);
  }

  private void assertCaught(UnaryOperator<Disk> mutant, Habit habit) {
    assertThrows(
        AssertionError.class,
        () -> {
          while (states < 3_000) {
            history(mutant, habit);
          }
        },
        () -> "seed " + seed);
  }

  @Test
  void moveInTwoStepsIsCaught() {
    assertCaught(WithTwoStepRename::new);
  }

  @Test
  void checkpointBeforeTheStateFilesIsCaught() {
    assertCaught(UnaryOperator.identity(), Habit.CHECKPOINTS_FIRST);
  }

  @Test
  void snapshotsThatAreNotForcedAreCaught() {
    Path snapshots = WholeServer.LAYOUT.snapshots();
    Path twins = WholeServer.LAYOUT.snapshotTwins();
    assertCaught(disk -> new WithoutForce(disk, snapshots, twins));
  }

  @Test
  void stateFilesThatAreNotForcedAreCaught() {
    assertCaught(disk -> new WithoutForce(disk, WholeServer.LAYOUT.tasks()));
  }

  @Test
  void skippingTheDirectorySyncIsCaught() {
    assertCaught(WithoutDirectorySync::new);
  }

  @Test
  @Tag("long")
  void noCrashOfVeryManyTakesBackWhatWasAcknowledgedOrServed() throws IOException {
    run(2_000_000);
  }

  private void run(long statesMin) throws IOException {
    System.out.println("WholeServerCrashTest seed " + seed);
    while (states < statesMin) {
      history(UnaryOperator.identity(), Habit.SOUND);
    }
    System.out.println("WholeServerCrashTest " + states + " crash states");
    assertTrue(states >= statesMin);
  }

  private void history(UnaryOperator<Disk> engine, Habit habit) throws IOException {
    var disk = new SimulatedDisk(WholeServer.ROOT);
    var steps = new WholeServerSteps(random);
    WholeServer[] server = {null};
    disk.onOperation(
        () -> {
          if (server[0] != null && random.nextInt(6) == 0) {
            crash(disk, server[0]);
          }
        });
    server[0] = WholeServer.on(engine.apply(disk), random, habit);
    for (int i = 0; i < STEPS; i++) {
      List<String> snapshots = server[0].snapshotIds();
      if (!snapshots.isEmpty() && random.nextInt(RESTORES_ONE_IN) == 0) {
        server[0].restoreWhileServing(snapshots.get(random.nextInt(snapshots.size())));
      } else {
        steps.step(server[0]);
      }
      if (random.nextInt(12) == 0) {
        server[0].end();
        // While it starts, what it must find is what the one before it knew.
        server[0] = WholeServer.on(engine.apply(disk), random, habit);
      }
    }
  }

  private void crash(SimulatedDisk disk, WholeServer server) {
    SimulatedDisk found =
        switch (random.nextInt(4)) {
          case 0 -> disk.afterKill();
          case 1 -> disk.afterPowerCut(() -> Fate.DROPPED, random);
          default -> disk.afterPowerCut(() -> CrashEnumeration.anyFate(random), random);
        };
    if (random.nextInt(4) == 0) {
      crashWhileStarting(found);
      found = found.afterPowerCut(() -> CrashEnumeration.anyFate(random), random);
    }
    StateImage served = serve(found, server);
    StateImage acknowledged = server.image();
    if (!served.equals(acknowledged) && !served.equals(server.imageWithInFlight())) {
      throw violation(
          server, "served seq " + served.seq() + ": " + difference(acknowledged, served));
    }
    SimulatedDisk later = found.afterPowerCut(() -> CrashEnumeration.anyFate(random), random);
    StateImage again = serve(later, server);
    if (!again.equals(served)) {
      throw violation(server, "a crash after the start took back: " + difference(served, again));
    }
  }

  private void crashWhileStarting(SimulatedDisk found) {
    int last = found.operations() + random.nextInt(30);
    found.onOperation(
        () -> {
          if (found.operations() >= last) {
            throw new Crash();
          }
        });
    try {
      WholeServer.on(found, random);
    } catch (Crash _) {
      states++;
    } catch (IOException | StorageException e) {
      throw new AssertionError("a start was refused (seed " + seed + "): " + e, e);
    }
    found.onOperation(() -> {});
  }

  private StateImage serve(SimulatedDisk disk, WholeServer server) {
    states++;
    try {
      WholeServer started = WholeServer.on(disk, random);
      List<Finding> findings = started.stateFileFindings();
      if (!findings.isEmpty()) {
        throw violation(server, "a crash alone damaged state files: " + findings);
      }
      if (started.started().cause() == Cause.FULL) {
        throw violation(server, "a crash alone took a manifest: " + started.started().healed());
      }
      if (random.nextBoolean()) {
        // What the crashed server wrote and did not force must not pass for durable now.
        started.sync();
      }
      return started.image();
    } catch (IOException | RuntimeException e) {
      throw new AssertionError(
          "the start was refused (" + server + ", seed " + seed + "): " + e, e);
    }
  }

  private AssertionError violation(WholeServer server, String what) {
    return new AssertionError(what + " (" + server + ", seed " + seed + ")");
  }

  static String difference(StateImage expected, StateImage found) {
    if (expected.seq() != found.seq()) {
      return "seq " + expected.seq() + " expected, " + found.seq() + " found";
    }
    return "tasks equal: "
        + expected.tasks().equals(found.tasks())
        + ", initiatives: "
        + expected.initiatives().equals(found.initiatives())
        + ", tombstones: "
        + expected.tombstones().equals(found.tombstones())
        + ", keys: "
        + expected.idempotency().equals(found.idempotency());
  }
}

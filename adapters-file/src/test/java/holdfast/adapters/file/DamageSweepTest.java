package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.domain.port.StateImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Any one file may die: every file that a server has written is deleted, cut, zeroed, flipped,
 * swapped with another, or put back from an earlier time, at rest and under a running server. A
 * start, or a round of the scrub, serves everything as before, has noticed, and leaves nothing for
 * the next one to find.
 */
class DamageSweepTest {
  private final long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final FileDamage damage = new FileDamage(random);
  private int tried;
  private int noticed;

  @Test
  void anyOneFileMayDie() throws IOException {
    sweep(2_500);
  }

  @Test
  @Tag("long")
  void anyOneFileMayDieAHundredThousandTimes() throws IOException {
    sweep(100_000);
  }

  private void sweep(int faults) throws IOException {
    System.out.println("DamageSweepTest seed " + seed);
    while (tried < faults) {
      var disk = new SimulatedDisk(WholeServer.ROOT);
      var steps = new WholeServerSteps(random);
      WholeServer server = WholeServer.on(disk, random);
      for (int i = 0; i < 40; i++) {
        steps.step(server);
      }
      SimulatedDisk earlier = disk.afterKill();
      for (int i = 0; i < 30; i++) {
        steps.step(server);
      }
      // A file that is about to be rewritten is missed by nobody.
      server.sync();
      if (random.nextBoolean()) {
        server.end();
      }
      for (Path file : disk.files()) {
        for (String kind : FileDamage.KINDS) {
          atRest(disk, earlier, file, kind, server.image());
        }
      }
      SimulatedDisk started = disk.afterKill();
      WholeServer.on(started, random);
      // With the segment of the server that runs then, which holds nothing but its takeover.
      for (Path file : started.files()) {
        for (String kind : FileDamage.KINDS) {
          live(disk, earlier, file, kind);
        }
      }
    }
    System.out.println(
        "DamageSweepTest " + tried + " faults, " + noticed + " noticed, none lost anything");
  }

  private void atRest(
      SimulatedDisk disk, SimulatedDisk earlier, Path file, String kind, StateImage expected)
      throws IOException {
    SimulatedDisk damaged = disk.afterKill();
    if (!damage.inflict(kind, damaged, file, earlier)) {
      return;
    }
    tried++;
    String what = kind + " of " + file + " at rest (seed " + seed + ")";
    WholeServer server;
    try {
      server = WholeServer.on(damaged, random);
    } catch (RuntimeException e) {
      throw new AssertionError(what + ": refused: " + e, e);
    }
    check(expected, server, what);
    List<String> found = server.scrub();
    boolean seen = !found.isEmpty() || server.started().degraded() || isAnnounced(server, file);
    assertNoticed(file, kind, seen, what);
    List<String> again = second(server);
    assertTrue(again.isEmpty(), () -> what + ": found again: " + again);
    check(expected, server, what + ", after the scrub");
  }

  /**
   * The main manifest's absence is how a full recovery is asked for: the report's cause says so.
   */
  private static boolean isAnnounced(WholeServer server, Path file) {
    return file.equals(WholeServer.LAYOUT.manifest())
        && server.started().cause() == holdfast.domain.recovery.RecoveryReport.Cause.FULL;
  }

  private void live(SimulatedDisk disk, SimulatedDisk earlier, Path file, String kind)
      throws IOException {
    SimulatedDisk running = disk.afterKill();
    WholeServer server = WholeServer.on(running, random);
    server.scrub();
    StateImage expected = server.image();
    if (running.kind(file) != holdfast.adapters.file.disk.Disk.Kind.FILE
        || !damage.inflict(kind, running, file, earlier)) {
      return;
    }
    tried++;
    String what = kind + " of " + file + " under a running server (seed " + seed + ")";
    List<String> found = new ArrayList<>(server.scrub());
    // What the writer holds open is sealed first, and mended in the round after that.
    found.addAll(server.scrub());
    assertNoticed(file, kind, !found.isEmpty(), what);
    List<String> again = server.scrub();
    assertTrue(again.isEmpty(), () -> what + ": found again: " + again);
    check(expected, WholeServer.on(running.afterKill(), random), what);
  }

  private List<String> second(WholeServer server) throws IOException {
    server.scrub();
    return server.scrub();
  }

  /** What nobody relies upon may be damaged without being noticed: spares, reports, quarantine. */
  private void assertNoticed(Path file, String kind, boolean seen, String what) {
    noticed += seen ? 1 : 0;
    boolean isReliedUpon =
        !file.startsWith(WholeServer.LAYOUT.quarantine())
            && !file.endsWith("spare.wal")
            && !isOldSnapshot(file, kind);
    assertTrue(seen || !isReliedUpon, () -> what + ": not noticed");
  }

  /** A snapshot that is merely gone, and not one of the newest two, is missed by nobody. */
  private static boolean isOldSnapshot(Path file, String kind) {
    return kind.equals("delete") && file.startsWith(WholeServer.LAYOUT.snapshots());
  }

  private static void check(StateImage expected, WholeServer server, String what) {
    StateImage found = server.image();
    assertTrue(
        found.equals(expected),
        () -> what + ": " + WholeServerCrashTest.difference(expected, found));
  }
}

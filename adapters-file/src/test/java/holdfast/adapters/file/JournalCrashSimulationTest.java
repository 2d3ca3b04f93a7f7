package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.CrashEnumeration.Step;
import holdfast.adapters.file.CrashEnumeration.Violation;
import holdfast.adapters.file.SimulatedServer.Engine;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.disk.SimulatedDisk.Fate;
import holdfast.adapters.file.journal.LostHistoryException;
import holdfast.adapters.file.journal.TestJournals.Forces;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every crash of small histories, and random crashes of random ones. The seed is printed; {@code
 * -Dholdfast.test.seed} repeats a run, {@code -Dholdfast.test.states} makes it longer.
 */
class JournalCrashSimulationTest {
  private static final long SEED = Long.getLong("holdfast.test.seed", System.nanoTime());
  private static final long STATES = Long.getLong("holdfast.test.states", 100_000);

  private static List<Step> smallHistory() {
    return List.of(
        (server, _) -> server.append(1, 300),
        (server, _) -> server.append(3, 300),
        (server, _) -> server.seal(),
        (server, _) -> server.append(2, 3_000),
        (server, _) -> server.append(1, 300),
        (server, disk) -> server.restart(disk),
        (server, _) -> server.append(2, 300),
        (server, _) -> server.append(2, 3_500),
        (server, _) -> server.append(2, 3_500),
        (server, _) -> server.append(2, 3_500),
        (server, _) -> server.append(2, 3_500));
  }

  private static List<Step> randomHistory(Random random) {
    var steps = new ArrayList<Step>();
    int length = 4 + random.nextInt(12);
    for (int i = 0; i < length; i++) {
      int records = 1 + random.nextInt(3);
      int bytes = random.nextInt(4) == 0 ? 2_500 : 200;
      switch (random.nextInt(8)) {
        case 0 -> steps.add((server, _) -> server.seal());
        case 1 -> steps.add((server, disk) -> server.restart(disk));
        default -> steps.add((server, _) -> server.append(records, bytes));
      }
    }
    return steps;
  }

  @Test
  void noCrashTakesBackWhatWasAcknowledgedOrServed() throws IOException {
    System.out.println("JournalCrashSimulationTest seed " + SEED);
    long started = System.nanoTime();
    var exhaustive = new CrashEnumeration(Engine.SOUND, UnaryOperator.identity(), SEED);
    exhaustive.run(smallHistory());
    long states = exhaustive.states();
    var random = new Random(SEED);
    while (states < STATES) {
      var enumeration =
          new CrashEnumeration(Engine.SOUND, UnaryOperator.identity(), random.nextLong());
      enumeration.run(randomHistory(random));
      states += enumeration.states();
    }
    System.out.printf(
        "JournalCrashSimulationTest %d crash states, %.1f s%n",
        states, (System.nanoTime() - started) / 1e9);
    assertTrue(states >= STATES);
  }

  private static void assertCaught(Engine mutant, UnaryOperator<SimulatedDisk> atRest) {
    assertThrows(
        Violation.class,
        () -> {
          for (int i = 0; i < 20; i++) {
            new CrashEnumeration(mutant, atRest, SEED + i).run(smallHistory());
          }
        },
        "seed " + SEED);
  }

  private static Engine forcing(Forces forces) {
    return new Engine(2, true, forces, UnaryOperator.identity());
  }

  @Test
  void acknowledgingBeforeForcingIsCaught() {
    assertCaught(forcing(Forces.NEVER), UnaryOperator.identity());
  }

  @Test
  void skippingTheDirectorySyncIsCaught() {
    assertCaught(
        new Engine(2, true, Forces.SOUND, WithoutDirectorySync::new), UnaryOperator.identity());
  }

  @Test
  void missingChecksumIsCaught() {
    assertCaught(Engine.SOUND, ForgedChecksums::makeAllValid);
  }

  @Test
  void missingMirrorIsCaught() {
    assertCaught(
        new Engine(1, true, Forces.SOUND, UnaryOperator.identity()), UnaryOperator.identity());
  }

  @Test
  void servingWithoutATakeoverIsCaught() {
    assertCaught(
        new Engine(2, false, Forces.SOUND, UnaryOperator.identity()), UnaryOperator.identity());
  }

  @Test
  void failedForceThatIsRetriedIsCaught() {
    assertThrows(Violation.class, () -> failEveryForce(forcing(Forces.RETRIED)), "seed " + SEED);
  }

  @Test
  void failedForceAcknowledgesNothing() throws IOException {
    failEveryForce(Engine.SOUND);
  }

  /**
   * Lets one force fail after the other and cuts the power. Two fail in a row of three, so that a
   * force repeated at once succeeds, and the other copy fares no better.
   */
  private static void failEveryForce(Engine engine) throws IOException {
    var random = new Random(SEED);
    int forces = 1;
    for (int failing = 0; failing < forces; failing++) {
      var disk = new SimulatedDisk(SimulatedServer.ROOT);
      var server = new SimulatedServer(engine, disk, random);
      disk.failForce(failing);
      disk.failForce(failing + 2);
      try {
        server.start();
        for (Step step : smallHistory()) {
          step.run(server, disk);
        }
      } catch (IOException _) {
        // The server gives up at the first failure; there is a next number to fail at.
        forces = Math.max(forces, disk.forces() + 1);
      }
      checkRestart(server, disk, "failed force " + failing);
      SimulatedDisk cut = disk.afterPowerCut(() -> CrashEnumeration.anyFate(random), random);
      check(server, cut, "failed force " + failing);
      forces = Math.max(forces, Math.min(disk.forces(), failing + 3));
    }
    assertTrue(forces > 50, "only " + forces + " forces");
  }

  /**
   * What a failed force left in the page cache is read by the next start, but never written: what
   * that start serves must be durable by other means, for the power may be cut after it.
   */
  private static void checkRestart(SimulatedServer server, SimulatedDisk failed, String what)
      throws IOException {
    SimulatedDisk restarted = failed.afterKill();
    var served = SimulatedServer.recover(Engine.SOUND, restarted, new Random(SEED));
    SimulatedDisk cut = restarted.afterPowerCut(() -> Fate.DROPPED, new Random(SEED));
    String happened = what + ", restart, power cut: " + server;
    try {
      var again = SimulatedServer.recover(Engine.SOUND, cut, new Random(SEED));
      if (!SimulatedServer.same(served, again)) {
        throw new Violation(happened + ", " + served.size() + " served, " + again.size(), null);
      }
    } catch (StorageException e) {
      throw new Violation(happened + ", then the start was refused: " + e, e);
    }
  }

  private static void check(SimulatedServer server, SimulatedDisk cut, String what)
      throws IOException {
    int found;
    try {
      var served = SimulatedServer.recover(Engine.SOUND, cut, new Random(SEED));
      found = server.accepts(served) ? -1 : served.size();
    } catch (StorageException e) {
      throw new Violation(what + ": " + server + ", then the start was refused: " + e, e);
    }
    if (found >= 0) {
      throw new Violation(what + ": " + server + ", found " + found, null);
    }
  }

  /**
   * Two directories with one past, as a restored backup makes them, go on separately; then a
   * segment of one is put in place of the other's, in both copies. All its checksums are right, it
   * has the same name and the same length: only the chain tells.
   */
  @Test
  void segmentOfAnotherFutureIsRefusedAndWithoutTheChainItWouldNotBe() throws IOException {
    SimulatedDisk ours = future(1, Parting.IN_TERM_2);
    SimulatedDisk theirs = future(2, Parting.IN_TERM_2);
    Path swapped =
        ours.files().stream()
            .filter(file -> file.toString().endsWith("-000002.wal"))
            .findFirst()
            .orElseThrow();
    SimulatedDisk mixed = ours.afterKill();
    for (Path directory :
        List.of(SimulatedServer.LAYOUT.journal(), SimulatedServer.LAYOUT.mirror())) {
      Path file = directory.resolve(String.valueOf(swapped.getFileName()));
      mixed.tamper(file, _ -> theirs.content(file));
    }
    SimulatedDisk unchained = mixed.afterKill();
    LostHistoryException refusal =
        assertThrows(
            LostHistoryException.class,
            () -> SimulatedServer.recover(Engine.SOUND, mixed, new Random(3)));
    assertTrue(String.valueOf(refusal.getMessage()).contains("000002.wal"), refusal.getMessage());

    ForgedChecksums.rechain(unchained, SimulatedServer.LAYOUT);
    var accepted = SimulatedServer.recover(Engine.SOUND, unchained, new Random(3));
    var expected = SimulatedServer.recover(Engine.SOUND, ours, new Random(3));
    assertFalse(SimulatedServer.same(expected, accepted), "a wrong future was accepted silently");
  }

  /** The same in one copy alone: the other is intact, and only that one fits what stands around. */
  @ParameterizedTest
  @CsvSource({
    "BEFORE_TERM_2, -000002.wal, false",
    "BEFORE_TERM_2, -000002.wal, true",
    "IN_TERM_2, -000002.wal, false",
    "IN_TERM_2, -000002.wal, true",
    "BEFORE_TERM_2, -000003.wal, false",
    "IN_TERM_2, -000003.wal, true"
  })
  void segmentOfAnotherFutureInOneCopyIsNotBelieved(
      Parting parting, String segment, boolean inMirror) throws IOException {
    SimulatedDisk ours = future(1, parting);
    SimulatedDisk mixed = ours.afterKill();
    Path file = swap(mixed, future(2, parting), segment, inMirror);
    var healed = new ArrayList<String>();
    var found = SimulatedServer.recover(Engine.SOUND, mixed, new Random(3), healed);
    assertEquals(1, healed.size(), healed.toString());
    assertTrue(healed.getFirst().contains(file.toString()), healed.toString());
    var expected = SimulatedServer.recover(Engine.SOUND, ours, new Random(3));
    assertTrue(SimulatedServer.same(expected, found), "history is what the intact copy holds");
  }

  /**
   * Both copies of the youngest segment fit the past, and nothing behind it tells which is ours.
   */
  @ParameterizedTest
  @CsvSource({"BEFORE_TERM_3, false", "BEFORE_TERM_3, true", "IN_TERM_3, false", "IN_TERM_3, true"})
  void youngestSegmentOfAnotherFutureInOneCopyIsRefused(Parting parting, boolean inMirror)
      throws IOException {
    SimulatedDisk mixed = future(1, parting).afterKill();
    Path file = swap(mixed, future(2, parting), "-000003.wal", inMirror);
    LostHistoryException refusal =
        assertThrows(
            LostHistoryException.class,
            () -> SimulatedServer.recover(Engine.SOUND, mixed, new Random(3)));
    assertTrue(
        String.valueOf(refusal.getMessage()).contains(file.toString()), refusal.getMessage());
  }

  private static Path swap(
      SimulatedDisk into, SimulatedDisk from, String segment, boolean inMirror) {
    Path directory = inMirror ? SimulatedServer.LAYOUT.mirror() : SimulatedServer.LAYOUT.journal();
    Path file =
        into.files().stream()
            .filter(one -> one.startsWith(directory) && one.toString().endsWith(segment))
            .findFirst()
            .orElseThrow();
    Path same =
        from.files().stream()
            .filter(one -> one.startsWith(directory) && one.toString().endsWith(segment))
            .findFirst()
            .orElseThrow();
    into.tamper(file, _ -> from.content(same));
    return file;
  }

  /** Where two histories with one past part. */
  enum Parting {
    BEFORE_TERM_2,
    IN_TERM_2,
    BEFORE_TERM_3,
    IN_TERM_3
  }

  /** A history of three terms; all seeds share what is before and behind the parting. */
  private static SimulatedDisk future(long seed, Parting parting) throws IOException {
    var disk = new SimulatedDisk(SimulatedServer.ROOT);
    var random = new SwitchedRandom(new Random(0));
    var server = new SimulatedServer(Engine.SOUND, disk, random);
    server.start();
    server.append(2, 100);
    for (int term = 2; term <= 3; term++) {
      if (parting.name().equals("BEFORE_TERM_" + term)) {
        random.follow(new Random(seed));
      }
      server.restart(disk);
      if (parting.name().equals("IN_TERM_" + term)) {
        random.follow(new Random(seed));
      }
      server.append(2, 100);
      random.follow(new Random(0));
    }
    return disk;
  }

  /** Randomness whose source changes in mid-course. */
  private static final class SwitchedRandom implements RandomGenerator {
    private RandomGenerator source;

    SwitchedRandom(RandomGenerator source) {
      this.source = source;
    }

    void follow(RandomGenerator other) {
      source = other;
    }

    @Override
    public long nextLong() {
      return source.nextLong();
    }
  }
}

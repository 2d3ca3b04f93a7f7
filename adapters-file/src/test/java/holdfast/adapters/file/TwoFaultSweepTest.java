package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.WholeServer.Habit;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Any two files may die: the next start gives back everything, or stops with a message that names
 * what is missing and leaves the directory as it was. Never does it serve less in silence.
 */
class TwoFaultSweepTest {
  private static final int PAIRS_OF_A_HISTORY = 150;

  private final long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final FileDamage damage = new FileDamage(random);
  private int tried;
  private int refused;

  @Test
  void noTwoFilesTakeAnythingAwayInSilence() throws IOException {
    sweep(1_500);
  }

  @Test
  @Tag("long")
  void noTwoFilesOfVeryManyPairsTakeAnythingAwayInSilence() throws IOException {
    sweep(150_000);
  }

  /** One whole snapshot less, and both files of the newest hold what nothing else does. */
  @Test
  void retiringUpToTheNewestSnapshotIsCaught() {
    assertThrows(
        AssertionError.class,
        () -> {
          while (tried < 3_000) {
            history(Habit.RETIRES_UP_TO_THE_NEWEST);
          }
        },
        () -> "seed " + seed);
  }

  private record Fault(String kind, Path file) {
    @Override
    public String toString() {
      return kind + " of " + file;
    }
  }

  private void sweep(int pairs) throws IOException {
    System.out.println("TwoFaultSweepTest seed " + seed);
    while (tried < pairs) {
      history(Habit.SOUND);
    }
    System.out.println(
        "TwoFaultSweepTest "
            + tried
            + " pairs, "
            + refused
            + " starts refused, nothing lost in silence");
    assertTrue(refused > 0, "some pairs must be beyond mending, or the sweep tries too little");
  }

  private void history(Habit habit) throws IOException {
    var disk = new SimulatedDisk(WholeServer.ROOT);
    var steps = new WholeServerSteps(random);
    WholeServer server = WholeServer.on(disk, random, habit);
    for (int i = 0; i < 40; i++) {
      steps.step(server);
    }
    SimulatedDisk earlier = disk.afterKill();
    if (random.nextBoolean()) {
      server.end();
      server = WholeServer.on(disk, random, habit);
    }
    for (int i = 0; i < 30; i++) {
      steps.step(server);
    }
    boolean isProven = random.nextInt(4) > 0;
    if (isProven) {
      server.sync();
    }
    if (random.nextBoolean()) {
      server.end();
    }
    for (int i = 0; i < PAIRS_OF_A_HISTORY; i++) {
      Fault first = fault(disk.files());
      Fault second = random.nextBoolean() ? fault(disk.files()) : twin(first, disk.files());
      // The tip of a history that nothing else proves is in these two files alone: put back from
      // an earlier time, both look like a server that was killed then.
      if (!first.file().equals(second.file()) && (isProven || !isSameSegment(first, second))) {
        tryBoth(disk, earlier, first, second, server.image());
      }
    }
  }

  private Fault fault(List<Path> files) {
    List<Path> few = files.stream().filter(file -> !isStateFile(file)).toList();
    List<Path> choices = random.nextInt(4) == 0 ? files : few;
    return new Fault(kind(), choices.get(random.nextInt(choices.size())));
  }

  private String kind() {
    return FileDamage.KINDS.get(random.nextInt(FileDamage.KINDS.size()));
  }

  private static boolean isStateFile(Path file) {
    return file.startsWith(WholeServer.LAYOUT.tasks())
        || file.startsWith(WholeServer.LAYOUT.initiatives());
  }

  /** The file of the same name elsewhere, which most often is the other copy. */
  private Fault twin(Fault fault, List<Path> files) {
    Path other =
        files.stream()
            .filter(file -> file.endsWith(String.valueOf(fault.file().getFileName())))
            .filter(file -> !file.equals(fault.file()))
            .findFirst()
            .orElse(fault.file());
    return new Fault(random.nextBoolean() ? fault.kind() : kind(), other);
  }

  private static boolean isSnapshot(Fault fault) {
    return fault.file().startsWith(WholeServer.LAYOUT.snapshots())
        || fault.file().startsWith(WholeServer.LAYOUT.snapshotTwins());
  }

  private static boolean isSameSegment(Fault first, Fault second) {
    return first.file().toString().endsWith(".wal")
        && second.file().endsWith(String.valueOf(first.file().getFileName()));
  }

  private void tryBoth(
      SimulatedDisk disk, SimulatedDisk earlier, Fault first, Fault second, StateImage expected)
      throws IOException {
    SimulatedDisk damaged = disk.afterKill();
    if (!damage.inflict(first.kind(), damaged, first.file(), earlier)
        || !damage.inflict(second.kind(), damaged, second.file(), earlier)) {
      return;
    }
    tried++;
    String what = first + " and " + second + " (seed " + seed + ")";
    Map<Path, ByteBuffer> before = contents(damaged);
    WholeServer server;
    try {
      server = WholeServer.on(damaged, random);
    } catch (StorageException e) {
      refused++;
      assertFalse(
          isSnapshot(first) && isSnapshot(second),
          () -> what + ": one snapshot's files were all that held the state: " + e.getMessage());
      assertNames(List.of(first, second), String.valueOf(e.getMessage()), what);
      assertEquals(before, contents(damaged), () -> what + ": was refused, and yet changed");
      return;
    }
    check(expected, server, what);
    server.scrub();
    server.scrub();
    check(expected, server, what + ", after the scrub");
    check(expected, WholeServer.on(damaged.afterKill(), random), what + ", at the next start");
  }

  private static void check(StateImage expected, WholeServer server, String what) {
    StateImage found = server.image();
    assertTrue(
        found.equals(expected),
        () -> what + ": " + WholeServerCrashTest.difference(expected, found));
  }

  /** Whoever reads the message must know which files to put back: by name, or by seq and place. */
  private static void assertNames(List<Fault> faults, String message, String what) {
    boolean isNamed =
        faults.stream()
            .map(Fault::file)
            .anyMatch(
                file ->
                    message.contains(String.valueOf(file.getFileName()))
                        || (message.contains(String.valueOf(file.getParent()))
                            && message.matches("(?s).* seq \\d+ .* seq \\d+ .*")));
    assertTrue(isNamed, () -> what + ": the message names neither: " + message);
  }

  /** Unfinished files and what a start makes anew hold nothing. */
  private static Map<Path, ByteBuffer> contents(SimulatedDisk disk) {
    var contents = new TreeMap<Path, ByteBuffer>();
    disk.files().forEach(file -> contents.put(file, ByteBuffer.wrap(disk.content(file))));
    return contents;
  }
}

package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.journal.LostHistoryException;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskEvent;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What comes back from the state files when there is no snapshot any more, and what does not. */
class StateFileBaseTest {
  private static final History.Rules ACCEPT_LOSS = new History.Rules(false, false, false, true);

  private final long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private SimulatedDisk disk;
  private StateImage before;

  /** A history whose beginning was retired, with changes behind the checkpoint. */
  @BeforeEach
  void fill() throws IOException {
    System.out.println("StateFileBaseTest seed " + seed);
    disk = new SimulatedDisk(WholeServer.ROOT);
    WholeServer server = WholeServer.on(disk, random);
    var steps = new WholeServerSteps(random);
    while (server.model().tasks().size() < 30 || journalStartsAt() < 3) {
      for (int i = 0; i < 20; i++) {
        server.commit(steps.changes(server.model(), 2));
      }
      server.sync();
      server.snapshot();
      server.snapshot();
    }
    server.commit(steps.changes(server.model(), 3));
    server.sync();
    server.commit(steps.changes(server.model(), 2));
    before = server.image();
  }

  private long journalStartsAt() {
    return files(WholeServer.LAYOUT.journal(), ".wal").stream()
        .map(file -> file.getFileName().toString())
        .filter(name -> !name.startsWith("spare"))
        .mapToLong(name -> Long.parseLong(name.substring(0, name.indexOf('-'))))
        .min()
        .orElse(0);
  }

  private List<Path> files(Path below, String suffix) {
    return disk.files().stream()
        .filter(file -> file.startsWith(below) && file.toString().endsWith(suffix))
        .sorted()
        .toList();
  }

  private void loseSnapshots() {
    files(WholeServer.LAYOUT.snapshots(), "").forEach(disk::lose);
    files(WholeServer.LAYOUT.snapshotTwins(), "").forEach(disk::lose);
  }

  /** A state file whose entity the journal has nothing of any more. */
  private Path fileOfOldTask() {
    long first = journalStartsAt();
    return before.tasks().stream()
        .filter(task -> task.seq() < first)
        .map(
            task ->
                WholeServer.LAYOUT
                    .tasks()
                    .resolve(task.entity().id().value().substring(0, 2))
                    .resolve(task.entity().id().value() + ".json"))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no task is that old, seed " + seed));
  }

  private static Map<Path, String> content(SimulatedDisk of) {
    var content = new TreeMap<Path, String>();
    of.files().forEach(file -> content.put(file, HexFormat.of().formatHex(of.content(file))));
    return content;
  }

  private void assertEntitiesAreBack(WholeServer server) {
    assertEquals(before.tasks(), server.image().tasks(), "seed " + seed);
    assertEquals(before.initiatives(), server.image().initiatives(), "seed " + seed);
    assertEquals(before.seq(), server.image().seq(), "seed " + seed);
  }

  /** The start is refused, names all of {@code names}, and has changed nothing. */
  private void assertStops(String... names) throws IOException {
    WholeServer.LAYOUT.prepare(disk);
    Map<Path, String> content = content(disk);
    LostHistoryException refused =
        assertThrows(
            LostHistoryException.class, () -> WholeServer.on(disk, random), "seed " + seed);
    for (String name : names) {
      assertTrue(refused.getMessage().contains(name), refused.getMessage());
    }
    assertEquals(content, content(disk), "nothing was changed");
  }

  private WholeServer startAcceptingLoss() throws IOException {
    var server = new WholeServer(disk, random, ACCEPT_LOSS);
    server.start();
    return server;
  }

  @Test
  void everyEntityComesBackWhenAllSnapshotsAreGone() throws IOException {
    loseSnapshots();
    WholeServer server = WholeServer.on(disk, random);
    assertEntitiesAreBack(server);
    String healed = server.started().healed().toString();
    assertTrue(healed.contains("Idempotency keys and purges before that are forgotten"), healed);
    assertTrue(server.started().degraded());
    assertEquals(1, files(WholeServer.LAYOUT.snapshots(), ".zst").size(), "kept at once");
    assertEquals(1, files(WholeServer.LAYOUT.snapshotTwins(), ".zst").size(), "and twice");
    files(WholeServer.LAYOUT.tasks(), ".json").forEach(disk::lose);
    assertEntitiesAreBack(WholeServer.on(disk.afterKill(), random));
  }

  @Test
  void aDamagedStateFileAmongThemStopsTheStartAndIsNamed() throws IOException {
    loseSnapshots();
    Path file = fileOfOldTask();
    disk.tamper(
        file,
        bytes -> {
          bytes[random.nextInt(bytes.length)] ^= 1;
          return bytes;
        });
    assertStops(file.toString());
  }

  @Test
  void aMissingStateFileAmongThemStopsTheStart() throws IOException {
    loseSnapshots();
    disk.lose(fileOfOldTask());
    assertStops("entities expected");
  }

  @Test
  void aMissingStateFileIsNamedIfItsRunDirectoriesAreThere() throws IOException {
    loseSnapshots();
    Path file = fileOfOldTask();
    String id = file.getFileName().toString().replace(".json", "");
    disk.createDirectory(file.resolveSibling(id));
    disk.lose(file);
    assertStops(file + " is missing");
  }

  @Test
  void aStateFileOfAnEarlierTimeStopsTheStart() throws IOException {
    Path file = fileOfOldTask();
    byte[][] earlier = {null};
    disk.tamper(file, bytes -> earlier[0] = bytes);
    WholeServer server = WholeServer.on(disk, random);
    Task task =
        server.model().tasks().stream()
            .map(Stored::entity)
            .filter(one -> file.toString().contains(one.id().value()))
            .findFirst()
            .orElseThrow();
    server.commit(
        List.of(SampleTasks.change(task, new TaskEvent.Patched(SampleTasks.NOON, task.spec()))));
    while (journalStartsAt() <= before.seq() + 2) {
      server.commit(List.of(SampleTasks.initiative(90_000 + server.model().seq(), "another")));
      server.sync();
      server.snapshot();
    }
    loseSnapshots();
    disk.tamper(file, _ -> earlier[0]);
    assertStops("put back from an earlier time");
  }

  @Test
  void aDamagedStateFileIsMadeUpForByTheJournal() throws IOException {
    long first = journalStartsAt();
    Path file =
        before.tasks().stream()
            .filter(task -> task.seq() >= first)
            .map(task -> task.entity().id().value())
            .map(id -> WholeServer.LAYOUT.tasks().resolve(id.substring(0, 2)).resolve(id + ".json"))
            .filter(path -> disk.files().contains(path))
            .findFirst()
            .orElseThrow();
    loseSnapshots();
    disk.tamper(file, _ -> new byte[10]);
    assertEntitiesAreBack(WholeServer.on(disk, random));
  }

  @Test
  void acceptedLossGoesOnWithoutWhatNoFileTells() throws IOException {
    loseSnapshots();
    Path file = fileOfOldTask();
    disk.tamper(file, _ -> new byte[10]);
    WholeServer server = startAcceptingLoss();
    assertEquals(before.tasks().size() - 1, server.image().tasks().size());
    assertEquals(before.initiatives(), server.image().initiatives());
    assertTrue(server.started().identity().epoch() > 1);
    assertTrue(server.image().seq() > before.seq());
    assertTrue(server.started().healed().toString().contains(file.toString()));
    WholeServer again = WholeServer.on(disk.afterKill(), random);
    assertEquals(server.image(), again.image());
  }

  @Test
  void withoutAnyManifestNothingTellsHowCompleteTheStateFilesAre() throws IOException {
    loseSnapshots();
    disk.lose(WholeServer.LAYOUT.manifest());
    disk.lose(WholeServer.LAYOUT.otherManifest());
    assertStops("no manifest tells up to which seq they are complete");
    assertEquals(before.tasks(), startAcceptingLoss().image().tasks());
  }

  @Test
  void aCrashAnywhereInSuchAStartIsAnOrdinaryOne() throws IOException {
    loseSnapshots();
    SimulatedDisk found = disk;
    int[] crashes = {0};
    SimulatedDisk starting = found.afterKill();
    starting.onOperation(
        () -> {
          crashes[0]++;
          var crashed =
              random.nextBoolean()
                  ? starting.afterKill()
                  : starting.afterPowerCut(() -> CrashEnumeration.anyFate(random), random);
          try {
            assertEntitiesAreBack(WholeServer.on(crashed, random));
          } catch (IOException | RuntimeException e) {
            throw new AssertionError("refused after a crash (seed " + seed + "): " + e, e);
          }
        });
    WholeServer.on(starting, random);
    assertTrue(crashes[0] > 20, crashes[0] + " crashes");
  }

  @Test
  void aStateFileBeyondATornTailStopsTheStartBeforeAnythingIsCut() throws IOException {
    WholeServer server = WholeServer.on(disk, random);
    server.commit(List.of(SampleTasks.initiative(77_000, "last")));
    long seq = server.model().seq();
    server.sync();
    tearLastBatch();
    String id = SampleTasks.initiativeId(77_000).value();
    Path file = WholeServer.LAYOUT.initiatives().resolve(id.substring(0, 2)).resolve(id + ".json");
    // The manifests know as much, so that the journal's end would be refused without the files.
    disk.lose(WholeServer.LAYOUT.manifest());
    disk.lose(WholeServer.LAYOUT.otherManifest());
    assertStops(file.toString(), "seq " + seq);
    WholeServer accepted = startAcceptingLoss();
    assertEquals(before.tasks(), accepted.image().tasks());
  }

  /** Damages the last batch that is not empty, in both copies alike. */
  private void tearLastBatch() {
    for (Path journal : List.of(WholeServer.LAYOUT.journal(), WholeServer.LAYOUT.mirror())) {
      Path segment =
          files(journal, ".wal").stream()
              .filter(file -> !file.endsWith("spare.wal"))
              .reduce((_, last) -> last)
              .orElseThrow();
      disk.tamper(
          segment,
          bytes -> {
            int at = bytes.length - 4_096;
            while (at >= 0 && bytes[at] == 0) {
              at -= 4_096;
            }
            bytes[at + 200] ^= 1;
            return bytes;
          });
    }
  }
}

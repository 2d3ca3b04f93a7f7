package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.OfflineRestoration.Result;
import holdfast.adapters.file.disk.SimulatedDisk;
import holdfast.adapters.file.disk.SimulatedDisk.Fate;
import holdfast.adapters.file.snapshot.TestSnapshots;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.restoration.Restoration;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Returns to snapshots, crashed after every operation on the disk: the state before or the restored
 * one, whole, and whichever was served stays.
 */
class RestoreCrashTest {
  private final long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final Map<String, StateImage> images = new HashMap<>();
  private final List<String> ids = new ArrayList<>();
  private SimulatedDisk disk;
  private StateImage present;
  private int servedBefore;
  private int servedRestored;

  /** A history with two snapshots of states that it has left behind. */
  @BeforeEach
  void fill() throws IOException {
    System.out.println("RestoreCrashTest seed " + seed);
    disk = new SimulatedDisk(WholeServer.ROOT);
    WholeServer server = WholeServer.on(disk, random);
    var steps = new WholeServerSteps(random);
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 6; j++) {
        server.commit(steps.changes(server.model(), 2));
      }
      if (random.nextBoolean()) {
        server.sync();
      }
      if (i < 2) {
        server.snapshot();
        ids.add(server.snapshotIds().getFirst());
        images.put(ids.getLast(), server.image());
      }
    }
    present = server.image();
    if (random.nextBoolean()) {
      server.end();
    }
  }

  /** What a return to a snapshot is to lead to. */
  private StateImage restored(StateImage from, String id) {
    var plan =
        assertInstanceOf(
            Restoration.Plan.Granted.class,
            Restoration.plan(
                from, id, images.get(id), Restoration.Running.REFUSE, SampleTasks.NOON));
    var model = new Model();
    model.load(plan.image());
    return model.image();
  }

  private Result restore(SimulatedDisk on, String id) throws IOException {
    return new WholeServer(on, random, History.Rules.STRICT).restore(id, false);
  }

  private StateImage serve(SimulatedDisk found) {
    try {
      WholeServer started = WholeServer.on(found, random);
      assertEquals(List.of(), started.stateFileFindings(), "seed " + seed);
      return started.image();
    } catch (IOException | RuntimeException e) {
      throw new AssertionError("the start was refused (seed " + seed + "): " + e, e);
    }
  }

  @RepeatedTest(4)
  void aCrashAnywhereLeavesTheStateBeforeOrTheRestoredOne() throws IOException {
    String id = ids.getFirst();
    StateImage restored = restored(present, id);
    assertNotEquals(present.tasks(), restored.tasks());
    SimulatedDisk restoring = disk.afterKill();
    restoring.onOperation(
        () -> {
          check(restoring.afterKill(), restored);
          check(restoring.afterPowerCut(() -> Fate.DROPPED, random), restored);
          check(restoring.afterPowerCut(() -> CrashEnumeration.anyFate(random), random), restored);
        });
    assertInstanceOf(Result.Restored.class, restore(restoring, id));
    restoring.onOperation(() -> {});
    assertEquals(
        restored, serve(restoring.afterPowerCut(() -> Fate.DROPPED, random)), "seed " + seed);
    System.out.println(
        "RestoreCrashTest " + servedBefore + " before, " + servedRestored + " restored");
    assertTrue(servedBefore > 30 && servedRestored > 30, servedBefore + ", " + servedRestored);
  }

  private void check(SimulatedDisk crashed, StateImage restored) {
    SimulatedDisk another = crashed.afterKill();
    if (checked(crashed, restored)) {
      restoreAnother(another);
    }
  }

  /** Starts; whether the state before is in force. */
  private boolean checked(SimulatedDisk crashed, StateImage restored) {
    StateImage served = serve(crashed);
    boolean isBefore = served.equals(present);
    if (isBefore) {
      servedBefore++;
    } else if (served.equals(restored)) {
      servedRestored++;
    } else {
      throw new AssertionError(
          "neither whole (seed "
              + seed
              + "): "
              + WholeServerCrashTest.difference(present, served)
              + " / "
              + WholeServerCrashTest.difference(restored, served));
    }
    SimulatedDisk later = crashed.afterPowerCut(() -> CrashEnumeration.anyFate(random), random);
    assertEquals(served, serve(later), "a crash after the start took it back, seed " + seed);
    return isBefore;
  }

  @RepeatedTest(2)
  void aCrashAnywhereWhileServingLeavesTheStateBeforeOrTheRestoredOne() throws IOException {
    WholeServer server = WholeServer.on(disk, random);
    String id = ids.get(random.nextInt(ids.size()));
    StateImage restored = restored(present, id);
    SimulatedDisk serving = disk;
    serving.onOperation(
        () -> {
          SimulatedDisk another = serving.afterKill();
          if (checked(serving.afterKill(), restored) && random.nextInt(4) == 0) {
            restoreAnotherWhileServing(another);
          }
          checked(serving.afterPowerCut(() -> Fate.DROPPED, random), restored);
          checked(serving.afterPowerCut(() -> CrashEnumeration.anyFate(random), random), restored);
        });
    String before = server.restoreWhileServing(id);
    serving.onOperation(() -> {});
    assertEquals(restored, server.image());
    assertEquals(restored, serve(serving.afterPowerCut(() -> Fate.DROPPED, random)));
    assertTrue(servedBefore > 30 && servedRestored > 5, servedBefore + ", " + servedRestored);
    images.put(before, present);
    StateImage undone = restored(server.image(), before);
    server.restoreWhileServing(before);
    assertEquals(undone, serve(serving.afterKill()), "seed " + seed);
    assertEquals(contents(present), contents(undone));
    goOn(server);
  }

  /** What a restore that did not come to its end has left must not pass for another one's. */
  private void restoreAnotherWhileServing(SimulatedDisk crashed) {
    try {
      WholeServer.on(crashed, random).restoreWhileServing(ids.getLast());
      assertEquals(restored(present, ids.getLast()), serve(crashed.afterKill()), "seed " + seed);
    } catch (IOException | StorageException e) {
      throw new AssertionError("refused after a crash (seed " + seed + "): " + e, e);
    }
  }

  /** What comes after a restore is built upon it, and outlives a crash as everything else. */
  private void goOn(WholeServer server) throws IOException {
    var steps = new WholeServerSteps(random);
    steps.beginAt(1_000);
    for (int i = 0; i < 10; i++) {
      steps.step(server);
      assertEquals(
          server.image(), serve(disk.afterPowerCut(() -> Fate.DROPPED, random)), "seed " + seed);
    }
    assertEquals(List.of(), server.sync());
    assertEquals(List.of(), server.scrub(), "seed " + seed);
  }

  /** What a restore that did not come to its end has left must not pass for another one's. */
  private void restoreAnother(SimulatedDisk crashed) {
    try {
      assertInstanceOf(Result.Restored.class, restore(crashed, ids.getLast()));
      assertEquals(restored(present, ids.getLast()), serve(crashed), "seed " + seed);
    } catch (IOException | StorageException e) {
      throw new AssertionError("refused after a crash (seed " + seed + "): " + e, e);
    }
  }

  @Test
  void theSnapshotOfTheStateBeforeUndoesIt() throws IOException {
    var done = assertInstanceOf(Result.Restored.class, restore(disk, ids.getFirst()));
    WholeServer between = WholeServer.on(disk, random);
    between.sync();
    between.end();
    images.put(done.before(), present);
    StateImage undone = restored(between.image(), done.before());
    assertInstanceOf(Result.Restored.class, restore(disk, done.before()));
    assertEquals(undone, serve(disk));
    assertEquals(contents(present), contents(undone));
    assertTrue(undone.seq() > between.image().seq());
  }

  private static List<String> contents(StateImage image) {
    var contents = new ArrayList<String>();
    image.tasks().forEach(one -> contents.add(one.entity().id() + "" + one.entity().spec()));
    image.initiatives().forEach(one -> contents.add(one.entity().id() + "" + one.entity().spec()));
    return contents;
  }

  @Test
  void stateFilesFollowWithTheNextStartAndNothingIsAmiss() throws IOException {
    assertInstanceOf(Result.Restored.class, restore(disk, ids.getFirst()));
    WholeServer server = WholeServer.on(disk, random);
    assertEquals(List.of(), server.sync());
    assertEquals(List.of(), server.scrub(), "seed " + seed);
  }

  private Map<Path, String> content() {
    var content = new TreeMap<Path, String>();
    disk.files().forEach(file -> content.put(file, HexFormat.of().formatHex(disk.content(file))));
    return content;
  }

  @Test
  void aDryRunChangesNothing() throws IOException {
    Map<Path, String> before = content();
    var server = new WholeServer(disk, random, History.Rules.STRICT);
    var planned = assertInstanceOf(Result.Planned.class, server.restore(ids.getFirst(), true));
    assertTrue(!planned.diff().removed().isEmpty() || !planned.diff().changed().isEmpty());
    assertEquals(before, content());
  }

  @Test
  void aSnapshotThatIsNotThereIsRefusedWithTheListOfThoseThatAre() throws IOException {
    var refused =
        assertInstanceOf(Result.NoSuchSnapshot.class, restore(disk, "20200101T000000.000Z-1-1"));
    assertTrue(refused.known().containsAll(ids), refused.toString());
    assertInstanceOf(Result.NoSuchSnapshot.class, restore(disk, "../../etc/passwd"));
  }

  private void assertRefused(String id, String why) {
    Map<Path, String> before = content();
    StorageException refused =
        assertThrows(StorageException.class, () -> restore(disk, id), "seed " + seed);
    assertTrue(refused.getMessage().contains(why), refused.getMessage());
    assertEquals(before, content(), "nothing was changed");
  }

  private List<Path> files(String id) {
    return disk.files().stream().filter(file -> file.toString().contains(id)).toList();
  }

  @Test
  void aDamagedSnapshotIsRefusedUnlessItsCopyIsWhole() throws IOException {
    List<Path> both = files(ids.getLast());
    disk.tamper(
        both.getFirst(),
        bytes -> {
          bytes[random.nextInt(bytes.length)] ^= 1;
          return bytes;
        });
    if (both.size() == 2) {
      SimulatedDisk one = disk.afterKill();
      assertInstanceOf(Result.Restored.class, restore(one, ids.getLast()));
      disk.tamper(both.getLast(), bytes -> java.util.Arrays.copyOf(bytes, bytes.length / 2));
    }
    assertRefused(ids.getLast(), "cannot be used");
  }

  @Test
  void aSnapshotOfAnotherLineageIsRefused() throws IOException {
    String id = new WholeServer(disk, random, History.Rules.STRICT).foreignSnapshot(new UUID(1, 2));
    assertRefused(id, "is of lineage " + new UUID(1, 2));
  }

  @Test
  void aSnapshotOfANewerFormatIsRefused() throws IOException {
    String id = "20261123T120000.000Z-1-1";
    Path file = WholeServer.LAYOUT.snapshots().resolve(id + ".jsonl.zst");
    try (var opened = disk.open(file, holdfast.adapters.file.disk.Disk.Access.CREATE)) {
      opened.write(ByteBuffer.wrap(TestSnapshots.ofFormat(9, id)), 0);
    }
    assertRefused(id, "format 9");
  }

  @Test
  void aCopyIsRefused() throws IOException {
    Path instance = WholeServer.LAYOUT.instance();
    byte[] bytes = disk.content(instance);
    // Another file with the same content has another inode number.
    disk.lose(instance);
    try (var opened = disk.open(instance, holdfast.adapters.file.disk.Disk.Access.CREATE)) {
      opened.write(ByteBuffer.wrap(bytes), 0);
    }
    assertRefused(ids.getFirst(), "--accept-copy");
  }
}

package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.layout.Instance;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.Scrubbing.Piece;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.recovery.RecoveryReport.Cause;
import holdfast.domain.task.Task;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two things die at once, on a real file system: of a directory whose older history is retired, and
 * which has two snapshots, state files, and a journal behind them.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class TwoFaultIT {
  private static final int TASKS = 100;

  @TempDir private static Path directory;
  private static final long SEED = Long.getLong("holdfast.test.seed", System.nanoTime());

  private Path data = directory.resolve("sound");

  private Path state() {
    return data.resolve("state");
  }

  private FileStorage open() {
    return open(data);
  }

  private static FileStorage open(Path data) {
    return FileStorage.open(
        OpenStorage.settings(data)
            .with(FileStorageSettings.Sizes.USUAL.withSegmentBytes(64 << 10)));
  }

  @BeforeAll
  static void fill() throws InterruptedException {
    System.out.println("TwoFaultIT seed " + SEED);
    try (FileStorage storage = open(directory.resolve("sound"))) {
      storage.taskStorage().open(_ -> {});
      commit(storage, 1, 40);
      keep(storage, 40);
      commit(storage, 41, 80);
      keep(storage, 80);
      commit(storage, 81, TASKS);
    }
  }

  /** Another directory of the same content, which is no copy to the server. */
  private void begin(String name) throws IOException {
    Path sound = directory.resolve("sound");
    data = directory.resolve(name);
    run("cp", "-a", sound.toString(), data.toString());
    Path instance = state().resolve("INSTANCE");
    Instance written = Instance.read(new NioDisk(), instance);
    assertNotNull(written);
    Instance.write(new NioDisk(), instance, written.lineage());
  }

  private static List<Stored<Task>> tasks(int count) {
    var tasks = new ArrayList<Stored<Task>>();
    for (int i = 1; i <= count; i++) {
      tasks.add(new Stored<>(SampleTasks.submit(i).task(), i, "submitted"));
    }
    return tasks;
  }

  private static void commit(FileStorage storage, int from, int to) throws InterruptedException {
    for (int i = from; i <= to; i++) {
      CommitResult result =
          storage.taskStorage().commit(List.of(SampleTasks.submit(i)), Origin.CLIENT).await();
      assertInstanceOf(CommitResult.Done.class, result);
    }
  }

  /** Writes state files and a snapshot of the first tasks, which retires what is older. */
  private static void keep(FileStorage storage, int count) {
    storage.stateFiles().reconcile(tasks(count), List.of(), List.of());
    storage.stateFiles().checkpoint(count);
    storage
        .snapshotStorage()
        .save(
            new StateImage(
                count,
                SampleTasks.NOON.plusSeconds(count),
                tasks(count),
                List.of(),
                List.of(),
                List.of()),
            Reason.PERIODIC);
  }

  /** One thing that can die. */
  private enum Victim {
    INSTANCE {
      @Override
      List<Path> files(Path state) {
        return List.of(state.resolve("INSTANCE"));
      }
    },
    MANIFEST {
      @Override
      List<Path> files(Path state) {
        return List.of(state.resolve("current-state.json"));
      }
    },
    OTHER_MANIFEST {
      @Override
      List<Path> files(Path state) {
        return List.of(state.resolve("recovery/current-state.json"));
      }
    },
    NEWEST_SNAPSHOT {
      @Override
      List<Path> files(Path state) throws IOException {
        return List.of(list(state.resolve("snapshots")).getLast());
      }
    },
    ITS_COPY {
      @Override
      List<Path> files(Path state) throws IOException {
        return List.of(list(state.resolve("recovery/snapshots")).getLast());
      }
    },
    SNAPSHOT_BEFORE {
      @Override
      List<Path> files(Path state) throws IOException {
        return List.of(list(state.resolve("snapshots")).getFirst());
      }
    },
    OLDEST_SEGMENT {
      @Override
      List<Path> files(Path state) throws IOException {
        return List.of(segments(state.resolve("journal")).getFirst());
      }
    },
    YOUNGEST_SEGMENT {
      @Override
      List<Path> files(Path state) throws IOException {
        return List.of(segments(state.resolve("journal")).getLast());
      }
    },
    SEGMENT_OF_THE_MIRROR {
      @Override
      List<Path> files(Path state) throws IOException {
        List<Path> segments = segments(state.resolve("recovery/journal"));
        return List.of(segments.get(segments.size() / 2));
      }
    },
    WHOLE_JOURNAL {
      @Override
      List<Path> files(Path state) throws IOException {
        return list(state.resolve("journal"));
      }
    },
    STATE_FILE {
      @Override
      List<Path> files(Path state) throws IOException {
        return List.of(list(state.resolve("tasks")).getFirst());
      }
    },
    ALL_STATE_FILES {
      @Override
      List<Path> files(Path state) throws IOException {
        return list(state.resolve("tasks"));
      }
    };

    abstract List<Path> files(Path state) throws IOException;
  }

  private static List<Path> list(Path below) throws IOException {
    try (Stream<Path> walk = Files.walk(below)) {
      return walk.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static List<Path> segments(Path journal) throws IOException {
    return list(journal).stream().filter(file -> file.toString().matches(".*-\\d+\\.wal")).toList();
  }

  private static void damage(Path file, String how) throws IOException {
    if (how.equals("delete")) {
      Files.delete(file);
      return;
    }
    byte[] bytes = Files.readAllBytes(file);
    bytes[Math.min(bytes.length / 2, 100)] ^= 4;
    Files.write(file, bytes);
  }

  @Test
  void whateverTwoDieEverythingIsBack() throws Exception {
    killPairs(20);
  }

  @Test
  @Tag("long")
  void whateverTwoOfAllDieEverythingIsBack() throws Exception {
    killPairs(Integer.MAX_VALUE);
  }

  /** Whatever two of these die, something else has what they held. */
  private void killPairs(int pairsMax) throws Exception {
    var random = new Random(SEED);
    var pairs = new ArrayList<List<Victim>>();
    for (Victim first : Victim.values()) {
      for (Victim second : Victim.values()) {
        if (second.compareTo(first) > 0) {
          pairs.add(List.of(first, second));
        }
      }
    }
    Collections.shuffle(pairs, random);
    for (List<Victim> pair : pairs.subList(0, Math.min(pairsMax, pairs.size()))) {
      String how = random.nextBoolean() ? "delete" : "flip";
      begin("pair" + pairs.indexOf(pair) + "-" + pairsMax);
      var victims = new HashSet<Path>();
      for (Victim victim : pair) {
        victims.addAll(victim.files(state()));
      }
      for (Path file : victims) {
        damage(file, how);
      }
      assertAllIsBack(how + " of " + pair + " (seed " + SEED + ")");
    }
  }

  private void assertAllIsBack(String what) throws IOException {
    try (FileStorage storage = open()) {
      Opened opened = storage.taskStorage().open(_ -> {});
      assertEquals(Map.of(), difference(opened), what);
      scrub(storage);
      storage.stateFiles().reconcile(tasks(TASKS), List.of(), List.of());
      storage.stateFiles().checkpoint(TASKS);
    }
    try (FileStorage storage = open()) {
      Opened again = storage.taskStorage().open(_ -> {});
      assertEquals(Map.of(), difference(again), what + ", once more");
      assertFalse(
          again.replay().degraded(), what + ": mended once, and for good: " + again.replay());
    }
  }

  private static void scrub(FileStorage storage) {
    Piece piece = storage.scrubbing().next();
    while (!piece.last()) {
      piece = storage.scrubbing().next();
    }
  }

  /** What is not as it was acknowledged. */
  private static Map<String, String> difference(Opened opened) {
    var found = new HashMap<String, Stored<Task>>();
    opened.tasks().forEach(task -> found.put(task.entity().id().value(), task));
    var difference = new HashMap<String, String>();
    for (Stored<Task> expected : tasks(TASKS)) {
      String id = expected.entity().id().value();
      Stored<Task> task = found.remove(id);
      if (!expected.equals(task)) {
        difference.put(id, "expected " + expected + ", found " + task);
      }
    }
    found.forEach((id, task) -> difference.put(id, "nothing expected, found " + task));
    return difference;
  }

  private static void run(String... command) throws IOException {
    try {
      assertEquals(0, new ProcessBuilder(command).start().waitFor());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void bothCopiesOfTheNewestSnapshotAndASegmentBehindItInOneCopy() throws Exception {
    begin("snapshot-twin-segment");
    for (Victim victim :
        List.of(Victim.NEWEST_SNAPSHOT, Victim.ITS_COPY, Victim.YOUNGEST_SEGMENT)) {
      damage(victim.files(state()).getFirst(), "flip");
    }
    try (FileStorage storage = open()) {
      Opened opened = storage.taskStorage().open(_ -> {});
      assertTrue(opened.replay().records() > TASKS - 80, "replayed from the snapshot before");
      assertTrue(
          opened.replay().quarantined().toString().contains("cannot be used"),
          opened.replay().toString());
    }
    assertAllIsBack("newest snapshot, its copy, and a segment");
  }

  @Test
  void bothManifestsGoneIsDegradedAndSaidSo() throws Exception {
    begin("both-manifests");
    damage(Victim.MANIFEST.files(state()).getFirst(), "flip");
    damage(Victim.OTHER_MANIFEST.files(state()).getFirst(), "delete");
    try (FileStorage storage = open()) {
      Opened opened = storage.taskStorage().open(_ -> {});
      assertEquals(Map.of(), difference(opened));
      assertTrue(opened.replay().degraded());
      assertEquals(Cause.FULL, opened.replay().cause());
      String healed = opened.replay().healed().toString();
      assertTrue(healed.contains("recovery/current-state.json was missing"), healed);
      assertTrue(healed.contains("state/current-state.json was damaged"), healed);
    }
  }

  /**
   * Three files: the history before both snapshots is retired. What else holds the state may give
   * it back; if nothing does, the start must stop, and leave it all to whoever has a backup.
   */
  @ParameterizedTest
  @ValueSource(strings = {"delete", "flip"})
  void withoutAnySnapshotAllIsBackOrTheStartStopsAndChangesNothing(String how) throws Exception {
    begin("no-snapshot-" + how);
    var victims = new ArrayList<>(list(state().resolve("snapshots")));
    victims.addAll(list(state().resolve("recovery/snapshots")));
    assertEquals(3, victims.size(), victims.toString());
    for (Path file : victims) {
      damage(file, how);
    }
    Map<Path, ByteBuffer> before = contents();
    try (FileStorage storage = open()) {
      Opened opened;
      try {
        opened = storage.taskStorage().open(_ -> {});
      } catch (FileStorageException refused) {
        assertEquals(FileStorageException.EXIT_LOST_HISTORY, refused.exitCode());
        String message = String.valueOf(refused.getMessage());
        assertTrue(message.contains("snapshot"), message);
        assertTrue(message.matches("(?s).*seq 1 to \\d+.*"), message);
        assertTrue(
            message.contains(segments(state().resolve("journal")).getFirst().toString())
                || message.contains("is missing"),
            message);
        assertEquals(before, contents(), "nothing was changed");
        return;
      }
      assertEquals(Map.of(), difference(opened));
    }
  }

  /** Everything but the lock, which tells of starts. */
  private Map<Path, ByteBuffer> contents() throws IOException {
    var contents = new HashMap<Path, ByteBuffer>();
    for (Path file : list(state())) {
      if (!file.endsWith("LOCK")) {
        contents.put(file, ByteBuffer.wrap(Files.readAllBytes(file)));
      }
    }
    return contents;
  }
}

package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.layout.Manifest;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.Scrubbing.Piece;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StateFiles.Condition;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.StateFiles.Swept;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.recovery.RecoveryReport.Cause;
import holdfast.domain.task.Task;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a disk can hold that no server has put there, and what is left when much is gone. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class HostileDiskIT {
  private static final int TASKS = 20;

  @TempDir private Path directory;

  private Path state() {
    return directory.resolve("data/state");
  }

  /** Writes tasks, their state files and two snapshots, and ends in order. */
  private void fill() {
    try (FileStorage storage = OpenStorage.withHistory(directory.resolve("data"), TASKS)) {
      // The storage was opened with its history: an image of it is what a snapshot holds.
      storage.stateFiles().reconcile(tasks(), List.of(), List.of());
      storage.stateFiles().checkpoint(TASKS);
      storage.snapshotStorage().save(image(), Reason.MANUAL);
      storage.snapshotStorage().save(image(), Reason.MANUAL);
    }
  }

  private static List<Stored<Task>> tasks() {
    var tasks = new ArrayList<Stored<Task>>();
    for (int i = 0; i < TASKS; i++) {
      tasks.add(new Stored<>(SampleTasks.submit(1_000 + i).task(), i + 1, "submitted"));
    }
    return tasks;
  }

  private static StateImage image() {
    return new StateImage(TASKS, SampleTasks.NOON, tasks(), List.of(), List.of(), List.of());
  }

  private FileStorage open() {
    return FileStorage.open(OpenStorage.settings(directory.resolve("data")));
  }

  private Opened reopen() {
    try (FileStorage storage = open()) {
      Opened opened = storage.taskStorage().open(_ -> {});
      assertEquals(TASKS, opened.tasks().size());
      return opened;
    }
  }

  private static List<Path> files(Path below) throws IOException {
    try (Stream<Path> walk = Files.walk(below)) {
      return walk.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static void deleteTree(Path tree) throws IOException {
    try (Stream<Path> walk = Files.walk(tree)) {
      for (Path path : walk.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  @Test
  void cleanRecoveryWithoutTheManifestLosesNothing() throws IOException {
    fill();
    Files.delete(state().resolve("current-state.json"));
    Opened opened = reopen();
    assertEquals(Cause.FULL, opened.replay().cause());
    assertFalse(opened.replay().degraded());
  }

  @Test
  void bothManifestsGoneLosesNothing() throws IOException {
    fill();
    Files.delete(state().resolve("current-state.json"));
    Files.delete(state().resolve("recovery/current-state.json"));
    Opened opened = reopen();
    assertEquals(Cause.FULL, opened.replay().cause());
    assertTrue(opened.replay().degraded());
  }

  @Test
  void aDirectoryOfFormat1IsTakenOverAndWhatIsReplacedIsKept() throws IOException {
    OpenStorage.withHistory(directory.resolve("data"), TASKS).close();
    for (String name : List.of("INSTANCE", "current-state.json", "recovery/current-state.json")) {
      Path file = state().resolve(name);
      String json = Files.readString(file).replaceAll("\\s", "").replaceAll(",\"checksum.*", "}");
      json = json.replace("\"format\":" + Manifest.FORMAT, "\"format\":1");
      json = json.replaceAll(",\"checkpoint\".*", "}");
      var crc = new CRC32C();
      crc.update(json.getBytes(StandardCharsets.UTF_8));
      Files.writeString(file, json + "\ncrc32c " + String.format("%08x", crc.getValue()) + "\n");
    }
    String instance = Files.readString(state().resolve("INSTANCE"));
    assertEquals(Cause.CLEAN, reopen().replay().cause());
    Path backup = state().resolve("recovery/backup-format-1");
    assertEquals(
        List.of("INSTANCE", "current-state.json", "other-current-state.json"),
        files(backup).stream().map(file -> file.getFileName().toString()).toList());
    assertEquals(instance, Files.readString(backup.resolve("INSTANCE")));
    assertTrue(
        Files.readString(state().resolve("current-state.json"))
            .contains("\"format\": " + Manifest.FORMAT));
    reopen();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "snapshots",
        "recovery/snapshots",
        "journal",
        "recovery/journal",
        "tasks",
        "initiatives"
      })
  void anyOneDirectoryMayGo(String name) throws IOException {
    fill();
    deleteTree(state().resolve(name));
    reopen();
    reopen();
  }

  @Test
  void aStartReadsOnlyWhatIsBehindTheNewestSnapshot() {
    fill();
    assertEquals(0, reopen().replay().records());
  }

  @Test
  void stateFilesOfEveryKindOfNonsenseArePutAsideAndWrittenAgain() throws Exception {
    fill();
    Path outside = directory.resolve("outside");
    Files.writeString(outside, "not yours");
    try (FileStorage storage = open()) {
      storage.taskStorage().open(_ -> {});
      Path[] files = new Path[6];
      for (int i = 0; i < files.length; i++) {
        files[i] = file(i);
        Files.delete(files[i]);
      }
      Files.createSymbolicLink(files[0], outside);
      Files.createDirectory(files[1]);
      assertEquals(0, new ProcessBuilder("mkfifo", files[2].toString()).start().waitFor());
      Files.createFile(files[3]);
      try (var large = new RandomAccessFile(files[4].toFile(), "rw")) {
        large.setLength(10L << 30);
      }
      Files.writeString(files[5], "[".repeat(100_000));
      List<Finding> findings =
          storage.stateFiles().reconcile(tasks(), List.of(), List.of()).findings();
      assertEquals(
          List.of(
              Condition.NOT_A_FILE,
              Condition.NOT_A_FILE,
              Condition.NOT_A_FILE,
              Condition.DAMAGED,
              Condition.DAMAGED,
              Condition.DAMAGED),
          findings.stream().map(Finding::condition).toList());
      findings.forEach(finding -> assertTrue(finding.quarantined() != null, finding.toString()));
      assertEquals("not yours", Files.readString(outside));
      assertEquals(
          List.of(), storage.stateFiles().reconcile(tasks(), List.of(), List.of()).findings());
    }
  }

  private Path file(int i) {
    EntityKey key = EntityKey.of(SampleTasks.id(1_000 + i));
    return state().resolve("tasks").resolve(key.id().substring(0, 2)).resolve(key.id() + ".json");
  }

  @Test
  void strangersAmongTheStateFilesArePutAsideAndRunDirectoriesStay() throws Exception {
    fill();
    try (FileStorage storage = open()) {
      storage.taskStorage().open(_ -> {});
      Path shard = file(0).getParent();
      Files.createDirectories(shard.resolve(SampleTasks.id(1_000).value()).resolve("1"));
      Files.writeString(shard.resolve("a\u0001b\n.json"), "{}");
      Files.writeString(state().resolve("tasks/stray"), "x");
      var findings = new ArrayList<Finding>();
      Swept swept = storage.stateFiles().sweep(_ -> true);
      findings.addAll(swept.findings());
      while (!swept.last()) {
        swept = storage.stateFiles().sweep(_ -> true);
        findings.addAll(swept.findings());
      }
      assertEquals(2, findings.size(), findings.toString());
      assertTrue(Files.isDirectory(shard.resolve(SampleTasks.id(1_000).value()).resolve("1")));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"INSTANCE", "current-state.json", "recovery/current-state.json"})
  void filesThatNameHistoryAreMendedWhateverStandsThere(String name) throws Exception {
    fill();
    for (String nonsense : List.of("empty", "link", "directory", "fifo", "huge")) {
      Path file = state().resolve(name);
      try (FileStorage storage = open()) {
        storage.taskStorage().open(_ -> {});
        Files.delete(file);
        put(file, nonsense);
        Piece piece = storage.scrubbing().next();
        assertEquals(
            List.of(file.toString()),
            piece.mended().stream().map(Mended::place).toList(),
            nonsense);
        assertTrue(Files.isRegularFile(file), nonsense);
      }
      Files.delete(file);
      put(file, nonsense);
      reopen();
    }
  }

  private void put(Path file, String nonsense) throws Exception {
    switch (nonsense) {
      case "empty" -> Files.createFile(file);
      case "link" -> Files.createSymbolicLink(file, Path.of("/etc/hostname"));
      case "directory" -> Files.createDirectory(file);
      case "fifo" ->
          assertEquals(0, new ProcessBuilder("mkfifo", file.toString()).start().waitFor());
      case "huge" -> {
        try (var large = new RandomAccessFile(file.toFile(), "rw")) {
          large.setLength(10L << 30);
        }
      }
      default -> throw new AssertionError(nonsense);
    }
  }

  @Test
  void aCopyIsReadOnlyUntilItIsAcceptedAndThenHasAnEpochOfItsOwn() throws Exception {
    fill();
    String epoch = reopen().epoch();
    Path copy = directory.resolve("copy");
    assertEquals(
        0,
        new ProcessBuilder("cp", "-a", directory.resolve("data").toString(), copy.toString())
            .start()
            .waitFor());
    List<Path> before = files(copy.resolve("state"));
    FileStorageSettings settings = OpenStorage.settings(copy);
    try (FileStorage storage = FileStorage.open(settings)) {
      Opened opened = storage.taskStorage().open(_ -> {});
      assertTrue(String.valueOf(opened.readOnly()).contains("--accept-copy"), opened.readOnly());
      assertEquals(TASKS, opened.tasks().size());
    }
    assertEquals(before, files(copy.resolve("state")), "nothing was made");
    var accepting = new FileStorageSettings.Allowed(false, false, true, false);
    try (FileStorage storage = FileStorage.open(settings.with(accepting))) {
      Opened opened = storage.taskStorage().open(_ -> {});
      assertTrue(opened.acceptedCopy());
      assertEquals(TASKS, opened.tasks().size());
      assertFalse(opened.epoch().equals(epoch), "a new epoch");
      assertTrue(opened.seq() > TASKS);
      storage.taskStorage().copySettled();
    }
    try (FileStorage storage = FileStorage.open(settings)) {
      Opened opened = storage.taskStorage().open(_ -> {});
      assertEquals(null, opened.readOnly());
      assertFalse(opened.acceptedCopy());
      assertEquals(TASKS, opened.tasks().size());
    }
    assertEquals(epoch, reopen().epoch(), "the original goes on as it was");
  }

  @Test
  void lossIsRefusedUntilItIsAcceptedAndThenSaysWhatIsGone() throws Exception {
    OpenStorage.withHistory(directory.resolve("data"), TASKS).close();
    for (String copy : List.of("journal", "recovery/journal")) {
      Path segment = files(state().resolve(copy)).getFirst();
      byte[] bytes = Files.readAllBytes(segment);
      // In the middle of the history, in both copies alike.
      bytes[10 * 4_096 + 200] ^= 1;
      Files.write(segment, bytes);
    }
    FileStorageException refused = assertThrows(FileStorageException.class, this::reopen);
    assertEquals(FileStorageException.EXIT_LOST_HISTORY, refused.exitCode());
    var accepting = new FileStorageSettings.Allowed(false, false, false, true);
    int left;
    try (FileStorage storage =
        FileStorage.open(OpenStorage.settings(directory.resolve("data")).with(accepting))) {
      Opened opened = storage.taskStorage().open(_ -> {});
      left = opened.tasks().size();
      assertTrue(left > 0 && left < TASKS, left + " tasks");
      assertTrue(opened.replay().degraded());
      assertTrue(opened.replay().healed().toString().contains("--accept-loss"));
    }
    try (FileStorage storage = open()) {
      assertEquals(left, storage.taskStorage().open(_ -> {}).tasks().size());
    }
  }

  @Test
  void theThirdFailedStartInARowIsTheLastThatIsTried() throws Exception {
    OpenStorage.withHistory(directory.resolve("data"), TASKS).close();
    for (String copy : List.of("journal", "recovery/journal")) {
      Path segment = files(state().resolve(copy)).getFirst();
      byte[] bytes = Files.readAllBytes(segment);
      bytes[10 * 4_096 + 200] ^= 1;
      Files.write(segment, bytes);
    }
    for (int i = 0; i < DirectoryLock.FAILED_STARTS_MAX; i++) {
      assertEquals(
          FileStorageException.EXIT_LOST_HISTORY,
          assertThrows(FileStorageException.class, this::reopen).exitCode());
    }
    assertThrows(RepeatedFailureException.class, this::reopen);
    try (FileStorage storage = open()) {
      storage.failuresNoticed();
    }
    assertEquals(
        FileStorageException.EXIT_LOST_HISTORY,
        assertThrows(FileStorageException.class, this::reopen).exitCode());
  }

  @Test
  void aLockWhoseFileIsRemovedIsTakenAgain() throws Exception {
    try (FileStorage storage = open()) {
      storage.taskStorage().open(_ -> {});
      Files.delete(state().resolve("LOCK"));
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (!Files.exists(state().resolve("LOCK"))) {
        assertTrue(System.nanoTime() < deadline, "the lock was not taken again");
        Thread.onSpinWait();
      }
      assertThrows(FileStorageException.class, this::open);
    }
  }
}

package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.Scrubbing.Piece;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StateFiles.Condition;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.StateFiles.Reconciled;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Directories, modes, owners, sizes, names and clocks that are not as a server leaves them. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class HostileLayoutIT {
  private static final int TASKS = 20;

  @TempDir private Path directory;
  private Instant now = SampleTasks.NOON;
  private final InstantSource clock = () -> now;

  private Path data() {
    return directory.resolve("data");
  }

  private Path state() {
    return data().resolve("state");
  }

  private FileStorageSettings settings() {
    return FileStorageSettings.of(
        data(),
        clock,
        failure -> {
          throw new AssertionError(failure);
        });
  }

  private FileStorage open() {
    return FileStorage.open(settings());
  }

  private static List<Stored<Task>> tasks(int count) {
    var tasks = new ArrayList<Stored<Task>>();
    for (int i = 1; i <= count; i++) {
      tasks.add(new Stored<>(SampleTasks.submit(i).task(), i, "submitted"));
    }
    return tasks;
  }

  /** Tasks, their state files, and a snapshot. */
  private void fill() throws InterruptedException {
    try (FileStorage storage = open()) {
      storage.taskStorage().open(_ -> {});
      commit(storage, 1, TASKS);
      storage.stateFiles().reconcile(tasks(TASKS), List.of(), List.of());
      storage.stateFiles().checkpoint(TASKS);
      snapshot(storage, TASKS);
    }
  }

  private static void commit(FileStorage storage, int from, int to) throws InterruptedException {
    for (int i = from; i <= to; i++) {
      assertEquals(
          new CommitResult.Done(i),
          storage.taskStorage().commit(List.of(SampleTasks.submit(i)), Origin.CLIENT).await());
    }
  }

  private void snapshot(FileStorage storage, int count) {
    storage
        .snapshotStorage()
        .save(
            new StateImage(count, now, tasks(count), List.of(), List.of(), List.of()),
            Reason.MANUAL);
  }

  private static List<Mended> scrub(FileStorage storage) {
    var mended = new ArrayList<Mended>();
    Piece piece;
    do {
      piece = storage.scrubbing().next();
      mended.addAll(piece.mended());
    } while (!piece.last());
    return mended;
  }

  private Opened reopen() {
    try (FileStorage storage = open()) {
      Opened opened = storage.taskStorage().open(_ -> {});
      assertEquals(tasks(TASKS), opened.tasks());
      return opened;
    }
  }

  private static void replace(Path path, String what, Path outside) throws Exception {
    Files.move(path, path.resolveSibling(path.getFileName() + ".away"));
    switch (what) {
      case "file" -> Files.writeString(path, "x");
      case "link" -> Files.createSymbolicLink(path, outside);
      case "fifo" ->
          assertEquals(0, new ProcessBuilder("mkfifo", path.toString()).start().waitFor());
      default -> throw new AssertionError(what);
    }
  }

  private static void putBack(Path path) throws IOException {
    Files.delete(path);
    Files.move(path.resolveSibling(path.getFileName() + ".away"), path);
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "link", "fifo"})
  void whatStandsInADirectorysPlaceIsRefusedAndNotFollowed(String what) throws Exception {
    fill();
    Path outside = Files.createDirectory(directory.resolve("outside"));
    Files.writeString(outside.resolve("theirs.tmp"), "not yours");
    var directories =
        new ArrayList<>(
            List.of(
                "state/journal",
                "state/recovery",
                "state/recovery/journal",
                "state/recovery/quarantine",
                "state/recovery/reports",
                "state/recovery/snapshots",
                "state/snapshots",
                "state/tasks",
                "state/initiatives",
                "logs"));
    for (EventLog.Category category : EventLog.Category.values()) {
      directories.add("logs/" + category.name().toLowerCase(java.util.Locale.ROOT));
    }
    for (String name : directories) {
      Path path = data().resolve(name);
      replace(path, what, outside);
      FileStorageException refused = assertThrows(FileStorageException.class, this::reopen, name);
      assertEquals(FileStorageException.EXIT_REFUSED, refused.exitCode());
      String message = String.valueOf(refused.getMessage());
      assertTrue(message.contains(path + " is not a directory"), message);
      putBack(path);
    }
    assertEquals(List.of(outside.resolve("theirs.tmp")), list(outside));
    reopen();
  }

  private static List<Path> list(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.sorted().toList();
    }
  }

  @Test
  void aLinkThatTakesTheStateFilesPlaceUnderTheServerIsNotFollowed() throws Exception {
    fill();
    Path outside = Files.createDirectory(directory.resolve("outside"));
    Files.writeString(outside.resolve("theirs.json"), "not yours");
    try (FileStorage storage = open()) {
      storage.taskStorage().open(_ -> {});
      replace(state().resolve("tasks"), "link", outside);
      StorageException refused =
          assertThrows(
              StorageException.class,
              () -> storage.stateFiles().reconcile(tasks(TASKS), List.of(), List.of()));
      String message = String.valueOf(refused.getMessage());
      assertTrue(message.contains(state().resolve("tasks") + " is not a directory"), message);
      assertThrows(StorageException.class, () -> storage.stateFiles().sweep(_ -> false));
      scrub(storage);
      assertEquals(List.of(outside.resolve("theirs.json")), list(outside));
      putBack(state().resolve("tasks"));
      assertEquals(
          new Reconciled(0, List.of()),
          storage.stateFiles().reconcile(tasks(TASKS), List.of(), List.of()));
    }
  }

  @Test
  void aLinkInALogsPlaceIsNotFollowed() throws Exception {
    fill();
    Path outside = directory.resolve("outside");
    Files.writeString(outside, "not yours");
    Path log = data().resolve("logs/error/error.jsonl");
    Files.deleteIfExists(log);
    Files.createSymbolicLink(log, outside);
    try (FileStorage storage = open()) {
      storage.taskStorage().open(_ -> {});
      storage.eventLog().append(new EventLog.Entry(now, EventLog.Category.ERROR, "test", Map.of()));
      storage.eventLog().flush();
      scrub(storage);
    }
    assertEquals("not yours", Files.readString(outside));
    assertEquals("rw-r--r--", NioDisk.permissions(outside), "nor is its mode changed");
  }

  @Test
  void filesThatAreOpenToOthersAreTightenedAndReported() throws Exception {
    fill();
    Path run = Files.createDirectories(state().resolve("tasks/10/10000000000000000000/1"));
    Files.writeString(run.resolve("output.log"), "said");
    var loosened = new TreeSet<String>();
    try (Stream<Path> walk = Files.walk(data())) {
      for (Path path : walk.toList()) {
        if (!path.equals(data()) && !path.equals(state())) {
          boolean isDirectory = Files.isDirectory(path);
          Files.setPosixFilePermissions(
              path, PosixFilePermissions.fromString(isDirectory ? "rwxr-xr-x" : "rw-rw-r--"));
          loosened.add(path.toString());
        }
      }
    }
    loosened.remove(data().resolve("logs").toString());
    OfflineVerification.Result verified = OfflineVerification.run(settings());
    for (String path : loosened.tailSet(state().resolve("snapshots").toString())) {
      assertTrue(verified.findings().toString().contains(path + " had mode "), path);
      assertFalse(isPrivate(Path.of(path)), "verify changes nothing");
    }
    try (FileStorage storage = open()) {
      storage.taskStorage().open(_ -> {});
      var places = new TreeSet<String>();
      for (Mended mended : scrub(storage)) {
        places.add(mended.place());
        assertTrue(mended.damage().startsWith("had mode rw"), mended.toString());
        assertNotNull(mended.source());
      }
      // What the start has removed or written anew is as it should be already.
      loosened.removeIf(
          path ->
              !places.contains(path) && (!Files.exists(Path.of(path)) || isPrivate(Path.of(path))));
      // A spare that was loosened has become the segment of this term.
      places.removeIf(path -> path.endsWith("-000002.wal"));
      assertEquals(loosened, places, () -> difference(loosened, places));
      assertEquals(List.of(), scrub(storage), "once is enough");
    }
    try (Stream<Path> walk = Files.walk(data())) {
      walk.filter(path -> !path.equals(data().resolve("logs")))
          .forEach(path -> assertTrue(isPrivate(path), path.toString()));
    }
  }

  private static String difference(Set<String> expected, Set<String> found) {
    var missing = new TreeSet<>(expected);
    missing.removeAll(found);
    var more = new TreeSet<>(found);
    more.removeAll(expected);
    return "missing " + missing + ", more " + more;
  }

  private static boolean isPrivate(Path path) {
    try {
      return NioDisk.permissions(path).endsWith("------");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Files that this user may not open, as those of somebody else are. */
  private static final class Forbidding extends ForwardingDisk {
    private final Path forbidden;

    Forbidding(Path forbidden) {
      super(new NioDisk());
      this.forbidden = forbidden;
    }

    @Override
    public DiskFile open(Path file, Disk.Access access) throws IOException {
      if (file.equals(forbidden)) {
        throw new AccessDeniedException(file.toString());
      }
      return super.open(file, access);
    }
  }

  @Test
  void aSegmentThatMayNotBeReadStopsTheStartWithItsName() throws Exception {
    fill();
    Path segment = list(state().resolve("journal")).getFirst();
    FileStorageException refused =
        assertThrows(
            FileStorageException.class,
            () -> {
              try (FileStorage storage = FileStorage.open(settings(), new Forbidding(segment))) {
                storage.taskStorage().open(_ -> {});
              }
            });
    assertEquals(FileStorageException.EXIT_REFUSED, refused.exitCode());
    String message = String.valueOf(refused.getMessage());
    assertTrue(message.contains(segment.toString()) && message.contains("chown"), message);
    reopen();
  }

  @Test
  void aStateFileThatMayNotBeReadIsMovedAwayAndTheRestIsLookedAt() throws Exception {
    fill();
    String id = SampleTasks.id(3).value();
    Path file = state().resolve("tasks").resolve(id.substring(0, 2)).resolve(id + ".json");
    byte[] sound = Files.readAllBytes(file);
    String other = SampleTasks.id(4).value();
    Path missing = state().resolve("tasks").resolve(other.substring(0, 2)).resolve(other + ".json");
    Files.delete(missing);
    try (FileStorage storage = FileStorage.open(settings(), new Forbidding(file))) {
      storage.taskStorage().open(_ -> {});
      List<Finding> findings =
          storage.stateFiles().reconcile(tasks(TASKS), List.of(), List.of()).findings();
      assertEquals(
          List.of(Condition.DAMAGED, Condition.MISSING),
          findings.stream().map(Finding::condition).toList());
      Path kept = Path.of(String.valueOf(findings.getFirst().quarantined()));
      String note = Files.readString(kept.resolveSibling(kept.getFileName() + ".note"));
      assertTrue(note.contains("cannot be read: java.nio.file.AccessDeniedException"), note);
    }
    assertEquals(-1, java.util.Arrays.mismatch(sound, Files.readAllBytes(file)));
    assertTrue(Files.exists(missing));
  }

  /** A mutant: leaves the time of a file to the file system. */
  private static final class WithoutTimes extends ForwardingDisk {
    WithoutTimes() {
      super(new NioDisk());
    }

    @Override
    public DiskFile open(Path file, Disk.Access access) throws IOException {
      DiskFile opened = super.open(file, access);
      return (DiskFile)
          java.lang.reflect.Proxy.newProxyInstance(
              DiskFile.class.getClassLoader(),
              new Class<?>[] {DiskFile.class},
              (_, method, arguments) ->
                  method.getName().equals("modified") ? null : method.invoke(opened, arguments));
    }
  }

  @Test
  void stateFilesWhoseTimeIsNotSetAreCaughtSinceRotLooksLikeAnEdit() throws Exception {
    for (boolean isMutant : List.of(false, true)) {
      Disk disk = isMutant ? new WithoutTimes() : new NioDisk();
      FileStorageSettings settings =
          FileStorageSettings.of(
              directory.resolve("of-" + disk.getClass().getSimpleName()), clock, _ -> {});
      try (FileStorage storage = FileStorage.open(settings, disk)) {
        storage.taskStorage().open(_ -> {});
        commit(storage, 1, 1);
        storage.stateFiles().reconcile(tasks(1), List.of(), List.of());
        storage.stateFiles().checkpoint(1);
        String id = SampleTasks.id(1).value();
        Path file =
            settings.stateDir().resolve("tasks").resolve(id.substring(0, 2)).resolve(id + ".json");
        var time = Files.getLastModifiedTime(file);
        Files.writeString(file, Files.readString(file).replace("\"true 1\"", "\"trud 1\""));
        Files.setLastModifiedTime(file, time);
        assertEquals(
            List.of(isMutant ? Condition.EDITED : Condition.DAMAGED),
            storage.stateFiles().reconcile(tasks(1), List.of(), List.of()).findings().stream()
                .map(Finding::condition)
                .toList());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "journal",
        "recovery/journal",
        "snapshots",
        "recovery/snapshots",
        "recovery/reports",
        "LOCK",
        "journal/spare.wal"
      })
  void filesOfNoBytesAndOfTenGigabytesAreMendedOrPassedOver(String place) throws Exception {
    fill();
    for (long size : new long[] {0, 10L << 30}) {
      Path path = state().resolve(place);
      Path file = path;
      if (Files.isDirectory(path)) {
        List<Path> files = list(path).stream().filter(one -> !one.endsWith("spare.wal")).toList();
        file = files.isEmpty() ? path.resolve("20261123T120000.000Z-1.json") : files.getFirst();
      }
      Files.deleteIfExists(file);
      try (var sparse = new RandomAccessFile(file.toFile(), "rw")) {
        sparse.setLength(size);
      }
      try (FileStorage storage = open()) {
        assertEquals(tasks(TASKS), storage.taskStorage().open(_ -> {}).tasks());
        scrub(storage);
        if (storage.snapshotStorage().wanted()) {
          snapshot(storage, TASKS);
        }
      }
      reopen();
    }
  }

  @Test
  void namesThatNoServerGivesAreLeftAloneOrPutAsideEverywhere() throws Exception {
    fill();
    String name = "a\u0001\n\u202e\"..;$(x)";
    for (String place :
        List.of(
            "state",
            "state/journal",
            "state/recovery",
            "state/recovery/journal",
            "state/recovery/quarantine",
            "state/recovery/reports",
            "state/recovery/snapshots",
            "state/snapshots",
            "state/tasks",
            "state/initiatives",
            "logs",
            "logs/error")) {
      for (String suffix : List.of("", ".json", ".wal", ".jsonl.zst")) {
        Files.writeString(data().resolve(place).resolve(name + suffix), "{}");
      }
      Files.createDirectory(data().resolve(place).resolve("directory.tmp"));
      Files.writeString(data().resolve(place).resolve("directory.tmp/theirs"), "x");
    }
    try (FileStorage storage = open()) {
      assertEquals(tasks(TASKS), storage.taskStorage().open(_ -> {}).tasks());
      scrub(storage);
      storage.recoveryStorage().newest(10);
      while (!storage.stateFiles().sweep(_ -> true).last()) {
        // One directory in each call.
      }
    }
    reopen();
  }

  @Test
  void clocksThatJumpBetweenStartsLoseNothingAndTheNewestSnapshotIsTheOneOfMostHistory()
      throws Exception {
    int count = 0;
    for (String time :
        List.of(
            "2026-11-23T12:00:00Z",
            "2100-01-01T00:00:00Z",
            "1970-01-01T00:00:01Z",
            "2026-11-23T11:59:59Z")) {
      now = Instant.parse(time);
      try (FileStorage storage = open()) {
        Opened opened = storage.taskStorage().open(_ -> {});
        assertEquals(tasks(count), opened.tasks(), time);
        assertEquals(0, opened.replay().records(), time + ": the snapshot before has everything");
        commit(storage, count + 1, count + 5);
        count += 5;
        storage.stateFiles().reconcile(tasks(count), List.of(), List.of());
        storage.stateFiles().checkpoint(count);
        snapshot(storage, count);
        assertEquals(List.of(), scrub(storage), time);
      }
    }
    try (FileStorage storage = open()) {
      assertEquals(tasks(count), storage.taskStorage().open(_ -> {}).tasks());
      assertEquals(4, storage.snapshotStorage().list().size());
    }
  }
}

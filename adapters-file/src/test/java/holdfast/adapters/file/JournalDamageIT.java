package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.layout.Manifest;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.recovery.RecoveryReport.Cause;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Damage to the files of a journal, on a real file system. */
class JournalDamageIT {
  private static final int TASKS = 60;

  @TempDir private Path directory;

  private FileStorageSettings settings() {
    return FileStorageSettings.of(
            directory.resolve("data"),
            InstantSource.fixed(SampleTasks.NOON),
            failure -> {
              throw new AssertionError(failure);
            })
        .with(FileStorageSettings.Sizes.USUAL.withSegmentBytes(64 << 10));
  }

  private Path state() {
    return directory.resolve("data/state");
  }

  private Path copy(String which) {
    return which.equals("A") ? state().resolve("journal") : state().resolve("recovery/journal");
  }

  private void fill() throws InterruptedException {
    try (FileStorage storage = FileStorage.open(settings())) {
      storage.taskStorage().open(_ -> {});
      for (int i = 0; i < TASKS; i++) {
        CommitResult result =
            storage.taskStorage().commit(List.of(SampleTasks.submit(i)), Origin.CLIENT).await();
        assertInstanceOf(CommitResult.Done.class, result);
      }
    }
  }

  private Opened reopen() {
    try (FileStorage storage = FileStorage.open(settings())) {
      Opened opened = storage.taskStorage().open(_ -> {});
      for (int i = 0; i < TASKS && opened.seq() == TASKS; i++) {
        EntityKey key = EntityKey.of(SampleTasks.id(i));
        assertEquals(
            SampleTasks.submit(i),
            storage.taskStorage().history(key, Long.MAX_VALUE, 1).getFirst().change());
      }
      return opened;
    }
  }

  private static List<Path> segments(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().matches(".*-\\d+\\.wal")).sorted().toList();
    }
  }

  private static void damage(Path file, String how) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    switch (how) {
      case "flip" -> {
        bytes[bytes.length / 2 + 200] ^= 4;
        Files.write(file, bytes);
      }
      case "zero" -> {
        Arrays.fill(bytes, (byte) 0);
        Files.write(file, bytes);
      }
      case "truncate" -> Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
      case "delete" -> Files.delete(file);
      default -> throw new AssertionError(how);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "A, flip",
    "A, zero",
    "A, truncate",
    "A, delete",
    "B, flip",
    "B, zero",
    "B, truncate",
    "B, delete"
  })
  void oneDamagedCopyIsHealedReportedAndKept(String which, String how) throws Exception {
    fill();
    List<Path> segments = segments(copy(which));
    assertTrue(segments.size() > 2, "more than one segment: " + segments);
    Path damaged = segments.get(segments.size() / 2);
    byte[] before = Files.readAllBytes(damaged);
    damage(damaged, how);
    Opened opened = reopen();
    assertEquals(TASKS, opened.tasks().size());
    assertTrue(opened.replay().degraded());
    assertEquals(1, opened.replay().healed().size());
    String healed = opened.replay().healed().getFirst();
    assertTrue(healed.contains(damaged.toString()), healed);
    assertEquals(
        how.equals("flip") ? 1 : 0, opened.replay().quarantined().size(), "only bytes are kept");
    assertEquals(
        how.equals("flip") ? 2 : 0,
        new NioDisk().list(state().resolve("recovery/quarantine")).size(),
        "the bytes and a note");
    assertEquals(-1, Arrays.mismatch(before, Files.readAllBytes(damaged)));
    assertTrue(reopen().replay().healed().isEmpty(), "healed once");
  }

  @Test
  void damageToBothCopiesIsRefusedWithPlaceAndSeq() throws Exception {
    fill();
    for (String which : List.of("A", "B")) {
      damage(segments(copy(which)).get(1), "flip");
    }
    List<byte[]> before = contents();
    FileStorageException refused = assertThrows(FileStorageException.class, this::reopen);
    assertEquals(FileStorageException.EXIT_LOST_HISTORY, refused.exitCode());
    String message = String.valueOf(refused.getMessage());
    assertTrue(message.matches("(?s).*seq \\d+.*offset \\d+.*"), message);
    assertTrue(message.contains(segments(copy("A")).get(1).toString()), message);
    assertTrue(message.contains(segments(copy("B")).get(1).toString()), message);
    List<byte[]> after = contents();
    for (int i = 0; i < before.size(); i++) {
      assertEquals(-1, Arrays.mismatch(before.get(i), after.get(i)), "nothing was changed");
    }
  }

  private List<byte[]> contents() throws IOException {
    var contents = new java.util.ArrayList<byte[]>();
    for (String which : List.of("A", "B")) {
      for (Path file : segments(copy(which))) {
        contents.add(Files.readAllBytes(file));
      }
    }
    return contents;
  }

  @Test
  void lastBatchDamagedInBothCopiesIsNoTornTailWhereASealFollows() throws Exception {
    fill();
    Files.delete(state().resolve("current-state.json"));
    Files.delete(state().resolve("recovery/current-state.json"));
    for (String which : List.of("A", "B")) {
      Path tip = segments(copy(which)).getLast();
      byte[] bytes = Files.readAllBytes(tip);
      int end = bytes.length;
      while (bytes[end - 4_096] == 0) {
        end -= 4_096;
      }
      bytes[end - 2 * 4_096 + 200] ^= 4;
      Files.write(tip, bytes);
    }
    FileStorageException refused = assertThrows(FileStorageException.class, this::reopen);
    assertEquals(FileStorageException.EXIT_LOST_HISTORY, refused.exitCode());
  }

  @Test
  void lossOfTheYoungestSegmentInBothCopiesIsRefused() throws Exception {
    fill();
    for (String which : List.of("A", "B")) {
      Files.delete(segments(copy(which)).getLast());
    }
    FileStorageException refused = assertThrows(FileStorageException.class, this::reopen);
    assertEquals(FileStorageException.EXIT_LOST_HISTORY, refused.exitCode());
  }

  @Test
  void tornTailIsCutAndReported() throws Exception {
    FileStorage storage = FileStorage.open(settings());
    storage.taskStorage().open(_ -> {});
    storage.taskStorage().commit(List.of(SampleTasks.submit(0)), Origin.CLIENT).await();
    storage.abandon();
    for (String which : List.of("A", "B")) {
      Path tip = segments(copy(which)).getLast();
      byte[] bytes = Files.readAllBytes(tip);
      Arrays.fill(bytes, 40_960, 41_000, (byte) 7);
      Files.write(tip, bytes);
    }
    Opened opened = reopen();
    assertEquals(1, opened.tasks().size());
    assertTrue(opened.replay().tornTail());
    assertEquals(Cause.CRASH, opened.replay().cause());
    assertTrue(opened.replay().healed().isEmpty());
    assertFalse(reopen().replay().tornTail());
  }

  @Test
  void damagedManifestOrInstanceIsRebuiltAndReported() throws Exception {
    fill();
    Files.writeString(state().resolve("current-state.json"), "{}");
    Opened opened = reopen();
    assertEquals(Cause.FULL, opened.replay().cause());
    assertEquals(TASKS, opened.seq());
    Files.delete(state().resolve("INSTANCE"));
    Opened again = reopen();
    assertEquals(opened.instanceId(), again.instanceId());
    assertEquals(1, again.replay().healed().size());
    Files.delete(state().resolve("current-state.json"));
    Files.delete(state().resolve("recovery/current-state.json"));
    assertEquals(TASKS, reopen().seq());
  }

  @ParameterizedTest
  @ValueSource(strings = {"flip", "zero", "truncate", "delete"})
  void damagedInstanceIsRebuiltFromTheManifestAndReported(String how) throws Exception {
    fill();
    Path instance = state().resolve("INSTANCE");
    Opened before = reopen();
    if (how.equals("flip")) {
      byte[] bytes = Files.readAllBytes(instance);
      bytes[30] ^= 1;
      Files.write(instance, bytes);
    } else {
      damage(instance, how);
    }
    Opened opened = reopen();
    assertEquals(before.instanceId(), opened.instanceId());
    assertEquals(before.epoch(), opened.epoch());
    assertEquals(TASKS, opened.tasks().size());
    assertEquals(1, opened.replay().healed().size());
    assertTrue(opened.replay().healed().getFirst().contains(instance.toString()));
    assertTrue(reopen().replay().healed().isEmpty(), "rebuilt once");
  }

  @Test
  void unfinishedFilesAreRemovedAtStart() throws Exception {
    fill();
    List<Path> left =
        List.of(
            directory.resolve("data/token.tmp"),
            state().resolve("current-state.json.tmp"),
            state().resolve("INSTANCE.tmp"),
            state().resolve("journal/spare.wal.tmp"),
            state().resolve("recovery/current-state.json.tmp"),
            state().resolve("recovery/journal/000000000001-000001.wal.tmp"),
            state().resolve("recovery/quarantine/x.note.tmp"),
            state().resolve("recovery/reports/x.json.tmp"));
    for (Path file : left) {
      Files.writeString(file, "half");
    }
    assertEquals(TASKS, reopen().tasks().size());
    for (Path file : left) {
      // The keeper may be making the next spare under that very name, but not of these bytes.
      assertFalse(Files.exists(file) && Files.size(file) == 4, file.toString());
    }
  }

  @Test
  void lockNamesPidHostAndStart() throws Exception {
    try (FileStorage storage = FileStorage.open(settings())) {
      storage.taskStorage().open(_ -> {});
      String holder = Files.readString(state().resolve("LOCK"));
      assertTrue(
          holder.matches(
              "pid "
                  + ProcessHandle.current().pid()
                  + " on \\S.*, started \\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}.*Z\n"),
          holder);
    }
  }

  @Test
  void newerManifestOrInstanceIsRefusedUntouched() throws Exception {
    fill();
    for (String name : List.of("INSTANCE", "current-state.json")) {
      Path file = state().resolve(name);
      String sound = Files.readString(file);
      int next = Manifest.FORMAT + 1;
      String newer = forged(sound.replace("\"format\": " + Manifest.FORMAT, "\"format\": " + next));
      Files.writeString(file, newer);
      FileStorageException refused = assertThrows(FileStorageException.class, this::reopen);
      assertTrue(
          String.valueOf(refused.getMessage()).contains("format " + next), refused.getMessage());
      assertEquals(newer, Files.readString(file));
      Files.writeString(file, sound);
    }
  }

  /** The same with a checksum that is right. */
  private static String forged(String json) {
    String covered = json.substring(0, json.lastIndexOf(",\n  \"checksum\""));
    var crc = new CRC32C();
    crc.update(covered.getBytes(StandardCharsets.UTF_8));
    return covered
        + ",\n  \"checksum\": \"crc32c-"
        + String.format("%08x", crc.getValue())
        + "\"\n}\n";
  }

  @Test
  void damagedVersionOfOneCopyIsNotTakenForANewerFormat() throws Exception {
    fill();
    Path tip = segments(copy("A")).getLast();
    byte[] bytes = Files.readAllBytes(tip);
    bytes[8] ^= 2;
    Files.write(tip, bytes);
    assertEquals(TASKS, reopen().tasks().size());
  }

  @Test
  void newerFormatIsRefusedUntouched() throws Exception {
    fill();
    Path tip = segments(copy("A")).getLast();
    byte[] bytes = Files.readAllBytes(tip);
    bytes[9] = 2;
    Files.write(tip, ForgedChecksums.forge(bytes));
    StorageException refused = assertThrows(StorageException.class, this::reopen);
    assertTrue(String.valueOf(refused.getMessage()).contains("format 2"), refused.getMessage());
    assertEquals(-1, Arrays.mismatch(bytes, Files.readAllBytes(tip)));
  }

  @Test
  void mirrorThatIsNotMountedIsRefusedAndRebuiltOnlyOnDemand() throws Exception {
    Path mirror = directory.resolve("mirror");
    FileStorageSettings apart = settings().withMirrorDir(mirror);
    try (FileStorage storage = FileStorage.open(apart)) {
      storage.taskStorage().open(_ -> {});
      storage.taskStorage().commit(List.of(SampleTasks.submit(0)), Origin.CLIENT).await();
    }
    Files.move(mirror, directory.resolve("unmounted"));
    FileStorageException refused =
        assertThrows(FileStorageException.class, () -> openAndClose(apart));
    assertTrue(String.valueOf(refused.getMessage()).contains(mirror.toString()));
    assertTrue(segments(mirror).isEmpty());
    Opened rebuilt =
        openAndClose(
            settings()
                .withMirrorDir(mirror)
                .with(new FileStorageSettings.Allowed(false, true, false, false)));
    assertEquals(1, rebuilt.tasks().size());
    assertEquals(1, openAndClose(apart).tasks().size());
  }

  /** Nothing was committed since the start: a segment that followed would bear the same name. */
  @ParameterizedTest
  @CsvSource({"A, flip", "A, delete", "B, zero", "B, truncate"})
  void aSegmentWithoutRecordsIsMendedUnderTheRunningServer(String which, String how)
      throws Exception {
    fill();
    byte[] sound;
    Path tip;
    try (FileStorage storage = FileStorage.open(settings())) {
      storage.taskStorage().open(_ -> {});
      tip = segments(copy(which)).getLast();
      sound = Files.readAllBytes(tip);
      byte[] bytes = sound.clone();
      bytes[200] ^= 4;
      switch (how) {
        case "flip" -> Files.write(tip, bytes);
        case "zero" -> Files.write(tip, new byte[bytes.length]);
        case "truncate" -> Files.write(tip, Arrays.copyOf(bytes, 100));
        case "delete" -> Files.delete(tip);
        default -> throw new AssertionError(how);
      }
      var mended = new java.util.ArrayList<Mended>();
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (mended.isEmpty()) {
        assertTrue(System.nanoTime() < deadline, "not mended");
        mended.addAll(storage.scrubbing().next().mended());
      }
      assertEquals(List.of(tip.toString()), mended.stream().map(Mended::place).toList());
      storage.taskStorage().commit(List.of(SampleTasks.submit(TASKS)), Origin.CLIENT).await();
    }
    byte[] after = Files.readAllBytes(tip);
    assertEquals(-1, Arrays.mismatch(sound, 0, 4_096, after, 0, 4_096), "the same bytes");
    assertTrue(new String(after, StandardCharsets.ISO_8859_1).contains("HFRC"), "and the new ones");
    Opened opened = reopen();
    assertEquals(TASKS + 1, opened.tasks().size());
    assertFalse(opened.replay().degraded(), opened.replay().toString());
  }

  private static Opened openAndClose(FileStorageSettings settings) {
    try (FileStorage storage = FileStorage.open(settings)) {
      return storage.taskStorage().open(_ -> {});
    }
  }
}

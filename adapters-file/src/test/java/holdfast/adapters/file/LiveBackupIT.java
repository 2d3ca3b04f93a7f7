package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.disk.SmallDisk;
import holdfast.domain.port.Change;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.task.RunRef;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A directory is copied while everything in it changes, and what is not possible leaves nothing.
 */
@Timeout(value = 300, unit = TimeUnit.SECONDS)
class LiveBackupIT {
  private static final int COMMAND_CHARS = 5_000;

  @TempDir private Path scratch;

  private Path data() {
    return scratch.resolve("data");
  }

  private static FileStorageSettings settings(Path data) {
    return StorageWorkload.settings(
        data,
        failure -> {
          throw new AssertionError(failure);
        });
  }

  private LiveBackup.Result backup(Path target) {
    return new LiveBackup.Order(settings(data()), target).run();
  }

  private FileStorageException refused(Path target) {
    return assertThrows(FileStorageException.class, () -> backup(target));
  }

  /**
   * Small segments, so that they are sealed and retired all the time; snapshots, of which only two
   * are kept; state files; purges.
   */
  private static final class Churn implements Runnable {
    /** Now a backup is overtaken by it and now it is not, however slow the machine is. */
    private static final int UPKEEP_MILLIS_MAX = 1_500;

    private final FileStorage files;
    private final Random random;
    private final AtomicBoolean isOver = new AtomicBoolean();
    private final Model model = new Model();
    private final Map<String, Long> acknowledged = new ConcurrentHashMap<>();
    private final Set<String> purging = ConcurrentHashMap.newKeySet();
    private final Set<String> purged = ConcurrentHashMap.newKeySet();

    Churn(FileStorage files, long seed) {
      this.files = files;
      random = new Random(seed);
      Opened opened =
          files.taskStorage().open(changes -> changes.forEach(c -> model.apply(c.change())));
      model.load(StorageWorkload.image(opened));
    }

    @Override
    public void run() {
      long lastUpkeep = System.nanoTime();
      long pause = 0;
      for (long n = 1_000; !isOver.get(); n++) {
        Change.PutTask submit =
            SampleTasks.submit(
                n, SampleTasks.spec("true", "x".repeat(random.nextInt(COMMAND_CHARS))), null);
        commit(submit);
        acknowledged.put(submit.task().id().value(), n);
        if (random.nextInt(4) == 0 && n > 1_010) {
          var victim = SampleTasks.submit(n - 1 - random.nextInt(10)).task();
          if (model.exists(EntityKey.of(victim.id()))) {
            purging.add(victim.id().value());
            commit(SampleTasks.purge(victim));
            purged.add(victim.id().value());
          }
        }
        if (System.nanoTime() - lastUpkeep > TimeUnit.MILLISECONDS.toNanos(pause)) {
          upkeep();
          lastUpkeep = System.nanoTime();
          pause = random.nextInt(UPKEEP_MILLIS_MAX);
        }
      }
    }

    private void commit(Change change) {
      try {
        CommitResult result = files.taskStorage().commit(List.of(change), Origin.CLIENT).await();
        assertTrue(result instanceof CommitResult.Done, result::toString);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    private void upkeep() {
      long seq = model.seq();
      files
          .stateFiles()
          .reconcile(
              model.tasks(),
              model.image().initiatives(),
              model.image().tombstones().stream().map(gone -> gone.key()).toList());
      files.stateFiles().checkpoint(seq);
      files.snapshotStorage().save(model.image(), Reason.PERIODIC);
    }
  }

  @Test
  void whateverChangesMeanwhileTheCopyIsSoundAndHasWhatWasAcknowledged() throws Exception {
    churn(4, Long.getLong("holdfast.test.seed", System.nanoTime()));
  }

  @Test
  @Tag("long")
  void whateverChangesMeanwhileForHours() throws Exception {
    churn(300, Long.getLong("holdfast.test.seed", System.nanoTime()));
  }

  private void churn(int rounds, long seed) throws Exception {
    System.out.println("live backup: " + rounds + " rounds, seed " + seed);
    int tries = 0;
    try (FileStorage files = FileStorage.open(settings(data()))) {
      var churn = new Churn(files, seed);
      var running = CompletableFuture.runAsync(churn);
      try {
        for (int round = 0; round < rounds; round++) {
          Set<String> before = Set.copyOf(churn.acknowledged.keySet());
          Path copy = scratch.resolve("copy-" + round);
          Set<String> gone = Set.copyOf(churn.purged);
          LiveBackup.Result made = backup(copy);
          Set<String> mayBeGone = Set.copyOf(churn.purging);
          tries += made.rounds();
          assertEquals(List.of(), made.findings(), "seed " + seed);
          check(copy, made, before, mayBeGone, gone);
          remove(copy);
        }
      } finally {
        churn.isOver.set(true);
        running.join();
      }
    }
    System.out.println("live backup: " + tries + " tries in all");
  }

  private static void check(
      Path copy,
      LiveBackup.Result made,
      Set<String> before,
      Set<String> mayBeGone,
      Set<String> gone) {
    OfflineVerification.Result verified = OfflineVerification.run(settings(copy));
    assertEquals(List.of(), verified.findings());
    assertTrue(String.valueOf(verified.copied()).contains("--accept-copy"));
    assertEquals(made.seq(), verified.seq());
    assertEquals(made.tasks(), verified.tasks());
    var accepting = settings(copy).with(new FileStorageSettings.Allowed(false, false, true, false));
    try (FileStorage files = FileStorage.open(accepting)) {
      Opened opened = files.taskStorage().open(_ -> {});
      assertTrue(opened.acceptedCopy());
      Set<String> found =
          opened.tasks().stream()
              .map(task -> task.entity().id().value())
              .collect(Collectors.toSet());
      for (String id : before) {
        assertTrue(found.contains(id) || mayBeGone.contains(id), "acknowledged before: " + id);
      }
      for (String id : gone) {
        assertFalse(found.contains(id), "purged before: " + id);
      }
    }
  }

  private static void remove(Path tree) throws IOException {
    try (Stream<Path> walk = Files.walk(tree)) {
      walk.sorted((a, b) -> b.compareTo(a)).forEach(LiveBackupIT::delete);
    }
  }

  private static void delete(Path path) {
    try {
      Files.delete(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void whatCannotBeUsedIsRefusedWithTheRemedyAndUntouched() throws Exception {
    try (FileStorage _ = OpenStorage.withHistory(data(), 3)) {
      Path full = Files.createDirectories(scratch.resolve("full"));
      Files.writeString(full.resolve("mine"), "mine");
      Path file = Files.writeString(scratch.resolve("file"), "mine");
      Path link = Files.createSymbolicLink(scratch.resolve("link"), scratch.resolve("elsewhere"));
      Path through = Files.createSymbolicLink(scratch.resolve("through"), data());
      Path stranger = Files.createDirectories(scratch.resolve("new.unfinished"));
      Files.writeString(stranger.resolve("mine"), "mine");
      Files.writeString(scratch.resolve("other.unfinished"), "mine");
      Map<Path, String> refused =
          Map.of(
              full,
              "is not empty",
              file,
              "is no directory",
              link,
              "is no directory",
              data().resolve("backup"),
              "lie one in the other",
              through.resolve("state").resolve("backup"),
              "lie one in the other",
              data(),
              "lie one in the other",
              scratch,
              "lie one in the other",
              scratch.resolve("no/such"),
              "is no directory. Make it",
              scratch.resolve("new"),
              "is in the way",
              scratch.resolve("other"),
              "is in the way");
      List<String> before = names();
      for (Map.Entry<Path, String> each : refused.entrySet()) {
        FileStorageException answer = refused(each.getKey());
        String message = String.valueOf(answer.getMessage());
        assertEquals(FileStorageException.EXIT_CONFLICT, answer.exitCode(), message);
        assertTrue(message.contains(each.getValue()), message);
      }
      assertEquals(before, names());
      Path empty = Files.createDirectories(scratch.resolve("empty"));
      assertEquals(3, backup(empty).tasks());
      assertTrue(Files.exists(empty.resolve("state/INSTANCE")));
      assertFalse(Files.exists(scratch.resolve("empty.unfinished")));
    }
    var none = new LiveBackup.Order(settings(scratch.resolve("none")), scratch.resolve("x"));
    assertEquals(
        FileStorageException.EXIT_REFUSED,
        assertThrows(FileStorageException.class, none::run).exitCode());
    assertFalse(Files.exists(scratch.resolve("none")));
  }

  /** Everything in the scratch directory but what the open storage itself keeps writing. */
  private List<String> names() throws IOException {
    var names = new ArrayList<String>();
    try (Stream<Path> walk = Files.walk(scratch)) {
      walk.filter(path -> !path.startsWith(data())).map(Path::toString).forEach(names::add);
    }
    return names.stream().sorted().toList();
  }

  @Test
  void whatAKilledOneLeftIsRemovedAndNeverPassesForWhole() throws Exception {
    try (FileStorage _ = OpenStorage.withHistory(data(), 3)) {
      Path left = Files.createDirectories(scratch.resolve("copy.unfinished"));
      Files.writeString(left.resolve("BACKUP"), "pid 1\n");
      Files.createDirectories(left.resolve("state/journal"));
      Files.writeString(left.resolve("state/journal/junk"), "junk");
      Path copy = scratch.resolve("copy");
      assertEquals(3, backup(copy).tasks());
      assertFalse(Files.exists(left));
      assertFalse(Files.exists(copy.resolve("state/journal/junk")));
      assertFalse(Files.exists(copy.resolve("BACKUP")));
    }
  }

  @Test
  void aFullDiskIsNamedAndNothingIsLeft() throws Exception {
    SmallDisk small = SmallDisk.mount(scratch.resolve("small"), 2 << 20);
    Assumptions.assumeTrue(small != null, "needs root to mount a tmpfs");
    try (small;
        FileStorage _ = OpenStorage.withHistory(data(), 3)) {
      Path run = makeRun();
      Files.write(run.resolve("output.log"), new byte[4 << 20]);
      Path target = small.path().resolve("copy");
      FileStorageException full = refused(target);
      assertEquals(FileStorageException.EXIT_FAILED, full.exitCode());
      String message = String.valueOf(full.getMessage());
      assertTrue(message.contains("disk is full") && message.contains("nothing is left"), message);
      assertEquals(List.of(), new NioDisk().list(small.path()));
      Files.write(run.resolve("output.log"), new byte[4 << 10]);
      assertEquals(3, backup(target).tasks());
    }
  }

  private Path makeRun() throws IOException {
    Path run = FileStorage.layout(settings(data())).run(new RunRef(SampleTasks.id(1_000), 1, 1));
    return Files.createDirectories(run);
  }

  @Test
  void whatMustNotBeStartedAgainOrIsNoFileIsLeftOut() throws Exception {
    try (FileStorage _ = OpenStorage.withHistory(data(), 3)) {
      Path run = makeRun();
      Files.writeString(run.resolve("env"), "SECRET=1");
      Files.writeString(run.resolve("output.log"), "out");
      Files.createSymbolicLink(run.resolve("link"), Path.of("/etc/passwd"));
      Files.writeString(run.resolveSibling(".2.new"), "unfinished");
      Files.writeString(data().resolve("token"), "secret-token");
      Files.writeString(data().resolve("token.read"), "secret-too");
      Files.writeString(data().resolve("token.key"), "of no use there");
      Files.writeString(data().resolve("machine-id"), "0123");
      Path copy = scratch.resolve("copy");
      backup(copy);
      Path copied = copy.resolve(data().relativize(run));
      assertEquals(List.of("output.log"), new NioDisk().list(copied));
      assertEquals("secret-token", Files.readString(copy.resolve("token")));
      assertEquals(List.of("logs", "state", "token", "token.read"), new NioDisk().list(copy));
      assertEquals("rw-------", NioDisk.permissions(copied.resolve("output.log")));
    }
  }

  @Test
  void damageOfOneCopyIsNotCopiedAndDamageOfBothIsTold() throws Exception {
    try (FileStorage _ = OpenStorage.withHistory(data(), 50)) {
      // The server has the files open; what is read is what stands there.
      Path segment = segment("journal");
      damage(segment);
      LiveBackup.Result made = backup(scratch.resolve("one"));
      assertEquals(List.of(), made.findings());
      assertEquals(50, made.tasks());
      damage(segment("recovery/journal"));
      FileStorageException both = refused(scratch.resolve("both"));
      assertEquals(FileStorageException.EXIT_FAILED, both.exitCode());
      assertTrue(String.valueOf(both.getMessage()).contains(".wal"), both.getMessage());
      assertFalse(Files.exists(scratch.resolve("both")));
      assertFalse(Files.exists(scratch.resolve("both.unfinished")));
    }
  }

  private Path segment(String directory) throws IOException {
    Path journal = data().resolve("state").resolve(directory);
    String name =
        new NioDisk()
            .list(journal).stream()
                .filter(n -> n.matches("\\d+-\\d+\\.wal"))
                .findFirst()
                .orElseThrow();
    return journal.resolve(name);
  }

  /** In a batch that others follow. */
  private static void damage(Path segment) throws IOException {
    try (var file = new NioDisk().open(segment, Disk.Access.WRITE)) {
      file.write(java.nio.ByteBuffer.wrap(new byte[64]), 5 * 4_096);
    }
  }

  @Test
  void aCopyIsACopyEvenWhereTheNumbersOfFilesAgree() throws Exception {
    try (FileStorage _ = OpenStorage.withHistory(data(), 1)) {
      Path copy = scratch.resolve("copy");
      backup(copy);
      try (FileStorage files = FileStorage.open(settings(copy))) {
        String readOnly = files.taskStorage().open(_ -> {}).readOnly();
        assertTrue(String.valueOf(readOnly).contains("--accept-copy"), readOnly);
      }
    }
  }

  @Test
  void oneThatIsGivenUpLeavesNothing() throws Exception {
    try (FileStorage _ = OpenStorage.withHistory(data(), 3)) {
      var order = new LiveBackup.Order(settings(data()), scratch.resolve("copy"));
      order.giveUp();
      FileStorageException given = assertThrows(FileStorageException.class, order::run);
      assertEquals(FileStorageException.EXIT_FAILED, given.exitCode());
      assertTrue(String.valueOf(given.getMessage()).contains("on request"), given.getMessage());
      assertEquals(List.of(scratch.toString()), names());
    }
  }
}

package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.disk.SmallDisk;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.CommitResult.Reason;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Origin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Somebody else fills the disk, up to each of many levels, under a storage at work: nothing is
 * lost, new tasks are refused, facts go on, a start finds its room, and everything goes on by
 * itself when there is room again.
 */
class FullDiskIT {
  private static final int SEGMENT_BYTES = 64 << 10;
  private static final long RESERVE = 1 << 20;
  private static final long DISK_BYTES = 8 << 20;
  private static final int BLOCK = 4_096;
  private static final int QUEUE_MAX = 100;

  /** A segment and what small files may need, twice. */
  private static final long BALLAST_BYTES = 4L * SEGMENT_BYTES;

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /**
   * More than fit into a segment, a spare one, and half of the ballast; fewer than wait in the
   * queue before whoever brings another has to wait himself.
   */
  private static final int FACTS_MAX = QUEUE_MAX - 10;

  @TempDir private Path scratch;
  private @Nullable SmallDisk mounted;
  private final List<Throwable> fatal = new CopyOnWriteArrayList<>();
  private int number;

  @BeforeEach
  void needsRoot() throws IOException {
    mounted = SmallDisk.mount(scratch.resolve("small"), DISK_BYTES);
    if (mounted == null) {
      System.out.println("FullDiskIT is skipped: it needs root to mount a tmpfs");
    }
    Assumptions.assumeTrue(mounted != null, "needs root to mount a tmpfs");
  }

  @AfterEach
  void unmount() throws IOException {
    if (mounted != null) {
      mounted.close();
    }
  }

  private SmallDisk disk() {
    if (mounted == null) {
      throw new AssertionError("not mounted");
    }
    return mounted;
  }

  @Test
  @Timeout(value = 300, unit = TimeUnit.SECONDS)
  void aDiskFilledToAnyLevelLosesNothingAndGoesOn() throws Exception {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    var levels = edges();
    var random = new Random(seed);
    while (levels.size() < 18) {
      levels.add(random.nextLong(RESERVE + 4L * SEGMENT_BYTES));
    }
    sweep(levels, "seed " + seed);
  }

  @Test
  @Tag("long")
  @Timeout(value = 2, unit = TimeUnit.HOURS)
  void aDiskFilledToEveryLevelLosesNothingAndGoesOn() throws Exception {
    var levels = edges();
    for (long level = 0; level < RESERVE + 4L * SEGMENT_BYTES; level += BLOCK) {
      levels.add(level);
    }
    sweep(levels, "every block");
  }

  /** Where something changes: nothing left, one segment, both, the reserve. */
  private static SortedSet<Long> edges() {
    var edges = new TreeSet<Long>();
    for (long edge : new long[] {0, SEGMENT_BYTES, 2L * SEGMENT_BYTES, RESERVE}) {
      edges.add(edge);
      edges.add(edge + BLOCK);
      edges.add(Math.max(0, edge - BLOCK));
    }
    return edges;
  }

  private void sweep(SortedSet<Long> levels, String which) throws Exception {
    System.out.println("FullDiskIT " + which);
    for (long level : levels) {
      try {
        fill(level);
      } catch (AssertionError | IOException | RuntimeException e) {
        throw new AssertionError(which + ", " + level + " bytes left: " + e, e);
      }
    }
    System.out.println("FullDiskIT " + levels.size() + " levels");
  }

  private FileStorageSettings settings() {
    return FileStorageSettings.of(
            disk().path().resolve("data-" + number / 1_000),
            InstantSource.fixed(SampleTasks.NOON),
            fatal::add)
        .with(new FileStorageSettings.Sizes(SEGMENT_BYTES, QUEUE_MAX, RESERVE, 2, 1 << 20));
  }

  private Path ballast(String copy) {
    return settings().stateDir().resolve(copy).resolve("ballast");
  }

  private boolean isBallastWhole() throws IOException {
    for (String copy : List.of("journal", "recovery/journal")) {
      Path file = ballast(copy);
      if (!Files.exists(file) || Files.size(file) != BALLAST_BYTES) {
        return false;
      }
    }
    return true;
  }

  /** One life on a disk that is filled to {@code level} bytes. */
  private void fill(long level) throws Exception {
    number = (number / 1_000 + 1) * 1_000;
    var model = new Model();
    try (FileStorage files = FileStorage.open(settings())) {
      work(files, model, level);
    }
    assertEquals(List.of(), fatal);
    checkWhole(model);
    Process removal = new ProcessBuilder("rm", "-rf", settings().dataDir().toString()).start();
    assertEquals(0, removal.waitFor());
  }

  private void work(FileStorage first, Model model, long level) throws Exception {
    open(first, model);
    for (int i = 0; i < 10; i++) {
      assertDone(commit(first, Origin.CLIENT_NEW));
    }
    await("the ballast is there", this::isBallastWhole);
    disk().fillUpTo(level);
    if (level < RESERVE) {
      assertNewWorkIsRefused(first);
    }
    upkeep(first, model);
    for (int i = 0; i < FACTS_MAX && (i < 10 || (level < RESERVE && isBallastWhole())); i++) {
      assertDone(commit(first, Origin.INTERNAL));
    }
    if (level < SEGMENT_BYTES) {
      assertTrue(!isBallastWhole(), "facts have used what is kept for them");
      // Whoever filled the disk takes what was given back, too; facts wait until there is nothing.
      disk().fillUpTo(0);
      for (int i = 0; i < FACTS_MAX; i++) {
        first.taskStorage().commit(List.of(SampleTasks.submit(number++)), Origin.INTERNAL);
      }
      await("facts wait for room", () -> !hasSpare());
    }
    assertEquals(List.of(), fatal);
    first.abandon();
    // Facts that still waited for room died with the process.
    fatal.removeIf(failure -> failure instanceof DiskFullException);
    try (FileStorage second = FileStorage.open(settings())) {
      open(second, model);
      assertDone(commit(second, Origin.INTERNAL));
      if (level < RESERVE) {
        assertNewWorkIsRefused(second);
      }
      disk().makeRoom();
      await("new work is taken", () -> !isRefused(commit(second, Origin.CLIENT_NEW)));
      await("nothing is amiss", () -> second.taskStorage().condition().impairment() == null);
      await("the ballast is there again", this::isBallastWhole);
      upkeep(second, model);
    }
  }

  private boolean hasSpare() {
    return Files.exists(settings().stateDir().resolve("journal/spare.wal"));
  }

  private void assertNewWorkIsRefused(FileStorage files) throws Exception {
    await(
        "the want of room is noticed", () -> files.taskStorage().condition().impairment() != null);
    assertTrue(isRefused(commit(files, Origin.CLIENT_NEW)), "new work is taken");
  }

  /** What is served is what was acknowledged; what is committed from now on is added. */
  private static void open(FileStorage files, Model model) {
    Opened opened =
        files.taskStorage().open(changes -> changes.forEach(c -> model.apply(c.change())));
    var found = new Model();
    found.load(StorageWorkload.image(opened));
    assertEquals(model.image(), found.image());
  }

  private void checkWhole(Model model) {
    OfflineVerification.Result result = OfflineVerification.run(settings());
    assertEquals(List.of(), result.findings());
    assertEquals(model.tasks().size(), result.tasks());
  }

  /** State files and a snapshot; they may fail for want of room, and nothing with them. */
  private static void upkeep(FileStorage files, Model model) {
    try {
      files.stateFiles().reconcile(model.tasks(), List.of(), List.of());
      files.stateFiles().checkpoint(model.seq());
      files.snapshotStorage().save(model.image(), SnapshotStorage.Reason.PERIODIC);
    } catch (StorageException e) {
      assertTrue(String.valueOf(e.getCause()).contains("No space left"), String.valueOf(e));
    }
  }

  private CommitResult commit(FileStorage files, Origin origin) throws Exception {
    var commit = files.taskStorage().commit(List.of(SampleTasks.submit(number++)), origin);
    try {
      return CompletableFuture.supplyAsync(
              () -> {
                try {
                  return commit.await();
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
              })
          .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError(origin + " waits for room; " + disk().free() + " bytes free", e);
    }
  }

  private static void assertDone(CommitResult result) {
    assertInstanceOf(CommitResult.Done.class, result);
  }

  private static boolean isRefused(CommitResult result) {
    if (result instanceof CommitResult.Refused(Reason reason, String detail)) {
      assertEquals(Reason.DISK_FULL, reason, detail);
      return true;
    }
    assertDone(result);
    return false;
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void await(String what, Condition condition) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.holds()) {
      assertTrue(System.nanoTime() < deadline, "waited in vain until " + what);
      java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
    }
  }
}

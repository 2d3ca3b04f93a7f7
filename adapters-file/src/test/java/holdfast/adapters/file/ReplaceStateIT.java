package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.snapshot.TestSnapshots;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.CommitResult.Reason;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.SnapshotStorage.Loading;
import holdfast.domain.port.SnapshotStorage.Snapshot;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.port.TaskStorage.Replacement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Another state takes the place of the present one, on disks that fail or are full. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ReplaceStateIT {
  private static final int TASKS = 5;

  @TempDir private Path scratch;
  private final List<Throwable> fatal = new CopyOnWriteArrayList<>();

  private FileStorage open(Path data, FaultyDisk disk) {
    FileStorage storage =
        FileStorage.open(
            FileStorageSettings.of(data, InstantSource.fixed(SampleTasks.NOON), fatal::add)
                .with(
                    FileStorageSettings.Sizes.USUAL.withSegmentBytes(64 << 10).withDiskReserve(0)),
            disk);
    storage.taskStorage().open(_ -> {});
    return storage;
  }

  private static CommitResult submit(FileStorage storage, int n) throws InterruptedException {
    return storage.taskStorage().commit(List.of(SampleTasks.submit(n)), Origin.CLIENT).await();
  }

  private static FileStorage filled(FileStorage storage) throws InterruptedException {
    for (int n = 1; n <= TASKS; n++) {
      assertInstanceOf(CommitResult.Done.class, submit(storage, n));
    }
    return storage;
  }

  private static StateImage another() {
    var task = new TaskStorage.Stored<>(SampleTasks.submit(77).task(), TASKS + 1L, "restored");
    return new StateImage(
        TASKS + 1, SampleTasks.NOON, List.of(task), List.of(), List.of(), List.of());
  }

  /** What a start serves; whether it is the other state. */
  private boolean isReplaced(Path data, int more) {
    try (FileStorage storage =
        FileStorage.open(
            FileStorageSettings.of(data, InstantSource.fixed(SampleTasks.NOON), fatal::add))) {
      Opened opened = storage.taskStorage().open(_ -> {});
      int tasks = opened.tasks().size() - more;
      assertTrue(tasks == TASKS || tasks == 1, "neither whole: " + opened.tasks().size());
      return tasks == 1;
    }
  }

  @Test
  void howeverLateTheDiskBecomesFullOneOfTheTwoIsInForceAndItIsSaidWhich() throws Exception {
    Set<String> came = new HashSet<>();
    for (int room = 0; room < 14; room++) {
      Path data = scratch.resolve("full-" + room);
      var disk = new FaultyDisk(new NioDisk());
      try (FileStorage storage = filled(open(data, disk))) {
        List<Snapshot> snapshots = storage.snapshotStorage().list();
        disk.fullAfter(room);
        Replacement result = storage.taskStorage().replace(TASKS, another());
        disk.fullAfter(Integer.MAX_VALUE);
        came.add(result.getClass().getSimpleName());
        switch (result) {
          case Replacement.Replaced _ ->
              assertEquals(new CommitResult.Done(TASKS + 2), submit(storage, 78));
          case Replacement.Refused(Reason reason, String detail) -> {
            assertEquals(Reason.DISK_FULL, reason, detail);
            assertEquals(snapshots, storage.snapshotStorage().list(), "nothing is left of it");
            assertEquals(new CommitResult.Done(TASKS + 1), submit(storage, 78));
          }
          case Replacement.Unknown _ ->
              assertInstanceOf(CommitResult.Refused.class, submit(storage, 78));
        }
        int more = result instanceof Replacement.Unknown ? 0 : 1;
        storage.abandon();
        boolean isReplaced = isReplaced(data, more);
        assertTrue(
            result instanceof Replacement.Unknown
                || isReplaced == result instanceof Replacement.Replaced,
            result + " after room for " + room + " files");
      }
    }
    assertTrue(came.containsAll(Set.of("Refused", "Replaced")), came.toString());
  }

  @Test
  void withTooLittleRoomItIsNotBegun() throws Exception {
    var disk = new FaultyDisk(new NioDisk());
    Path data = scratch.resolve("data");
    filled(open(data, disk)).close();
    try (FileStorage storage =
        FileStorage.open(
            FileStorageSettings.of(data, InstantSource.fixed(SampleTasks.NOON), fatal::add)
                .with(FileStorageSettings.Sizes.USUAL.withDiskReserve(Long.MAX_VALUE)),
            disk)) {
      storage.taskStorage().open(_ -> {});
      while (storage.taskStorage().condition().impairment() == null) {
        Thread.onSpinWait();
      }
      Replacement.Refused refused =
          assertInstanceOf(
              Replacement.Refused.class, storage.taskStorage().replace(TASKS, another()));
      assertEquals(Reason.DISK_FULL, refused.reason());
    }
    assertTrue(!isReplaced(data, 0));
  }

  @Test
  void aJournalThatFailsMeanwhileEndsTheServerAndEitherStateIsWhole() throws Exception {
    var disk = new FaultyDisk(new NioDisk());
    Path data = scratch.resolve("data");
    try (FileStorage storage = filled(open(data, disk))) {
      disk.breakForces(file -> file.toString().endsWith(".wal"));
      assertInstanceOf(Replacement.Unknown.class, storage.taskStorage().replace(TASKS, another()));
      assertInstanceOf(CommitResult.Refused.class, submit(storage, 78));
      while (fatal.isEmpty()) {
        Thread.onSpinWait();
      }
      assertEquals(1, fatal.size());
      storage.abandon();
    }
    disk.breakForces(_ -> false);
    boolean isReplaced = isReplaced(data, 0);
    assertEquals(isReplaced, isReplaced(data, 0), "what was served once stays");
  }

  @Test
  void aSnapshotThatCannotBeKeptChangesNothing() throws Exception {
    var disk = new FaultyDisk(new NioDisk());
    Path data = scratch.resolve("data");
    try (FileStorage storage = filled(open(data, disk))) {
      disk.breakForces(file -> file.toString().contains("snapshots"));
      assertInstanceOf(Replacement.Refused.class, storage.taskStorage().replace(TASKS, another()));
      disk.breakForces(_ -> false);
      assertEquals(new CommitResult.Done(TASKS + 1), submit(storage, 78));
      assertEquals(List.of(), fatal);
    }
    assertTrue(!isReplaced(data, 1));
  }

  @Test
  void commitsMeanwhileWaitOrAreRefusedAndTheEndComesAfterIt() throws Exception {
    Path data = scratch.resolve("data");
    var results = new ArrayList<Thread>();
    var done = new CopyOnWriteArrayList<CommitResult>();
    var facts = new CopyOnWriteArrayList<CommitResult>();
    FileStorage storage = filled(open(data, new FaultyDisk(new NioDisk())));
    for (int n = 200; n < 260; n++) {
      int number = n;
      results.add(
          Thread.startVirtualThread(
              () -> {
                Origin origin = number % 2 == 0 ? Origin.INTERNAL : Origin.CLIENT;
                try {
                  CommitResult result =
                      storage
                          .taskStorage()
                          .commit(List.of(SampleTasks.submit(number)), origin)
                          .await();
                  (origin == Origin.INTERNAL ? facts : done).add(result);
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
              }));
    }
    Replacement replacement = storage.taskStorage().replace(TASKS, another());
    for (Thread result : results) {
      result.join();
    }
    storage.close();
    facts.forEach(fact -> assertInstanceOf(CommitResult.Done.class, fact, "never refused"));
    long acknowledged =
        done.stream().filter(result -> result instanceof CommitResult.Done).count() + facts.size();
    // The state of before is past as soon as anything is committed: then nothing is replaced.
    boolean isReplaced = isReplaced(data, (int) acknowledged);
    assertEquals(replacement instanceof Replacement.Replaced, isReplaced);
  }

  private static void flip(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
  }

  @Test
  void aStateIsReadFromWhicheverCopyIsWhole() throws Exception {
    Path data = scratch.resolve("data");
    try (FileStorage storage = filled(open(data, new FaultyDisk(new NioDisk())))) {
      SnapshotStorage snapshots = storage.snapshotStorage();
      String id = snapshots.save(another(), SnapshotStorage.Reason.MANUAL).id();
      Path first = data.resolve("state/snapshots/" + id + ".jsonl.zst");
      Path second = data.resolve("state/recovery/snapshots/" + id + ".jsonl.zst");
      flip(first);
      Loading.Loaded loaded = assertInstanceOf(Loading.Loaded.class, snapshots.load(id));
      assertEquals(another(), loaded.image());
      flip(second);
      assertUnusable(snapshots.load(id), first + ": ", second + ": ", "Choose another one");
      Files.delete(first);
      Files.delete(second);
      assertEquals(new Loading.NoSuchSnapshot(), snapshots.load(id));
    }
  }

  private static void assertUnusable(Loading loading, String... named) {
    String detail = assertInstanceOf(Loading.Unusable.class, loading).detail();
    for (String what : named) {
      assertTrue(detail.contains(what), detail);
    }
  }

  @Test
  void aSnapshotOfAnotherDirectoryOrANewerFormatIsRefused() throws Exception {
    Path other = scratch.resolve("other");
    String id;
    try (FileStorage storage = filled(open(other, new FaultyDisk(new NioDisk())))) {
      id = storage.snapshotStorage().save(another(), SnapshotStorage.Reason.MANUAL).id();
    }
    Path data = scratch.resolve("data");
    try (FileStorage storage = filled(open(data, new FaultyDisk(new NioDisk())))) {
      Path snapshots = data.resolve("state/snapshots");
      Files.copy(
          other.resolve("state/snapshots/" + id + ".jsonl.zst"),
          snapshots.resolve(id + ".jsonl.zst"));
      assertUnusable(storage.snapshotStorage().load(id), "is of lineage", id);
      String newer = "20261123T120000.000Z-1-1";
      Files.write(snapshots.resolve(newer + ".jsonl.zst"), TestSnapshots.ofFormat(9, newer));
      assertUnusable(storage.snapshotStorage().load(newer), "format 9", "Use the version");
    }
  }
}

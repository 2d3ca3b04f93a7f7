package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.ExternalEdits.Settled;
import holdfast.application.Lookup;
import holdfast.domain.port.Conflict;
import holdfast.domain.port.Conflict.Kept;
import holdfast.domain.port.Conflict.Side;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SyncStrategy;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Edits of state files that are too large, come while they are written, or race each other. */
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class HostileEditsIT {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final int RACES = 60;

  @TempDir private Path directory;

  private CoreOnDisk start(SyncStrategy strategy) throws Exception {
    return CoreOnDisk.start(directory.resolve("data"), InstantSource.system(), strategy);
  }

  private static Task task(CoreOnDisk server, TaskId id) {
    if (server.core().state().task(id) instanceof Lookup.Found<Stored<Task>>(Stored<Task> found)) {
      return found.entity();
    }
    throw new AssertionError("there is no " + id);
  }

  private static List<Conflict> conflicts(CoreOnDisk server) {
    return server.core().sync().edits().conflicts();
  }

  @Test
  void aHugeAndABinaryFileArePutAsideAndWrittenAnew() throws Exception {
    try (CoreOnDisk server = start(SyncStrategy.PERSISTENT_WINS)) {
      TaskId huge = server.hold("huge");
      TaskId binary = server.hold("binary");
      server.core().sync().force();
      byte[] sound = Files.readAllBytes(server.file(huge));
      byte[] other = Files.readAllBytes(server.file(binary));
      try (var file = new RandomAccessFile(server.file(huge).toFile(), "rw")) {
        file.setLength(100L << 20);
      }
      byte[] noise = new byte[70_000];
      new Random(1).nextBytes(noise);
      Files.write(server.file(binary), noise);
      // What is no whole JSON may still be being written: it is left alone for a moment.
      Await.until(
          () -> {
            server.core().sync().force();
            return conflicts(server).size();
          },
          count -> count == 2,
          PATIENCE);
      assertTrue(java.util.Arrays.equals(sound, Files.readAllBytes(server.file(huge))));
      assertTrue(java.util.Arrays.equals(other, Files.readAllBytes(server.file(binary))));
      for (Conflict conflict : conflicts(server)) {
        assertEquals(Kept.MEMORY, conflict.kept());
        assertNotNull(conflict.reason());
        assertNotNull(conflict.quarantine());
      }
    }
  }

  @Test
  void theCommandOfARunningTaskStaysItsTitleDoesNot() throws Exception {
    try (CoreOnDisk server = start(SyncStrategy.PERSISTENT_WINS)) {
      TaskId id =
          CoreOnDisk.done(
                  server
                      .core()
                      .tasks()
                      .submit(SpecDraft.of("sleep").title("runs").spec(), false, null))
              .entity()
              .id();
      Await.until(() -> task(server, id).state().name(), TaskState.Name.RUNNING::equals, PATIENCE);
      server.core().sync().force();
      String text = Files.readString(server.file(id));
      Files.writeString(server.file(id), text.replace("\"sleep\"", "\"other\""));
      server.core().sync().force();
      Conflict refused = conflicts(server).getFirst();
      assertEquals(Kept.MEMORY, refused.kept());
      assertTrue(String.valueOf(refused.reason()).contains("command"), refused.toString());
      assertEquals(List.of("sleep"), task(server, id).spec().command());
      assertEquals(text, Files.readString(server.file(id)));
      Files.writeString(server.file(id), text.replace("\"runs\"", "\"still runs\""));
      server.core().sync().force();
      assertEquals("still runs", task(server, id).spec().title());
      assertEquals(TaskState.Name.RUNNING, task(server, id).state().name());
    }
  }

  /** Every edit is in force at some time, or kept as the losing side: none is simply gone. */
  @Test
  void editsThatRaceWithTheirFilesBeingWrittenAreNeverLost() throws Exception {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("HostileEditsIT seed " + seed);
    var random = new Random(seed);
    var over = new AtomicBoolean();
    try (CoreOnDisk server = start(SyncStrategy.NEWEST_WINS);
        ExecutorService others = Executors.newFixedThreadPool(2)) {
      TaskId id = server.hold("first");
      server.core().sync().force();
      Future<?> writing = others.submit(looping(over, () -> server.core().sync().force()));
      Future<?> changing =
          others.submit(
              looping(
                  over,
                  () -> {
                    server.rename(id, "changed " + System.nanoTime());
                    return null;
                  }));
      try {
        for (int i = 0; i < RACES; i++) {
          String title = "edit " + i + " ";
          edit(server.file(id), title, random);
          Await.until(() -> tellsOf(server, id, title), Boolean::booleanValue, PATIENCE);
        }
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
      } finally {
        over.set(true);
      }
      writing.get();
      changing.get();
    }
  }

  private static Callable<Void> looping(AtomicBoolean over, Callable<?> action) {
    return () -> {
      while (!over.get()) {
        action.call();
      }
      return null;
    };
  }

  /** As editors do: another file takes the place in one step. */
  private void edit(Path file, String title, Random random) throws Exception {
    String text = Files.readString(file);
    String edited = text.replaceFirst("\"title\": \"[^\"]*\"", "\"title\": \"" + title + "\"");
    Path beside = Files.writeString(directory.resolve("edited"), edited);
    // At any moment of whatever is being done to the file.
    java.util.concurrent.locks.LockSupport.parkNanos(random.nextInt(3_000_000));
    Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static boolean tellsOf(CoreOnDisk server, TaskId id, String title) {
    return conflicts(server).stream()
        .filter(conflict -> conflict.key().equals(EntityKey.of(id)))
        .anyMatch(
            conflict ->
                conflict.persistent() instanceof Side.OfTask(Stored<Task> side)
                    && side.entity().spec().title().equals(title));
  }

  @Test
  void ofTwoWhoSettleAConflictAtOnceOneIsRefused() throws Exception {
    try (CoreOnDisk server = start(SyncStrategy.MEMORY_WINS);
        ExecutorService two = Executors.newFixedThreadPool(2)) {
      for (int i = 0; i < 20; i++) {
        TaskId id = server.hold("memory");
        server.core().sync().force();
        Path file = server.file(id);
        Files.writeString(file, Files.readString(file).replace("\"memory\"", "\"persistent\""));
        server.core().sync().force();
        String conflict = conflicts(server).getFirst().id();
        var edits = server.core().sync().edits();
        Future<Settled> one = two.submit(() -> edits.resolve(conflict, Kept.MEMORY));
        Future<Settled> other = two.submit(() -> edits.resolve(conflict, Kept.PERSISTENT));
        boolean isFirst = one.get() instanceof Settled.Done;
        assertEquals(!isFirst, other.get() instanceof Settled.Done, one.get() + " " + other.get());
        assertEquals(isFirst ? "memory" : "persistent", task(server, id).spec().title());
      }
    }
  }
}

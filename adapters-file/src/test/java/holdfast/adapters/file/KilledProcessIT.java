package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.SampleTasks;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Other processes on the same directory: killed ones, and ones that must not get in. */
@Timeout(value = 300, unit = TimeUnit.SECONDS)
class KilledProcessIT {
  private static final int KILLS = Integer.getInteger("holdfast.test.kills", 15);

  @TempDir private Path directory;

  private Process writer(long first) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            LedgerWriter.class.getName(),
            directory.resolve("data").toString(),
            Long.toString(first))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private FileStorageSettings settings() {
    return FileStorageSettings.of(
        directory.resolve("data"),
        InstantSource.fixed(SampleTasks.NOON),
        failure -> {
          throw new AssertionError(failure);
        });
  }

  @Test
  void everythingInTheLedgerSurvivesEveryKill() throws Exception {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("KilledProcessIT seed " + seed);
    var random = new Random(seed);
    var ledger = new HashSet<Long>();
    long first = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      Process process = writer(first);
      int lines = 1 + random.nextInt(3_000);
      try (BufferedReader acknowledged = process.inputReader()) {
        String line = acknowledged.readLine();
        for (int i = 0; line != null; i++) {
          ledger.add(Long.parseLong(line));
          if (i == lines) {
            // By the handle: a Process that is destroyed closes its output as well, unread.
            process.toHandle().destroyForcibly();
          }
          line = acknowledged.readLine();
        }
      }
      process.waitFor();
      assertEquals(137, process.exitValue(), "killed, not failed");
      first = verify(ledger);
    }
    System.out.println("KilledProcessIT " + KILLS + " kills, " + ledger.size() + " acknowledged");
  }

  private long verify(Set<Long> ledger) {
    try (FileStorage storage = FileStorage.open(settings())) {
      Map<TaskId, Task> found = new HashMap<>();
      storage
          .taskStorage()
          .open(_ -> {})
          .tasks()
          .forEach(stored -> found.put(stored.entity().id(), stored.entity()));
      long last = 0;
      for (long n : ledger) {
        assertEquals(SampleTasks.submit(n).task(), found.get(SampleTasks.id(n)), "task " + n);
        last = Math.max(last, n);
      }
      // Tasks beyond the ledger may have been committed and not reported any more.
      return last + 1_000;
    }
  }

  @Test
  void secondServerIsRefusedAndNamesTheFirst() throws Exception {
    Process process = writer(0);
    try (BufferedReader acknowledged = process.inputReader()) {
      assertEquals("0", String.valueOf(acknowledged.readLine()).replaceAll("\\d+", "0"));
      FileStorageException refused =
          assertThrows(FileStorageException.class, () -> FileStorage.open(settings()));
      assertEquals(FileStorageException.EXIT_REFUSED, refused.exitCode());
      String message = String.valueOf(refused.getMessage());
      assertTrue(message.contains("pid " + process.pid() + " on "), message);
    } finally {
      process.destroyForcibly().waitFor();
    }
    FileStorage.open(settings()).close();
  }

  @Test
  void lockHoldsWithinOneProcessAndSurvivesReadersOfItsFile() throws Exception {
    try (FileStorage first = FileStorage.open(settings())) {
      java.nio.file.Files.readString(directory.resolve("data/state/LOCK"));
      assertThrows(FileStorageException.class, () -> FileStorage.open(settings()));
      assertThrows(FileStorageException.class, () -> FileStorage.open(settings()));
      first.taskStorage().open(_ -> {});
    }
    FileStorage.open(settings()).close();
  }

  @Test
  void directoryThatOthersCanReadIsRefusedWithTheRemedy() throws Exception {
    Path data = directory.resolve("data");
    java.nio.file.Files.createDirectory(data);
    java.nio.file.Files.setPosixFilePermissions(
        data, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-x---"));
    FileStorageException refused =
        assertThrows(FileStorageException.class, () -> FileStorage.open(settings()));
    assertTrue(String.valueOf(refused.getMessage()).contains("chmod 700 " + data));
  }
}

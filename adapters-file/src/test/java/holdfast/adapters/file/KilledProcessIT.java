package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.SampleTasks;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Other processes on the same directory: killed ones, and ones that must not get in. */
@Timeout(value = 300, unit = TimeUnit.SECONDS)
class KilledProcessIT {
  /**
   * Everything acknowledged is read after each kill, so that a directory must not grow for ever.
   */
  private static final int KILLS_OF_ONE_DIRECTORY = 40;

  @TempDir private Path directory;

  private static Process writer(Ledger ledger, Path data) throws IOException {
    return new ProcessBuilder(ledger.writer(data))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private FileStorageSettings settings() {
    return settings(directory.resolve("data"));
  }

  private static FileStorageSettings settings(Path data) {
    return FileStorageSettings.of(
        data,
        InstantSource.fixed(SampleTasks.NOON),
        failure -> {
          throw new AssertionError(failure);
        });
  }

  @Test
  void everythingInTheLedgerSurvivesEveryKill() throws Exception {
    kill(15);
  }

  @Test
  @Tag("long")
  @Timeout(value = 2, unit = TimeUnit.HOURS)
  void everythingInTheLedgerSurvivesAThousandKills() throws Exception {
    kill(1_000);
  }

  private void kill(int kills) throws Exception {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("KilledProcessIT seed " + seed);
    var random = new Random(seed);
    int acknowledged = 0;
    for (int killed = 0; killed < kills; killed += KILLS_OF_ONE_DIRECTORY) {
      acknowledged +=
          killOn(
              directory.resolve("data-" + killed),
              Math.min(KILLS_OF_ONE_DIRECTORY, kills - killed),
              random,
              "seed " + seed + ", kill " + killed + " and ");
    }
    System.out.println("KilledProcessIT " + kills + " kills, " + acknowledged + " acknowledged");
  }

  /** Returns how much was acknowledged. */
  private int killOn(Path data, int kills, Random random, String how) throws Exception {
    var ledger = new Ledger();
    for (int kill = 0; kill < kills; kill++) {
      Process process = writer(ledger, data);
      try (BufferedReader acknowledged = process.inputReader()) {
        // By the handle: a Process that is destroyed closes its output as well, unread.
        ledger.follow(
            acknowledged, 1 + random.nextInt(1_000), () -> process.toHandle().destroyForcibly());
      }
      process.waitFor();
      assertEquals(137, process.exitValue(), "killed, not failed");
      try (FileStorage storage = FileStorage.open(settings(data))) {
        ledger.check(storage.taskStorage().open(_ -> {}), how + kill);
      }
    }
    return ledger.size();
  }

  @Test
  void secondServerIsRefusedAndNamesTheFirst() throws Exception {
    Process process = writer(new Ledger(), directory.resolve("data"));
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

package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.LoopDevice;
import holdfast.domain.port.SampleTasks;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real file system that loses power: an ext4 image on a loop device is shut down without writing
 * its journal, mounted again, and must hold everything that was acknowledged.
 */
class PowerCutIT {
  /** Everything acknowledged is read after each cut, so that a device must not fill for ever. */
  private static final int CUTS_OF_ONE_DEVICE = 40;

  @TempDir private Path directory;

  private static FileStorageSettings settings(Path data) {
    return FileStorageSettings.of(
        data,
        InstantSource.fixed(SampleTasks.NOON),
        failure -> {
          throw new AssertionError(failure);
        });
  }

  @Test
  @Timeout(value = 300, unit = TimeUnit.SECONDS)
  void everythingInTheLedgerSurvivesThePowerCuts() throws Exception {
    cut(8, Long.getLong("holdfast.test.seed", System.nanoTime()));
  }

  @Test
  @Tag("long")
  @Timeout(value = 2, unit = TimeUnit.HOURS)
  void everythingInTheLedgerSurvivesAThousandPowerCuts() throws Exception {
    cut(1_000, Long.getLong("holdfast.test.seed", System.nanoTime()));
  }

  private void cut(int times, long seed) throws Exception {
    System.out.println("PowerCutIT seed " + seed);
    var random = new Random(seed);
    int acknowledged = 0;
    for (int cuts = 0; cuts < times; cuts += CUTS_OF_ONE_DEVICE) {
      LoopDevice device = LoopDevice.make(directory.resolve("image-" + cuts), 512L << 20);
      Assumptions.assumeTrue(
          device != null, "needs root, mkfs.ext4 and a loop device: the power cut is not tested");
      acknowledged +=
          cutOn(
              device,
              Math.min(CUTS_OF_ONE_DEVICE, times - cuts),
              random,
              "seed " + seed + ", cut " + cuts + " and ");
      Files.delete(directory.resolve("image-" + cuts));
    }
    System.out.println("PowerCutIT " + times + " cuts, " + acknowledged + " acknowledged");
    assertTrue(acknowledged > times, "the writers hardly got to write");
  }

  /** Returns how much was acknowledged. */
  private int cutOn(LoopDevice device, int times, Random random, String how) throws Exception {
    var ledger = new Ledger();
    Path mount = directory.resolve("mount");
    for (int i = 0; i < times; i++) {
      device.mount(mount);
      Path data = mount.resolve("data");
      writeUntilThePowerIsCut(ledger, data, device, 1 + random.nextInt(1_000));
      device.unmount();
      device.mount(mount);
      try (FileStorage storage = FileStorage.open(settings(data))) {
        ledger.check(storage.taskStorage().open(_ -> {}), how + i);
      }
      device.unmount();
    }
    return ledger.size();
  }

  private static void writeUntilThePowerIsCut(
      Ledger ledger, Path data, LoopDevice device, int lines) throws IOException {
    Process process =
        new ProcessBuilder(ledger.writer(data))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (BufferedReader output = process.inputReader()) {
      ledger.follow(output, lines, device::cutPower);
    } finally {
      process.destroyForcibly();
      process.onExit().join();
    }
  }
}

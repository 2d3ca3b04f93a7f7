package holdfast.adapters.file.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class ParallelForcingTest {
  private static final Path ROOT = Path.of("/d");

  private final SimulatedDisk one = new SimulatedDisk(ROOT);
  private final SimulatedDisk two = new SimulatedDisk(ROOT);

  private List<DiskFile> files() throws IOException {
    return List.of(
        one.open(ROOT.resolve("a"), Disk.Access.CREATE),
        two.open(ROOT.resolve("b"), Disk.Access.CREATE));
  }

  @Test
  void bothFilesAreForcedEachTimeBeforeItReturns() throws IOException {
    List<DiskFile> files = files();
    var meanwhile = new AtomicInteger();
    try (var forcing = new ParallelForcing()) {
      for (int i = 1; i <= 1_000; i++) {
        forcing.force(files, meanwhile::incrementAndGet);
        assertEquals(i, one.forces());
        assertEquals(i, two.forces());
        assertEquals(i, meanwhile.get());
      }
    }
  }

  @Test
  void failureOfEitherFileIsThrownAndNotRemembered() throws IOException {
    List<DiskFile> files = files();
    one.failForce(1);
    two.failForce(3);
    try (var forcing = new ParallelForcing()) {
      for (int i = 0; i < 5; i++) {
        if (i % 2 == 0) {
          forcing.force(files, () -> {});
        } else {
          assertThrows(IOException.class, () -> forcing.force(files, () -> {}), "force " + i);
        }
      }
    }
    assertTrue(one.forces() == 5 && two.forces() == 5, "each was tried each time");
  }
}

package holdfast.adapters.file.disk;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import holdfast.adapters.file.disk.SimulatedDisk.Fate;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DiskTest {
  @Test
  void replacedContentOutlivesAPowerCut() throws IOException {
    Path file = Path.of("/d/file");
    var disk = new SimulatedDisk(Path.of("/d"));
    disk.replace(file, new byte[] {1});
    disk.replace(file, new byte[] {2, 2});
    SimulatedDisk cut = disk.afterPowerCut(() -> Fate.DROPPED, new Random(1));
    assertArrayEquals(new byte[] {2, 2}, cut.content(file));
  }
}

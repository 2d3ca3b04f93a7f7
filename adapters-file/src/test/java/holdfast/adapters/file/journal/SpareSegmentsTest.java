package holdfast.adapters.file.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.ForwardingDisk;
import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.quarantine.Quarantine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpareSegmentsTest {
  private static final int SEGMENT_BYTES = 8_192;

  @TempDir Path scratch;

  private SpareSegments spares(Disk disk) {
    var quarantine =
        new Quarantine(disk, scratch.resolve("quarantine"), InstantSource.system(), 1 << 20);
    var copies = List.of(new JournalCopy(disk, scratch.resolve("journal"), quarantine));
    return new SpareSegments(copies, SEGMENT_BYTES, new Ballast(copies, SEGMENT_BYTES));
  }

  @Test
  void aDirectoryThatIsNotThereMayComeBack() throws IOException {
    SpareSegments spares = spares(new NioDisk());
    assertThrows(NoSuchFileException.class, spares::prepare);
    Path journal = Files.createDirectory(scratch.resolve("journal"));
    spares.prepare();
    assertEquals(SEGMENT_BYTES, Files.size(journal.resolve("spare.wal")));
  }

  @Test
  void afterADiskHasFailedNoSegmentIsMadeAnyMore() throws IOException {
    Files.createDirectory(scratch.resolve("journal"));
    var disk = new FailingOnce();
    SpareSegments spares = spares(disk);
    assertThrows(IOException.class, spares::prepare);
    assertTrue(disk.hasFailed);
    IOException again = assertThrows(IOException.class, spares::prepare);
    assertTrue(String.valueOf(again.getMessage()).contains("an earlier segment"), "" + again);
  }

  private static final class FailingOnce extends ForwardingDisk {
    private boolean hasFailed;

    FailingOnce() {
      super(new NioDisk());
    }

    @Override
    public DiskFile open(Path file, Access access) throws IOException {
      if (access == Access.CREATE && !hasFailed) {
        hasFailed = true;
        throw new IOException("Input/output error");
      }
      return super.open(file, access);
    }
  }
}

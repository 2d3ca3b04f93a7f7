package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.domain.port.EventLog.Category;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;

/** Event logs that compress when a test says so, on its own thread. */
public final class TestLogs {
  private TestLogs() {}

  /** Opens one that compresses nothing by itself. */
  public static FileEventLog open(
      Disk disk,
      Path directory,
      FileEventLog.Bounds bounds,
      InstantSource clock,
      FileEventLog.Vouching vouching)
      throws IOException {
    return new FileEventLog(disk, directory, bounds, clock, vouching, false);
  }

  /** Compresses what was rotated of the audit trail. While nothing is written. */
  public static void compressAudit(Disk disk, Path directory) throws IOException {
    new RotatedFiles(disk, directory.resolve(Category.AUDIT.label()), Category.AUDIT)
        .compress(() -> false);
  }
}

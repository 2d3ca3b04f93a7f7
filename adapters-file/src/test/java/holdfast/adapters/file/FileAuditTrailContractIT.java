package holdfast.adapters.file;

import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.log.FileAuditTrail;
import holdfast.adapters.file.log.FileEventLog;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.AuditTrailContractTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

class FileAuditTrailContractIT extends AuditTrailContractTest {
  @TempDir private Path logs;

  @SuppressWarnings("NullAway.Init")
  private FileEventLog log;

  @SuppressWarnings("NullAway.Init")
  private FileAuditTrail trail;

  @BeforeEach
  void open() throws IOException {
    log =
        new FileEventLog(
            new NioDisk(),
            logs,
            new FileEventLog.Bounds(
                1 << 20, 10, Duration.ofDays(1), 64 << 20, Duration.ofSeconds(1)),
            InstantSource.system());
    trail =
        new FileAuditTrail(
            log,
            new FileAuditTrail.Evidence(
                Map::of, this::after, () -> journal.isEmpty() ? 0 : journal.getLast().seq()));
  }

  @AfterEach
  void close() {
    log.close();
  }

  @Override
  protected AuditTrail trail() {
    return trail;
  }

  @Override
  protected void alter(int place) {
    change(place, line -> List.of(line.replace("admin", "adm1n").replace("system", "sysadm")));
  }

  @Override
  protected void remove(int place) {
    change(place, _ -> List.of());
  }

  private void change(int place, java.util.function.Function<String, List<String>> change) {
    Path file = logs.resolve("audit/audit.jsonl");
    try {
      var lines = new ArrayList<>(Files.readAllLines(file));
      List<String> changed = change.apply(lines.remove(place));
      lines.addAll(place, changed);
      Files.writeString(file, String.join("\n", lines) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package holdfast.adapters.file;

import holdfast.domain.port.EventLog;
import holdfast.domain.port.EventLogContractTest;
import holdfast.domain.port.SampleTasks;
import java.nio.file.Path;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

class FileEventLogContractIT extends EventLogContractTest {
  @TempDir private Path directory;

  @SuppressWarnings("NullAway.Init")
  private FileStorage storage;

  @BeforeEach
  void open() {
    storage =
        FileStorage.open(
            FileStorageSettings.of(
                directory.resolve("data"), InstantSource.fixed(SampleTasks.NOON), _ -> {}));
  }

  @AfterEach
  void close() {
    storage.close();
  }

  @Override
  protected EventLog log() {
    return storage.eventLog();
  }
}

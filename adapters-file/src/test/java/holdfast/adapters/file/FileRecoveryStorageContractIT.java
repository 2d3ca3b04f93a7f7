package holdfast.adapters.file;

import holdfast.domain.port.RecoveryStorage;
import holdfast.domain.port.RecoveryStorageContractTest;
import holdfast.domain.port.SampleTasks;
import java.nio.file.Path;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

class FileRecoveryStorageContractIT extends RecoveryStorageContractTest {
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
  protected RecoveryStorage storage() {
    return storage.recoveryStorage();
  }
}

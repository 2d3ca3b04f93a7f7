package holdfast.adapters.file;

import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.SnapshotStorageContractTest;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

class FileSnapshotStorageContractIT extends SnapshotStorageContractTest {
  @TempDir private Path directory;

  @SuppressWarnings("NullAway.Init")
  private FileStorage storage;

  @BeforeEach
  void open() {
    storage = OpenStorage.withHistory(directory.resolve("data"), 10);
  }

  @AfterEach
  void close() {
    storage.close();
  }

  @Override
  protected SnapshotStorage storage() {
    return storage.snapshotStorage();
  }
}

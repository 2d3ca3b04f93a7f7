package holdfast.adapters.file;

import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StateFiles;
import holdfast.domain.port.StateFilesContractTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

class FileStateFilesContractIT extends StateFilesContractTest {
  @TempDir private Path directory;

  @SuppressWarnings("NullAway.Init")
  private FileStorage storage;

  @BeforeEach
  void open() {
    storage = OpenStorage.withHistory(directory.resolve("data"), 100);
  }

  @AfterEach
  void close() {
    storage.close();
  }

  @Override
  protected StateFiles files() {
    return storage.stateFiles();
  }

  @Override
  protected void lose(EntityKey key) {
    try {
      Files.delete(
          directory
              .resolve("data/state/tasks")
              .resolve(key.id().substring(0, 2))
              .resolve(key.id() + ".json"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}

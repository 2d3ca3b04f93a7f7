package holdfast.adapters.file;

import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.TaskStorage;
import holdfast.domain.port.TaskStorageContractTest;
import java.nio.file.Path;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

class FileTaskStorageContractIT extends TaskStorageContractTest {
  @TempDir private Path directory;
  private @Nullable FileStorage storage;

  @Override
  protected TaskStorage create() {
    if (storage != null) {
      storage.close();
    }
    FileStorage opened =
        FileStorage.open(
            FileStorageSettings.of(
                    directory.resolve("data"),
                    InstantSource.fixed(SampleTasks.NOON),
                    failure -> {
                      throw new AssertionError(failure);
                    })
                .with(FileStorageSettings.Sizes.USUAL.withSegmentBytes(1 << 20)));
    storage = opened;
    return opened.taskStorage();
  }

  @Override
  protected void crash() {
    if (storage != null) {
      storage.abandon();
    }
  }

  @AfterEach
  void close() {
    if (storage != null) {
      storage.close();
    }
  }
}

package holdfast.adapters.file;

import holdfast.domain.port.CommitResult;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.TaskStorage.Origin;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;

/** Storage on a real file system, opened, with some history. */
final class OpenStorage {
  private OpenStorage() {}

  static FileStorageSettings settings(Path data) {
    return FileStorageSettings.of(
        data,
        InstantSource.fixed(SampleTasks.NOON),
        failure -> {
          throw new AssertionError(failure);
        });
  }

  /** With {@code changes} tasks submitted, numbered from 1,000 on. */
  static FileStorage withHistory(Path data, int changes) {
    FileStorage storage = FileStorage.open(settings(data));
    storage.taskStorage().open(_ -> {});
    try {
      for (int i = 0; i < changes; i++) {
        CommitResult result =
            storage
                .taskStorage()
                .commit(List.of(SampleTasks.submit(1_000 + i)), Origin.CLIENT)
                .await();
        if (!(result instanceof CommitResult.Done)) {
          throw new AssertionError(result);
        }
      }
      return storage;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}

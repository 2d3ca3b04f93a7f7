package holdfast.adapters.file;

import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.OutputStorageContractTest;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

class FileOutputStorageContractIT extends OutputStorageContractTest {
  @TempDir private Path directory;

  @SuppressWarnings("NullAway.Init")
  private FileStorage storage;

  @BeforeEach
  void open() {
    storage =
        FileStorage.open(
            FileStorageSettings.of(
                directory.resolve("data"), InstantSource.fixed(SampleTasks.NOON), _ -> {}));
    storage.taskStorage().open(_ -> {});
  }

  @AfterEach
  void close() {
    storage.close();
  }

  @Override
  protected OutputStorage storage() {
    return storage.outputStorage();
  }

  @Override
  protected void write(RunRef run, OutputStreamName stream, byte[] bytes) {
    String file =
        switch (stream) {
          case MERGED -> "output.log";
          case STDOUT -> "stdout.log";
          case STDERR -> "stderr.log";
        };
    try {
      Path target = Files.createDirectories(storage.runDirectory(run)).resolve(file);
      Files.write(target, bytes, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  protected void damageRaw(Output output, int offset) {
    turnOver(storage.runDirectory(output.run()).resolve("output.log"), offset);
  }

  @Override
  protected void damageCopy(Output output) {
    Path copies = directory.resolve("data/state/recovery/outputs");
    try (var found = Files.walk(copies)) {
      Path copy = found.filter(Files::isRegularFile).findFirst().orElseThrow();
      turnOver(copy, Files.size(copy) / 2);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void turnOver(Path file, long offset) {
    try {
      byte[] bytes = Files.readAllBytes(file);
      bytes[(int) offset] ^= 1;
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

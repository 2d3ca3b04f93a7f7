package holdfast.adapters.file;

import holdfast.domain.port.SampleTasks;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;

/**
 * A process that opens a storage when it is told to, says whether it got it, and keeps it until it
 * is told to end.
 */
final class LockContender {
  private LockContender() {}

  public static void main(String[] arguments) throws IOException {
    var told = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    FileStorageSettings settings =
        FileStorageSettings.of(
                Path.of(arguments[0]),
                InstantSource.fixed(SampleTasks.NOON),
                failure -> {
                  System.out.println("ended: " + failure.getMessage());
                  Runtime.getRuntime().halt(FileStorageException.EXIT_JOURNAL_FAILED);
                })
            .with(FileStorageSettings.Sizes.USUAL.withSegmentBytes(64 << 10).withDiskReserve(0));
    // So that contenders meet at the lock, not at the start of the virtual machine.
    SampleTasks.submit(1);
    System.out.println("ready");
    told.readLine();
    try (FileStorage files = FileStorage.open(settings)) {
      files.taskStorage().open(_ -> {});
      System.out.println("won");
      told.readLine();
    } catch (FileStorageException e) {
      System.out.println("refused: " + e.getMessage());
      System.out.flush();
      Runtime.getRuntime().halt(e.exitCode());
    }
  }
}

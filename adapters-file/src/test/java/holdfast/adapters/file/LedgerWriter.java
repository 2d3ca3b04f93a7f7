package holdfast.adapters.file;

import holdfast.domain.port.CommitResult;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.TaskStorage;
import holdfast.domain.port.TaskStorage.Origin;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A process that commits tasks from several threads until it is killed, and prints the number of
 * each that was acknowledged: the ledger of whoever reads it.
 */
final class LedgerWriter {
  private static final int WRITERS = 16;

  private LedgerWriter() {}

  public static void main(String[] arguments) {
    FileStorage files =
        FileStorage.open(
            FileStorageSettings.of(
                    Path.of(arguments[0]), InstantSource.system(), failure -> System.exit(70))
                .with(FileStorageSettings.Sizes.USUAL.withSegmentBytes(1 << 20)));
    TaskStorage storage = files.taskStorage();
    storage.open(_ -> {});
    var next = new AtomicLong(Long.parseLong(arguments[1]));
    // Unbuffered: a line that was printed has left the process, whatever kills it.
    var ledger = new FileOutputStream(FileDescriptor.out);
    for (int i = 0; i < WRITERS; i++) {
      Thread.ofPlatform().start(() -> write(storage, next, ledger));
    }
  }

  private static void write(TaskStorage storage, AtomicLong next, FileOutputStream ledger) {
    try {
      while (true) {
        long n = next.getAndIncrement();
        CommitResult result =
            storage.commit(List.of(SampleTasks.submit(n)), Origin.CLIENT_NEW).await();
        if (result instanceof CommitResult.Done) {
          ledger.write((n + "\n").getBytes(StandardCharsets.US_ASCII));
        }
      }
    } catch (InterruptedException | IOException e) {
      throw new AssertionError(e);
    }
  }
}

package holdfast.adapters.file.journal;

import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.util.List;

/** How the copies of a batch are made durable. */
interface Forcing extends AutoCloseable {

  /**
   * Forces all files, and runs {@code meanwhile} beside that.
   *
   * @throws IOException if one could not be forced; all attempts are over then
   */
  void force(List<DiskFile> files, Runnable meanwhile) throws IOException;

  @Override
  default void close() {}

  /**
   * One after another, on the caller's thread: every run makes the same calls in the same order.
   */
  final class InTurn implements Forcing {
    @Override
    public void force(List<DiskFile> files, Runnable meanwhile) throws IOException {
      meanwhile.run();
      for (DiskFile file : files) {
        file.force();
      }
    }
  }
}

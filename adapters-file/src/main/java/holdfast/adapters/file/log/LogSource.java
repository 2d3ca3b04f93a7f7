package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLogReader.Filter;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A file of lines, in pieces that can be read one by one. Only one piece is ever in memory. For one
 * thread.
 */
interface LogSource extends AutoCloseable {

  /** How many pieces there are that may hold something wanted. */
  int pieces();

  /** A number that no line in a piece, nor in any before it, is above. */
  long bound(int piece) throws IOException;

  /** A number that no line in a piece, nor in any behind it, is below. */
  long begin(int piece) throws IOException;

  /** The lines of a piece, or null if they are damaged. */
  @Nullable Lines read(int piece) throws IOException;

  /** Places in the file that were passed over because nothing can be known of them. */
  int damaged();

  @Override
  void close() throws IOException;

  /**
   * Opens a file.
   *
   * @param newest no line with a higher number is asked for
   */
  static LogSource of(RotatedFiles.Opened opened, Reading reading, long newest) throws IOException {
    DiskFile file = opened.file();
    try {
      return opened.isCompressed()
          ? new PackedSource(file, reading.filter(), newest)
          : new PlainSource(file, reading, newest);
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** What is looked for, and in which category. */
  record Reading(Category category, Filter filter) {}
}

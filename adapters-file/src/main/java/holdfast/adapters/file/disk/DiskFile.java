package holdfast.adapters.file.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;

/**
 * An open file. Any thread may read; one thread at a time writes.
 *
 * <p>A thread that is interrupted in here closes the file for everybody: the file of a writer is
 * touched by threads that nobody interrupts.
 */
public interface DiskFile extends AutoCloseable {

  /**
   * Reads into the room of {@code target}.
   *
   * @return bytes read, 0 or fewer at the end of the file
   */
  int read(ByteBuffer target, long offset) throws IOException;

  /** Writes all that remains in {@code source}. Durable only after {@link #force}. */
  void write(ByteBuffer source, long offset) throws IOException;

  /**
   * Makes everything written durable, and the size with it.
   *
   * <p>After a failure the file must be given up: what was not written is gone from memory too, and
   * another call would report success.
   */
  void force() throws IOException;

  /**
   * Sets when the file was last written to. A power cut may take that back. Write nothing after.
   */
  void modified(Instant time) throws IOException;

  long size() throws IOException;

  void truncate(long size) throws IOException;

  @Override
  void close() throws IOException;
}

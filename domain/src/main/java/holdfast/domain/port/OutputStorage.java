package holdfast.domain.port;

import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.nio.ByteBuffer;

/**
 * What commands wrote, addressed by run and offset. The bytes are put there by the commands
 * themselves; a byte once read at an offset stays that byte.
 *
 * <p>Any thread; a call may block on the disk.
 */
public interface OutputStorage {

  /** Opens a stream for reading. One that does not exist (yet) reads as empty. */
  Reader open(RunRef run, OutputStreamName stream);

  /**
   * Removes the outputs of all of a task's runs, durably. Removing what is not there is no error.
   */
  void purge(TaskId task);

  /** One reader's view of a stream. Not safe for use by several threads at once. */
  interface Reader extends AutoCloseable {

    /** Bytes that exist at this moment; grows while the run's processes live. */
    long length();

    /**
     * Reads from {@code offset} into {@code target}, at most its remaining room.
     *
     * @return bytes read, 0 if none exist there yet
     * @throws StorageException if bytes that must exist cannot be read
     */
    int read(long offset, ByteBuffer target);

    @Override
    void close();
  }
}

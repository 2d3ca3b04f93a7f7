package holdfast.domain.port;

import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.task.OutputSeal;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What commands wrote, addressed by run and offset, and a second copy of it. The bytes are put
 * there by the commands themselves; a byte once read at an offset stays that byte.
 *
 * <p>While a run lives, {@link #copy} keeps the second copy in step, as often as it is called.
 * {@link #seal} completes it after the end; from then on damage of either copy is found, by every
 * reader and by {@link #check}, and mended from the other.
 *
 * <p>Any thread, except that {@link #copy} and {@link #force} are for one thread at a time; a call
 * may block on the disk.
 */
public interface OutputStorage {

  /** One stream of one run. */
  record Output(RunRef run, OutputStreamName stream) {
    @Override
    public String toString() {
      return run + " " + stream;
    }
  }

  /**
   * Opens a stream for reading. One that does not exist (yet) reads as empty.
   *
   * @param seal what the stream is known to hold, or null. What it covers is checked before it is
   *     read, and mended if it has to be
   */
  Reader open(Output output, @Nullable OutputSeal seal);

  /**
   * Copies what has been written since the last call: a bounded part of it.
   *
   * @param all whether to copy what fills no whole chunk yet
   * @throws StorageException if the copy cannot be written; what is in it already stays
   */
  Copied copy(Output output, boolean all);

  /** Makes everything that was copied durable. */
  void force();

  /**
   * Completes the copies of streams whose run has ended with what they hold now, makes both copies
   * durable, and says what they hold. What one copy has lost since it was written is put back from
   * the other. One that was sealed before and has grown since is sealed anew.
   *
   * @return for each stream what came of it
   */
  Map<Output, Sealing> seal(List<Output> outputs);

  /**
   * Reads a sealed stream again, a bounded part of both copies, and mends what is damaged.
   *
   * @param from where the part begins: 0, or what an earlier call returned
   */
  Checked check(Output output, OutputSeal seal, long from);

  /**
   * Keeps a sealed stream in less room where that pays; readers see no difference.
   *
   * @param isOver asked if it would pay: whether nobody can write to the stream any more
   * @return whether it takes less room now than before
   * @throws StorageException if it cannot be done; it is kept as it was then
   */
  boolean pack(Output output, OutputSeal seal, BooleanSupplier isOver);

  /** Lets go of what {@link #copy} keeps open for a stream that is not written any more. */
  void release(Output output);

  /**
   * Sets who hears of damage that a reader or a copy met, and that was mended for it. Called once,
   * before anything is read; calls come on the threads of those who met it.
   */
  void listener(Consumer<Mended> heard);

  /**
   * Removes the outputs of all of a task's runs, durably. Removing what is not there is no error.
   */
  void purge(TaskId task);

  /**
   * How far a copy is.
   *
   * @param end bytes that are in it
   * @param length bytes that there were to copy when it was looked at
   */
  record Copied(long end, long length) {
    public long lag() {
      return Math.max(0, length - end);
    }
  }

  /** What came of sealing a stream. */
  sealed interface Sealing {
    /**
     * Both copies are durable and hold this.
     *
     * @param mended what had to be put back before
     */
    record Sealed(OutputSeal seal, List<Mended> mended) implements Sealing {}

    /** It could not be done now; nothing is lost, and it may be tried again. */
    record Postponed(String reason) implements Sealing {}
  }

  /**
   * What a check found.
   *
   * @param next where the next part begins, or -1 if there is none
   * @param bytes that were read
   * @param grown whether there are bytes behind the sealed ones
   */
  record Checked(long next, long bytes, boolean grown, List<Mended> mended) {}

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

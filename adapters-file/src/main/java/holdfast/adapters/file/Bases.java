package holdfast.adapters.file;

import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.Journal;
import holdfast.adapters.file.journal.JournalSink;
import holdfast.adapters.file.layout.Census;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StateImage;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The states that history goes on from. Used by one thread, during a start. */
interface Bases {

  /**
   * What is asked for.
   *
   * @param extent what the journal holds: the base must reach its beginning, and if the journal
   *     says what the epoch began with, a snapshot of that name counts only with that content
   */
  record Wanted(UUID lineage, long epoch, Journal.Extent extent, Checkpoint checkpoint) {

    /** What the base must reach; 0 if the journal goes back to the beginning, or is gone. */
    long seqMin() {
      return extent.firstSeq() - 1;
    }
  }

  /**
   * What is known of the state files.
   *
   * @param seq every change up to this one is in them; -1 if that is not known
   * @param census of the state at {@code seq}, or null if that is not known
   * @param floor up to which the journal may have been retired; -1 if that is not known
   * @param acceptLoss whether they are to be used however little is known of them
   */
  record Checkpoint(long seq, @Nullable Census census, long floor, boolean acceptLoss) {}

  /** How far history was read, and whether it ended with an unfinished write. */
  record Reached(UUID lineage, long epoch, long seq, boolean tornTail) {}

  /**
   * Loads the newest state that is whole and takes part in what is wanted.
   *
   * @return its seq; 0 if there is none
   */
  long load(Wanted wanted) throws IOException;

  /** Takes the changes behind the base. */
  JournalSink sink();

  /**
   * Looks, once everything behind the base was taken, whether anything is missing all the same.
   *
   * @return what is missing, as a sentence that names the files; null if nothing is
   */
  @Nullable String missing(Reached reached) throws IOException;

  /**
   * The newest change that the base tells of, which may be beyond the journal's end; 0 if that is
   * not known.
   */
  long seqMax();

  /** The state as loaded and replayed. */
  StateImage image(long seq);

  /** The same, counted. */
  Census census();

  /** Keeps a state as a snapshot, durably and read back. */
  EpochBase save(UUID lineage, long epoch, StateImage image, Reason reason) throws IOException;

  /** The highest epoch of which there is a snapshot of this lineage; 0 without any. */
  long lastEpoch(UUID lineage) throws IOException;

  /** What was found damaged while loading, one sentence each. */
  List<String> damaged();

  /** Whether something was forgotten that no base could tell: a sentence, or null. */
  @Nullable String forgotten();
}

package holdfast.adapters.file;

import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.JournalSink;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The states that history goes on from. Used by one thread, during a start. */
interface Bases {

  /**
   * What is asked for.
   *
   * @param seqMin what the base must reach, for the journal goes back no further; 0 if it goes back
   *     to the beginning
   * @param epochBase what the epoch began with, if the journal says so: a snapshot of that name
   *     counts only with that content
   * @param checkpoint every change up to this seq is in the state files; 0 if that is not known
   */
  record Wanted(
      UUID lineage, long epoch, long seqMin, @Nullable EpochBase epochBase, long checkpoint) {}

  /**
   * Loads the newest state that is whole and takes part in what is wanted.
   *
   * @return its seq; 0 if there is none
   */
  long load(Wanted wanted) throws IOException;

  /** Takes the changes behind the base. */
  JournalSink sink();

  /** Keeps the state as loaded and replayed, as what an epoch begins with, durably. */
  EpochBase save(UUID lineage, long epoch, long seq) throws IOException;

  /** What was found damaged while loading, one sentence each. */
  List<String> damaged();

  /** Whether something was forgotten that no base could tell: a sentence, or null. */
  @Nullable String forgotten();
}

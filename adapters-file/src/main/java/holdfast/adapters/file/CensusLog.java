package holdfast.adapters.file;

import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.layout.Census;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The census after each of the last changes: a checkpoint lies a little behind the newest one. Any
 * thread.
 */
final class CensusLog {
  /** A checkpoint that is further behind goes without: the next one will have its census. */
  private static final int KEPT = 1 << 16;

  private final @Nullable Census[] after = new @Nullable Census[KEPT];
  private long first;
  private long last;

  /** The census of a state. */
  static Census of(Collection<Stored<Task>> tasks, Collection<Stored<Initiative>> initiatives) {
    Census census = Census.EMPTY;
    for (Stored<Task> task : tasks) {
      census = census.with(EntityKey.of(task.entity().id()), task.seq());
    }
    for (Stored<Initiative> initiative : initiatives) {
      census = census.with(EntityKey.of(initiative.entity().id()), initiative.seq());
    }
    return census;
  }

  /** Begins with the state at {@code seq}; what was before it is forgotten. */
  synchronized void begin(long seq, Census census) {
    first = seq;
    last = seq;
    after[index(seq)] = census;
  }

  /** Takes durable changes, numbered from where the log stands. */
  synchronized void changed(List<SequencedChange> changes) {
    Census census = at(last);
    for (SequencedChange change : changes) {
      census = census == null ? null : after(census, change);
      last = change.seq();
      after[index(last)] = census;
    }
  }

  /** The census after the change {@code seq}, or null if that is not known any more. */
  synchronized @Nullable Census at(long seq) {
    boolean isKnown = seq >= first && seq <= last && seq > last - KEPT;
    return isKnown ? after[index(seq)] : null;
  }

  /** What a change makes of a census. */
  static Census after(Census before, SequencedChange change) {
    var key = change.change().key();
    Census rest =
        change.change().revisionBefore() > 0 ? before.without(key, change.previousSeq()) : before;
    return change.change().removal() ? rest : rest.with(key, change.seq());
  }

  private static int index(long seq) {
    return (int) (seq % KEPT);
  }
}

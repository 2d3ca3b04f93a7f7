package holdfast.adapters.file;

import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.JournalSink;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** No base: all of history is in the journal. */
record JournalAlone(JournalSink sink) implements Bases {
  @Override
  public long load(Wanted wanted) {
    return 0;
  }

  @Override
  public EpochBase save(UUID lineage, long epoch, long seq) {
    throw new UnsupportedOperationException("no epoch begins here");
  }

  @Override
  public List<String> damaged() {
    return List.of();
  }

  @Override
  public @Nullable String forgotten() {
    return null;
  }
}

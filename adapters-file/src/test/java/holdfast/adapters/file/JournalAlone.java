package holdfast.adapters.file;

import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.JournalSink;
import holdfast.adapters.file.layout.Census;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StateImage;
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
  public @Nullable String missing(Reached reached) {
    return null;
  }

  @Override
  public long seqMax() {
    return 0;
  }

  @Override
  public StateImage image(long seq) {
    throw new UnsupportedOperationException("no epoch begins here");
  }

  @Override
  public Census census() {
    return Census.EMPTY;
  }

  @Override
  public EpochBase save(UUID lineage, long epoch, StateImage image, Reason reason) {
    throw new UnsupportedOperationException("no epoch begins here");
  }

  @Override
  public long lastEpoch(UUID lineage) {
    return 0;
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

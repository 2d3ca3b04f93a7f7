package holdfast.adapters.file;

import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.JournalSink;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Loads the newest whole snapshot of an epoch into a fold. Used once. */
final class StateBases implements Bases {
  private final StateFold fold;
  private final List<String> damaged = new ArrayList<>();

  StateBases(StateFold fold) {
    this.fold = fold;
  }

  @Override
  public long load(Wanted wanted) throws IOException {
    return 0;
  }

  @Override
  public JournalSink sink() {
    return fold.sink();
  }

  @Override
  public EpochBase save(UUID lineage, long epoch, long seq) throws IOException {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<String> damaged() {
    return damaged;
  }

  @Override
  public @Nullable String forgotten() {
    return null;
  }
}

package holdfast.adapters.file;

import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.JournalSink;
import holdfast.adapters.file.json.StoredJson.Entry;
import holdfast.adapters.file.snapshot.DamagedSnapshotException;
import holdfast.adapters.file.snapshot.FileSnapshotStorage;
import holdfast.adapters.file.snapshot.SnapshotName;
import holdfast.adapters.file.snapshot.SnapshotReader;
import holdfast.domain.port.SnapshotStorage.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Loads the newest whole snapshot of an epoch into a fold. Used once. */
final class StateBases implements Bases {
  private final FileSnapshotStorage.Places snapshots;
  private final StateFold fold;
  private final List<String> damaged = new ArrayList<>();

  StateBases(FileSnapshotStorage.Places snapshots, StateFold fold) {
    this.snapshots = snapshots;
    this.fold = fold;
  }

  @Override
  public long load(Wanted wanted) throws IOException {
    for (SnapshotName name : snapshots.names()) {
      if (name.epoch() == wanted.epoch()
          && name.seq() >= wanted.seqMin()
          && isLoaded(name, wanted)) {
        return name.seq();
      }
    }
    return 0;
  }

  private boolean isLoaded(SnapshotName name, Wanted wanted) throws IOException {
    for (Path file : snapshots.files(name)) {
      try {
        SnapshotReader.Content content =
            SnapshotReader.read(snapshots.disk(), file, name, this::take);
        check(content, wanted);
        return true;
      } catch (DamagedSnapshotException e) {
        // An older snapshot, or none, has no copy: that is no damage.
        if (snapshots.disk().kind(file) != holdfast.adapters.file.disk.Disk.Kind.MISSING) {
          damaged.add(file + " cannot be used: " + e.getMessage());
        }
        fold.clear();
      }
    }
    return false;
  }

  private static void check(SnapshotReader.Content content, Wanted wanted)
      throws DamagedSnapshotException {
    if (!content.header().lineage().equals(wanted.lineage())) {
      throw new DamagedSnapshotException(
          "it is of lineage " + content.header().lineage() + ", not of " + wanted.lineage());
    }
    EpochBase base = wanted.epochBase();
    if (base != null
        && base.snapshot().equals(content.header().name().id())
        && !base.sha256().equals(content.footer().sha256())) {
      throw new DamagedSnapshotException(
          "it is not the one that the epoch began with: SHA-256 "
              + base.sha256()
              + " expected, "
              + content.footer().sha256()
              + " found");
    }
  }

  private void take(Entry entry) {
    switch (entry) {
      case Entry.OfTask(var task) -> fold.load(task);
      case Entry.OfInitiative(var initiative) -> fold.loadInitiative(initiative);
      case Entry.Gone(var tombstone) -> fold.load(tombstone);
      case Entry.Key(var record) -> fold.load(record);
    }
  }

  @Override
  public JournalSink sink() {
    return fold.sink();
  }

  @Override
  public EpochBase save(UUID lineage, long epoch, long seq) throws IOException {
    SnapshotName name =
        FileSnapshotStorage.write(snapshots, lineage, epoch, fold.image(seq), Reason.EPOCH);
    String sha256 =
        SnapshotReader.read(snapshots.disk(), snapshots.files(name).getFirst(), name, null)
            .footer()
            .sha256();
    return new EpochBase(name.id(), sha256, seq);
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

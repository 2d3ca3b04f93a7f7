package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.JournalSink;
import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.layout.Census;
import holdfast.adapters.file.snapshot.DamagedSnapshotException;
import holdfast.adapters.file.snapshot.SnapshotFiles;
import holdfast.adapters.file.snapshot.SnapshotName;
import holdfast.adapters.file.snapshot.SnapshotReader;
import holdfast.adapters.file.snapshot.UnknownSnapshotFormatException;
import holdfast.adapters.file.state.StateFileReader;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StateImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Loads the newest whole snapshot of an epoch into a fold, or the state files if there is none.
 * Used once.
 */
final class StateBases implements Bases {
  /** A message names no more files than a person reads. */
  private static final int NAMED_MAX = 10;

  private final SnapshotFiles snapshots;
  private final StateFileReader stateFiles;
  private final StateFold fold;
  private final List<String> damaged = new ArrayList<>();
  private @Nullable OfStateFiles ofStateFiles;

  /** How the state files were taken as a base, and what the census ought to be by now. */
  private static final class OfStateFiles {
    private final Wanted wanted;
    private final StateFileReader.Read read;
    private @Nullable Census expected;

    OfStateFiles(Wanted wanted, StateFileReader.Read read) {
      this.wanted = wanted;
      this.read = read;
      expected = wanted.checkpoint().census();
    }

    private void count(SequencedChange change) {
      Census before = expected;
      if (before != null && change.seq() > wanted.checkpoint().seq()) {
        expected = CensusLog.after(before, change);
      }
    }
  }

  StateBases(SnapshotFiles snapshots, StateFileReader stateFiles, StateFold fold) {
    this.snapshots = snapshots;
    this.stateFiles = stateFiles;
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
    return loadStateFiles(wanted);
  }

  private boolean isLoaded(SnapshotName name, Wanted wanted) throws IOException {
    for (Path file : snapshots.files(name)) {
      try {
        SnapshotReader.Content content =
            SnapshotReader.read(snapshots.disk(), file, name, fold::load);
        check(content, wanted);
        return true;
      } catch (DamagedSnapshotException e) {
        // An older snapshot, or none, has no copy: that is no damage.
        if (snapshots.disk().kind(file) != Disk.Kind.MISSING) {
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
    EpochBase base = wanted.extent().base();
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

  /** Takes the state files, if the journal has lost its beginning and they make up for it. */
  private long loadStateFiles(Wanted wanted) throws IOException {
    Checkpoint checkpoint = wanted.checkpoint();
    boolean isGone = wanted.extent().isEmpty() && checkpoint.seq() > 0 && checkpoint.acceptLoss();
    if (wanted.seqMin() == 0 && !isGone) {
      return 0;
    }
    if (checkpoint.seq() < wanted.seqMin() && !checkpoint.acceptLoss()) {
      damaged.add(
          checkpoint.seq() < 0
              ? "the state files cannot make up for it: no manifest tells up to which seq they are"
                  + " complete"
              : "the state files cannot make up for it: they are complete only up to seq "
                  + checkpoint.seq());
      return 0;
    }
    if (wanted.seqMin() > checkpoint.floor() && !checkpoint.acceptLoss()) {
      // They would bring back every entity, but not the keys and purges of what is missing.
      damaged.add(
          "the state files do not make up for it: the journal was retired up to seq "
              + checkpoint.floor()
              + ", and what follows up to seq "
              + wanted.seqMin()
              + " is gone from both copies");
      return 0;
    }
    StateFileReader.Read read = stateFiles.read(wanted.lineage(), wanted.epoch(), fold::load);
    ofStateFiles = new OfStateFiles(wanted, read);
    // What the journal still has is replayed over them: it tells of the entities whose files do
    // not.
    return isGone ? Math.max(checkpoint.seq(), read.seqMax()) : wanted.seqMin();
  }

  @Override
  public JournalSink sink() {
    OfStateFiles base = ofStateFiles;
    return base == null ? fold.sink() : fold.sink(base::count);
  }

  @Override
  public @Nullable String missing(Reached reached) throws IOException {
    OfStateFiles base = ofStateFiles;
    boolean isAhead = base != null && base.read.seqMax() > reached.seq();
    String ahead = reached.tornTail() || isAhead ? ahead(reached) : null;
    return ahead != null || base == null ? ahead : missing(base);
  }

  private @Nullable String missing(OfStateFiles base) {
    Checkpoint checkpoint = base.wanted.checkpoint();
    var causes = new ArrayList<String>();
    if (checkpoint.seq() < base.wanted.seqMin()) {
      causes.add(
          "changes between seq "
              + Math.max(0, checkpoint.seq())
              + " and "
              + base.wanted.seqMin()
              + " may be in no state file");
    }
    Census expected = base.expected;
    Census found = fold.census();
    if (expected != null && expected.equals(found)) {
      return causes.isEmpty() ? null : text(causes);
    }
    for (StateFileReader.Unusable file : base.read.unusable()) {
      if (!fold.knows(file.key())) {
        causes.add(file.file() + " " + file.why());
      }
    }
    if (expected != null) {
      base.read.absent().stream()
          .filter(file -> !fold.knows(StateFileReader.keyOfTask(file)))
          .forEach(file -> causes.add(file + " is missing"));
      causes.add(
          expected.entities()
              + " entities expected, "
              + found.entities()
              + " found"
              + (expected.entities() == found.entities()
                  ? ", and not all as they last were: a file was put back from an earlier time"
                  : ""));
    }
    return causes.isEmpty() ? null : text(causes);
  }

  private static String text(List<String> causes) {
    return "there is no usable snapshot, and the state files do not make up for it: "
        + named(causes)
        + ". Put a snapshot or these files back from a backup";
  }

  private static String named(List<String> all) {
    String named = String.join("; ", all.subList(0, Math.min(NAMED_MAX, all.size())));
    return all.size() > NAMED_MAX ? named + "; and " + (all.size() - NAMED_MAX) + " more" : named;
  }

  /** State files are written only of what was durable: one that is ahead proves lost history. */
  private @Nullable String ahead(Reached reached) throws IOException {
    List<StateFileReader.Ahead> ahead =
        stateFiles.ahead(reached.lineage(), reached.epoch(), reached.seq(), fold::updatedAt);
    return ahead.isEmpty()
        ? null
        : "the journal ends at seq "
            + reached.seq()
            + ", but state files prove that more was durable: "
            + named(
                ahead.stream()
                    .map(file -> file.file() + " holds a change of seq " + file.seq())
                    .toList())
            + ". Put the journal's last segment back from a backup, in either copy";
  }

  @Override
  public long seqMax() {
    return ofStateFiles == null ? 0 : ofStateFiles.read.seqMax();
  }

  @Override
  public StateImage image(long seq) {
    return fold.image(seq);
  }

  @Override
  public Census census() {
    return fold.census();
  }

  @Override
  public EpochBase save(UUID lineage, long epoch, StateImage image, Reason reason)
      throws IOException {
    SnapshotReader.Content written = snapshots.write(lineage, epoch, image, reason);
    return new EpochBase(written.header().name().id(), written.footer().sha256(), image.seq());
  }

  @Override
  public long lastEpoch(UUID lineage) throws IOException {
    for (SnapshotName name : snapshots.names()) {
      for (Path file : snapshots.files(name)) {
        if (isOf(lineage, file, name)) {
          return name.epoch();
        }
      }
    }
    return 0;
  }

  private boolean isOf(UUID lineage, Path file, SnapshotName name) {
    try {
      return SnapshotReader.summary(snapshots.disk(), file, name)
          .header()
          .lineage()
          .equals(lineage);
    } catch (DamagedSnapshotException | UnknownSnapshotFormatException _) {
      // Nothing can go on from it, so its epoch's number is free.
      return false;
    }
  }

  @Override
  public List<String> damaged() {
    return damaged;
  }

  @Override
  public @Nullable String forgotten() {
    return ofStateFiles == null
        ? null
        : "there was no usable snapshot: the state was taken from the state files and the journal"
            + " behind seq "
            + ofStateFiles.wanted.seqMin()
            + ". Idempotency keys and purges before that are forgotten: a repeated request of that"
            + " time is taken for a new one, and what was purged is not found rather than gone";
  }
}

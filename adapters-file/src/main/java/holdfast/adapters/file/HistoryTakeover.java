package holdfast.adapters.file;

import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.Identity;
import holdfast.adapters.file.journal.Journal;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.layout.Manifest;
import holdfast.adapters.file.layout.Manifests;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.StateImage;
import holdfast.domain.recovery.RecoveryReport;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * What a start mends and begins, once {@link HistoryRecovery} has found that it may: the copies and
 * the names are mended, and a term begins, or an epoch where the state is not what the journal
 * alone would tell.
 *
 * <p>Used once, by the one thread that starts. When it returns, everything found is durable in
 * every copy, and the journal takes appends. After an exception it does not; a crash or a failure
 * on the way leaves what the next start finds just the same.
 */
final class HistoryTakeover {
  private final Layout layout;
  private final Journal journal;
  private final Manifests manifests;
  private final HistoryNames names;
  private final History.Rules rules;

  /** Whose history is written from now on, and where it stands. */
  private record Begun(Identity identity, long seq) {}

  /**
   * What was put in the place of another state.
   *
   * @param before id of the snapshot of that one
   * @param identity whose history is written from now on
   * @param seq of the state now in force
   * @param wasClean whether the run before had ended in order
   * @param healed on the way, one sentence each
   */
  record Replaced(
      String before, Identity identity, long seq, boolean wasClean, List<String> healed) {}

  HistoryTakeover(
      Layout layout,
      Journal journal,
      Manifests manifests,
      HistoryNames names,
      History.Rules rules) {
    this.layout = layout;
    this.journal = journal;
    this.manifests = manifests;
    this.names = names;
    this.rules = rules;
  }

  /**
   * Begins a new term with the state that was found, unless it is that of a copy which may not go
   * on by itself: that one is left as it is, and read only.
   *
   * @param bases holds the state
   */
  History.Start start(HistoryRecovery.Found found, Bases bases) throws IOException {
    Journal.Recovered recovered = found.journal();
    var healed = new ArrayList<String>();
    if (found.isCopy() && !rules.acceptCopy()) {
      var untouched = new Identity(found.lineage(), recovered.epoch(), found.term());
      return report(found, bases, new Begun(untouched, found.seq()), healed);
    }
    journal.giveBallastToStart();
    healed.addAll(mend(found));
    String lost = recovered.lost();
    Begun begun;
    if (found.isCopy() || lost != null) {
      begun = beginEpoch(found, bases, bases.image(found.seq() + 1));
      if (lost != null) {
        healed.add(givenUp(lost));
      }
    } else {
      begun = beginTerm(found);
      keepAtOnce(begun, bases);
    }
    return report(found, bases, begun, healed);
  }

  /**
   * Begins an epoch with another state than the one that was found, once that one is kept as a
   * snapshot. It counts from the moment that its first batch is durable in every copy: a crash
   * before leaves the state as it was.
   *
   * @param next its seq must be beyond everything found
   */
  Replaced replace(HistoryRecovery.Found found, Bases bases, StateImage next) throws IOException {
    Journal.Recovered recovered = found.journal();
    var healed = new ArrayList<>(mend(found));
    healed.addAll(bases.damaged());
    String lost = recovered.lost();
    if (lost != null) {
      healed.add(givenUp(lost));
    }
    boolean wasClean = found.cause(healed) == RecoveryReport.Cause.CLEAN;
    EpochBase before =
        bases.save(
            found.lineage(),
            recovered.epoch(),
            bases.image(found.seq()),
            SnapshotStorage.Reason.PRE_RESTORE);
    Begun begun = beginEpoch(found, bases, next);
    return new Replaced(before.snapshot(), begun.identity(), begun.seq(), wasClean, healed);
  }

  private static String givenUp(String lost) {
    return "history was given up as --accept-loss allows: " + lost;
  }

  /** Mends what was found, and says what was rebuilt altogether. */
  private List<String> mend(HistoryRecovery.Found found) throws IOException {
    journal.heal();
    return names.rebuild(found.names(), found.lineage(), found.isNew());
  }

  private static Manifest next(HistoryRecovery.Found found) {
    Manifest newest = found.newest();
    return (newest == null ? Manifest.first(found.lineage()) : newest).withTerm(found.term());
  }

  /** The term is known in both places before a segment bears it, the takeover before it serves. */
  private Begun beginTerm(HistoryRecovery.Found found) throws IOException {
    long seq = found.seq();
    Manifest next = next(found).inEpoch(found.journal().epoch());
    manifests.save(next);
    var identity = new Identity(next.lineage(), next.epoch(), next.term());
    journal.begin(identity, next.floor());
    manifests.update(last -> last.serving(seq));
    return new Begun(identity, seq);
  }

  /**
   * Begins an epoch with a state. Its snapshot is durable first; the batch that names it is what
   * makes it count.
   */
  private Begun beginEpoch(HistoryRecovery.Found found, Bases bases, StateImage image)
      throws IOException {
    Manifest next = next(found);
    manifests.save(next);
    UUID lineage = next.lineage();
    // The snapshot of an epoch that a crash kept from beginning must not pass for one of this.
    long epoch = Math.max(found.journal().epoch(), bases.lastEpoch(lineage)) + 1;
    EpochBase base = bases.save(lineage, epoch, image, SnapshotStorage.Reason.EPOCH);
    var identity = new Identity(lineage, epoch, next.term());
    journal.beginEpoch(identity, base);
    manifests.update(
        last -> last.inEpoch(epoch).serving(base.seq()).withFloor(0, List.of(base.snapshot())));
    return new Begun(identity, base.seq());
  }

  /** A state that came from the state files must not depend on them any longer than it has to. */
  private void keepAtOnce(Begun begun, Bases bases) throws IOException {
    if (bases.forgotten() != null) {
      Identity present = begun.identity();
      EpochBase kept =
          bases.save(
              present.lineage(),
              present.epoch(),
              bases.image(begun.seq()),
              SnapshotStorage.Reason.DAMAGE);
      manifests.update(last -> last.withFloor(last.floor(), List.of(kept.snapshot())));
    }
  }

  private History.Start report(
      HistoryRecovery.Found found, Bases bases, Begun begun, List<String> healed) {
    Journal.Recovered recovered = found.journal();
    Manifest newest = found.newest();
    var quarantined = new ArrayList<>(bases.damaged());
    for (Mended mended : recovered.mended()) {
      if (mended.source() != null) {
        healed.add(mended.place() + " " + mended.damage() + ": rebuilt from " + mended.source());
      }
      if (mended.quarantined() != null) {
        quarantined.add(
            mended.place() + " " + mended.damage() + ": kept as " + mended.quarantined());
      }
    }
    String forgotten = bases.forgotten();
    if (forgotten != null) {
      healed.add(forgotten);
    }
    RecoveryReport.Cause cause = found.cause(healed);
    boolean degraded =
        !healed.isEmpty() || !quarantined.isEmpty() || (newest == null && !found.isNew());
    if (cause == RecoveryReport.Cause.FULL
        && found.names().manifests().missing().contains(layout.manifest())) {
      // Removing it is how a full recovery is asked for: worth naming, but nothing is amiss.
      healed.add(layout.manifest() + " was missing: rebuilt, after a full recovery");
    }
    String readOnly = rules.acceptCopy() ? null : found.copied();
    return new History.Start(
        begun.identity(),
        begun.seq(),
        newest == null ? 0 : newest.checkpoint(),
        cause,
        degraded,
        recovered.records(),
        recovered.tornTail(),
        readOnly,
        found.isCopy() && rules.acceptCopy(),
        healed,
        quarantined);
  }
}

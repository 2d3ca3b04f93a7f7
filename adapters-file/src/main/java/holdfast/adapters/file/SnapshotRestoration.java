package holdfast.adapters.file;

import holdfast.adapters.file.OfflineRestoration.Request;
import holdfast.adapters.file.OfflineRestoration.Result;
import holdfast.adapters.file.snapshot.SnapshotFiles;
import holdfast.adapters.file.snapshot.SnapshotName;
import holdfast.adapters.file.snapshot.SnapshotState;
import holdfast.domain.port.Attribution;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StateFiles;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.restoration.Restoration;
import holdfast.domain.restoration.RestorationDiff;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes what a snapshot holds the state in force.
 *
 * <pre>
 *  1  the present state, as a snapshot
 *  2  the restored one, as a snapshot of the next epoch; both durable and read back
 *  3  one EPOCH batch that names it, durable in both copies of the journal: from here on it counts
 *  4  the manifests, and the state files of what is gone; the others follow at the next start
 * </pre>
 *
 * <p>A crash before the third step leaves the state as it was, after it the restored one. Used
 * once, by one thread that has the directory to itself.
 */
final class SnapshotRestoration {
  private final History history;
  private final Function<StateFold, Bases> bases;
  private final SnapshotFiles snapshots;
  private final StateFiles stateFiles;
  private final @Nullable AuditTrail trail;
  private final InstantSource clock;

  /**
   * @param trail takes the entry; null in a dry run
   */
  SnapshotRestoration(
      History history,
      Function<StateFold, Bases> bases,
      SnapshotFiles snapshots,
      StateFiles stateFiles,
      @Nullable AuditTrail trail,
      InstantSource clock) {
    this.history = history;
    this.bases = bases;
    this.snapshots = snapshots;
    this.stateFiles = stateFiles;
    this.trail = trail;
    this.clock = clock;
  }

  /**
   * Restores, or says why not; a refusal and a dry run change nothing.
   *
   * @throws StorageException if the snapshot cannot be used, or the directory is a copy
   */
  Result run(Request request) throws IOException {
    SnapshotName name = SnapshotName.parse(request.snapshot());
    if (name == null || !snapshots.names().contains(name)) {
      return new Result.NoSuchSnapshot(
          snapshots.names().stream()
              .map(SnapshotName::id)
              .sorted(Comparator.reverseOrder())
              .toList());
    }
    Instant now = clock.instant();
    Bases present = bases.apply(new StateFold(new EntityHeads(), now));
    HistoryRecovery.Found found = history.recover(present);
    UUID lineage = found.ownLineage();
    StateImage then = SnapshotState.read(snapshots, name, lineage);
    StateImage today = present.image(history.seq());
    return switch (Restoration.plan(today, name.id(), then, request.running(), now)) {
      case Restoration.Plan.Refused(var running) -> new Result.Refused(running);
      case Restoration.Plan.Granted(var image, var diff) ->
          request.dryRun()
              ? new Result.Planned(diff)
              : restore(name.id(), found, present, image, diff);
    };
  }

  private Result restore(
      String snapshot,
      HistoryRecovery.Found found,
      Bases present,
      StateImage image,
      RestorationDiff diff)
      throws IOException {
    if (trail != null) {
      // What the journal holds of the epoch that ends is put aside with it.
      trail.catchUp(clock.instant(), history.seq(), new JournalChanges(history));
    }
    HistoryTakeover.Replaced replaced = history.replace(found, present, image);
    List<EntityKey> gone = diff.removed().stream().map(RestorationDiff.Line::key).toList();
    var notes = new ArrayList<String>(replaced.healed());
    try {
      stateFiles.reconcile(List.of(), List.of(), gone);
    } catch (StorageException e) {
      notes.add(
          "restored, but state files of what was removed are left: the next start puts them aside: "
              + e.getMessage());
    }
    audit(snapshot, replaced.before(), notes);
    return new Result.Restored(
        diff, replaced.before(), history.identity().epoch(), history.seq(), notes);
  }

  private void audit(String snapshot, String before, List<String> notes) {
    if (trail == null) {
      return;
    }
    try {
      trail.append(
          new AuditTrail.Entry(
              clock.instant(),
              AuditTrail.Entry.RESTORED,
              new Attribution("operator", "data directory", "restore"),
              snapshot,
              AuditTrail.Entry.OK,
              history.seq(),
              0,
              Map.of("before", before, "epoch", FileTaskStorage.epochName(history.identity()))));
      trail.force();
    } catch (StorageException e) {
      notes.add("restored, but the audit trail does not say so: " + e.getMessage());
    }
  }
}

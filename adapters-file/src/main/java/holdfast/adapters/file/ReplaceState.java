package holdfast.adapters.file;

import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.layout.Census;
import holdfast.adapters.file.snapshot.FileSnapshotStorage;
import holdfast.adapters.file.snapshot.FileSnapshotStorage.NextEpoch;
import holdfast.domain.port.CommitResult.Reason;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.StorageFullException;
import holdfast.domain.port.TaskStorage.Replacement;
import java.io.IOException;
import java.util.List;

/**
 * Puts another state in the place of the present one while the server serves.
 *
 * <pre>
 *  1  the other state, as a snapshot of the next epoch, durable and read back
 *  2  one EPOCH batch that names it, durable in both copies of the journal: from here on it counts
 *  3  the manifests; then what the journal holds of the former epoch is put aside
 * </pre>
 *
 * <p>On the journal's thread, which writes nothing else meanwhile.
 */
final class ReplaceState {
  private final History history;
  private final FileSnapshotStorage snapshots;

  ReplaceState(History history, FileSnapshotStorage snapshots) {
    this.history = history;
    this.snapshots = snapshots;
  }

  /**
   * Replaces it, or says why not.
   *
   * @throws IOException if it is not known which of the two states is in force: nothing may be
   *     appended any more
   */
  Replacement run(long presentSeq, StateImage next) throws IOException {
    long seq = history.seq();
    if (presentSeq != seq) {
      return new Replacement.Refused(
          Reason.BUSY, "it was made from the state of seq " + presentSeq + ", and that is past");
    }
    if (next.seq() <= seq) {
      throw new IllegalArgumentException("seq " + next.seq() + " is not beyond " + seq);
    }
    Census census = CensusLog.of(next.tasks(), next.initiatives());
    try {
      synchronized (snapshots) {
        begin(snapshots.keepForNextEpoch(next), census);
      }
    } catch (StorageFullException e) {
      return new Replacement.Refused(Reason.DISK_FULL, String.valueOf(e.getMessage()));
    } catch (StorageException e) {
      return new Replacement.Refused(Reason.BUSY, String.valueOf(e.getMessage()));
    }
    return new Replacement.Replaced(FileTaskStorage.epochName(history.identity()), putAside());
  }

  private void begin(NextEpoch next, Census census) throws IOException {
    try {
      history.beginEpoch(next.epoch(), next.base(), census);
    } catch (DiskFullException e) {
      discard(next, e);
      throw new StorageFullException("there is no room for a new epoch: " + e.getMessage(), e);
    }
  }

  /** One that stays is no harm: it is one more snapshot, of an epoch that never began. */
  private void discard(NextEpoch next, DiskFullException reason) {
    try {
      snapshots.discard(next);
    } catch (IOException e) {
      reason.addSuppressed(e);
    }
  }

  /** Segments that stay where they are do no harm: the next start puts them aside. */
  private List<String> putAside() {
    try {
      return history.clearFormerEpochs().stream().map(ReplaceState::sentence).toList();
    } catch (IOException e) {
      return List.of(
          "segments of the former epoch are left, and put aside at the next start: " + e);
    }
  }

  private static String sentence(Mended aside) {
    return aside.place() + " " + aside.damage() + ": kept as " + aside.quarantined();
  }
}

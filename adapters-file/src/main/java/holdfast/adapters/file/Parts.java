package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.journal.Journal;
import holdfast.adapters.file.journal.JournalCopy;
import holdfast.adapters.file.layout.AuditAnchors;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.output.FileOutputStorage;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.adapters.file.snapshot.FileSnapshotStorage;
import holdfast.adapters.file.snapshot.SnapshotFiles;
import holdfast.adapters.file.state.FileStateFiles;
import holdfast.adapters.file.state.StateFileReader;
import java.util.List;
import java.util.UUID;

/** What keeps the state on one disk, put together. */
record Parts(
    History history,
    SnapshotFiles places,
    StateFileReader stateFileReader,
    FileSnapshotStorage snapshots,
    FileStateFiles stateFiles,
    FileOutputStorage outputs,
    FileScrubbing scrubbing,
    AuditAnchors audit) {

  static Parts of(Disk disk, Layout layout, FileStorageSettings settings) {
    long budget = settings.sizes().quarantineBytesMax();
    var quarantine = new Quarantine(disk, layout.quarantine(), settings.clock(), budget);
    Quarantine mirrorQuarantine =
        layout.mirrorQuarantine().equals(layout.quarantine())
            ? quarantine
            : new Quarantine(disk, layout.mirrorQuarantine(), settings.clock(), budget);
    var journal =
        new Journal(
            copies(disk, layout, quarantine, mirrorQuarantine), settings.sizes().segmentBytes());
    FileStorageSettings.Allowed allowed = settings.allowed();
    var audit = new AuditAnchors();
    var history =
        new History(
            disk,
            layout,
            journal,
            UUID::randomUUID,
            quarantine,
            new History.Rules(
                settings.mirrorDir() != null,
                allowed.rebuildMirror(),
                allowed.copy(),
                allowed.loss()),
            audit);
    var places =
        new SnapshotFiles(disk, layout.snapshots(), layout.snapshotTwins(), quarantine, audit);
    var snapshots =
        new FileSnapshotStorage(
            places,
            history::readable,
            history::retire,
            history::floor,
            settings.sizes().snapshotsMax());
    var stateFiles =
        new FileStateFiles(
            disk,
            layout,
            quarantine,
            history::identity,
            new FileStateFiles.Progress(
                history::seq,
                history::checkpoint,
                reached -> {
                  audit.forced();
                  history.checkpoint(reached);
                }),
            settings.clock());
    var walk = new HistoryScrub(history);
    var modes = new ModeScrub(disk, layout);
    return new Parts(
        history,
        places,
        new StateFileReader(disk, layout),
        snapshots,
        stateFiles,
        new FileOutputStorage(disk, layout, quarantine, mirrorQuarantine, history::hasBegun),
        new FileScrubbing(
            List.of(walk::names, walk::journal, snapshots::scrub, modes::next),
            () -> quarantine.taken() + mirrorQuarantine.taken()),
        audit);
  }

  /** What loads the state that history goes on from into a fold. */
  Bases bases(StateFold fold) {
    return new StateBases(places, stateFileReader, fold);
  }

  /** The journal's two copies, each with a place for damaged bytes on its own file system. */
  static List<JournalCopy> copies(
      Disk disk, Layout layout, Quarantine quarantine, Quarantine mirrorQuarantine) {
    return List.of(
        new JournalCopy(disk, layout.journal(), quarantine),
        new JournalCopy(disk, layout.mirror(), mirrorQuarantine));
  }
}

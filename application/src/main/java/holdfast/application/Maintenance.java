package holdfast.application;

/** What goes on beside the main job to keep what is stored redundant. */
record Maintenance(SyncService sync, SnapshotService snapshots, OutputKeeper outputs, Scrub scrub) {

  void start() {
    sync.start();
    snapshots.start();
    outputs.start();
    scrub.start();
  }

  void close() {
    scrub.close();
    outputs.close();
    snapshots.close();
    sync.close();
  }
}

package holdfast.application;

/** What goes on beside the main job to keep what is stored redundant. */
record Maintenance(SyncService sync, SnapshotService snapshots, Scrub scrub) {

  void start() {
    sync.start();
    snapshots.start();
    scrub.start();
  }

  void close() {
    scrub.close();
    snapshots.close();
    sync.close();
  }
}

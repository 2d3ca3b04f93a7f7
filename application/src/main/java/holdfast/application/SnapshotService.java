package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.SnapshotStorage.Deletion;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.SnapshotStorage.Snapshot;
import holdfast.domain.port.SnapshotStorage.Verification;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes snapshots: from time to time if anything has changed, when one that recovery relies on is
 * damaged, and when asked. One at a time; writers are never stopped. Any thread.
 */
public final class SnapshotService {
  private static final Duration LOOKS_EVERY = Duration.ofSeconds(5);

  private final Core core;
  private final EventFeed feed;
  private final Duration interval;
  private final Background thread = new Background("holdfast-snapshots");
  private long lastSeq = -1;
  private volatile @Nullable Instant newest;
  private volatile @Nullable String trouble;

  SnapshotService(Core core, EventFeed feed, Duration interval) {
    this.core = core;
    this.feed = feed;
    this.interval = interval;
  }

  void start() {
    thread.every(interval, this::periodic);
    thread.every(LOOKS_EVERY, this::replaceDamaged);
  }

  private void periodic() {
    try {
      if (core.state().seq() != lastSeq()) {
        create(Reason.PERIODIC);
      }
    } catch (RuntimeException e) {
      failed(e);
    }
  }

  private void replaceDamaged() {
    try {
      if (snapshots().wanted()) {
        create(Reason.DAMAGE);
      }
    } catch (RuntimeException e) {
      failed(e);
    }
  }

  private void failed(RuntimeException e) {
    trouble =
        e.getMessage()
            + ". Nothing is lost, but old history cannot be retired and a start takes longer: see"
            + " that the disk has room and can be written";
    core.log(Category.ERROR, "snapshot-failed", Map.of("error", String.valueOf(e.getMessage())));
  }

  /**
   * Makes a snapshot now.
   *
   * @throws StorageException if it could not be kept
   */
  public synchronized Snapshot create(Reason reason) {
    StateImage image = feed.image(core.clock().instant());
    Snapshot made = snapshots().save(image, reason);
    lastSeq = made.seq();
    newest = made.createdAt();
    trouble = null;
    core.log(
        Category.SYSTEM,
        "snapshot",
        Map.of(
            "snapshot", made.id(),
            "seq", made.seq(),
            "reason", made.reason().name(),
            "tasks", made.tasks(),
            "bytes", made.bytes()));
    return made;
  }

  /** Makes the last one, if anything has changed since the one before. */
  public void atShutdown() {
    thread.close();
    if (core.state().seq() != lastSeq()) {
      create(Reason.SHUTDOWN);
    }
  }

  /** Of the newest one; 0 if there is none. */
  private synchronized long lastSeq() {
    if (lastSeq < 0) {
      List<Snapshot> all = snapshots().list();
      lastSeq = all.isEmpty() ? 0 : all.getFirst().seq();
    }
    return lastSeq;
  }

  /** When the newest one was made. Reads the disk the first time only. */
  public Optional<Instant> newest() {
    Instant known = newest;
    if (known == null) {
      known = list().stream().findFirst().map(Snapshot::createdAt).orElse(null);
      newest = known;
    }
    return Optional.ofNullable(known);
  }

  /** All that are kept, newest first. */
  public List<Snapshot> list() {
    return snapshots().list();
  }

  public Optional<Snapshot> find(String id) {
    return snapshots().find(id);
  }

  public Verification verify(String id) {
    return snapshots().verify(id);
  }

  public Deletion delete(String id) {
    return snapshots().delete(id);
  }

  /** Why the last attempt failed, and what to do, or null. */
  @Nullable String trouble() {
    return trouble;
  }

  private SnapshotStorage snapshots() {
    return core.ports().snapshots();
  }

  void close() {
    thread.close();
  }
}

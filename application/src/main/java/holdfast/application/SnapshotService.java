package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.SnapshotStorage.Deletion;
import holdfast.domain.port.SnapshotStorage.Loading;
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
import java.util.concurrent.locks.ReentrantLock;
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

  /** Held by whoever makes one, and while none may be made. */
  private final ReentrantLock making = new ReentrantLock();

  private long lastSeq = -1;
  private volatile @Nullable Instant newest;
  private volatile @Nullable Trouble trouble;
  private volatile int count = -1;

  SnapshotService(Core core, EventFeed feed, Duration interval) {
    this.core = core;
    this.feed = feed;
    this.interval = interval;
  }

  void start() {
    thread.every(interval, this::periodic);
    thread.every(LOOKS_EVERY, this::replaceDamaged);
    thread.soon(this::recount);
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

  private void recount() {
    try {
      count = snapshots().list().size();
    } catch (RuntimeException e) {
      failed(e);
    }
  }

  private void failed(RuntimeException e) {
    trouble =
        new Trouble(
            e.getMessage()
                + ". Nothing is lost, but old history cannot be retired and a start takes longer",
            "See that the disk has room and can be written; it is tried again by itself");
    core.log(Category.ERROR, "snapshot-failed", Map.of("error", String.valueOf(e.getMessage())));
  }

  /**
   * Makes a snapshot now.
   *
   * @throws StorageException if it could not be kept
   */
  public Snapshot create(Reason reason) {
    making.lock();
    try {
      return made(reason);
    } finally {
      making.unlock();
    }
  }

  private Snapshot made(Reason reason) {
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
    recount();
    return made;
  }

  /**
   * Keeps everybody else from making one: one of a state that is replaced meanwhile must not be
   * taken for one of the new epoch.
   */
  Hold hold() {
    making.lock();
    return new Hold(
        () -> {
          lastSeq = -1;
          newest = null;
          recount();
          making.unlock();
        });
  }

  /** Reads the state that one holds. */
  Loading load(String id) {
    return snapshots().load(id);
  }

  /** Makes the last one, if anything has changed since the one before. */
  public void atShutdown() {
    thread.close();
    if (core.state().seq() != lastSeq()) {
      create(Reason.SHUTDOWN);
    }
  }

  /** Of the newest one; 0 if there is none. */
  private long lastSeq() {
    making.lock();
    try {
      if (lastSeq < 0) {
        List<Snapshot> all = snapshots().list();
        lastSeq = all.isEmpty() ? 0 : all.getFirst().seq();
      }
      return lastSeq;
    } finally {
      making.unlock();
    }
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
    Deletion deletion = snapshots().delete(id);
    recount();
    return deletion;
  }

  /** How many are kept; negative before they were first counted. Never touches the disk. */
  int count() {
    return count;
  }

  /** Why the last attempt failed, and what to do, or null. */
  @Nullable Trouble trouble() {
    return trouble;
  }

  private SnapshotStorage snapshots() {
    return core.ports().snapshots();
  }

  void close() {
    thread.close();
  }
}

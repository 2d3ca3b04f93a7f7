package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.disk.LockHeldException;
import holdfast.adapters.file.journal.Identity;
import holdfast.adapters.file.journal.Journal;
import holdfast.adapters.file.journal.LostHistoryException;
import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.json.ChangeCodec;
import holdfast.adapters.file.layout.Layout;
import holdfast.domain.port.Change;
import holdfast.domain.port.CommitFeed;
import holdfast.domain.port.CommitMeter;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.PendingCommit;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Task storage in a mirrored journal. */
final class FileTaskStorage implements TaskStorage {
  /** Short enough that a spare is ready before the next segment is full, at any rate of writing. */
  private static final long KEEPER_MILLIS = 50;

  private static final int LINEAGE_CHARS = 8;

  private final Disk disk;
  private final Layout layout;
  private final FileStorageSettings settings;
  private final History history;
  private final ReplaceState replacing;
  private final Function<StateFold, Bases> bases;
  private final List<DirectoryLock> locks;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread keeper;
  private volatile @Nullable String roomTrouble;
  private volatile @Nullable String keeperTrouble;
  private volatile @Nullable String lockTrouble;
  private volatile long ballastBytes;
  private volatile @Nullable String readOnly;
  private volatile CommitMeter meter = CommitMeter.NONE;
  private volatile @Nullable CommitQueue queue;
  private volatile @Nullable CommitThread thread;

  /**
   * @param locks looked after while the storage is open; the first counts starts that fail. None
   *     where a start is only rehearsed
   */
  FileTaskStorage(
      Disk disk,
      Layout layout,
      FileStorageSettings settings,
      Parts parts,
      List<DirectoryLock> locks) {
    this.disk = disk;
    this.layout = layout;
    this.settings = settings;
    history = parts.history();
    replacing = new ReplaceState(history, parts.snapshots());
    bases = parts::bases;
    this.locks = List.copyOf(locks);
    keeper = Thread.ofPlatform().daemon().name("holdfast-journal-keeper").unstarted(this::keep);
  }

  @Override
  public void meter(CommitMeter told) {
    meter = meter.and(told);
  }

  @Override
  public synchronized Opened open(CommitFeed feed) {
    if (queue != null) {
      throw new IllegalStateException("opened before");
    }
    var heads = new EntityHeads();
    var fold = new StateFold(heads, settings.clock().instant());
    History.Start start = start(bases.apply(fold));
    readOnly = start.readOnly();
    int bytesMax = Journal.recordBytesMax(settings.sizes().segmentBytes());
    var commits = new CommitQueue(heads, start.seq() + 1, settings.sizes().queueBound(), bytesMax);
    queue = commits;
    if (start.readOnly() == null) {
      var writing =
          new CommitThread(
              commits, history, feed, replacing, meter, settings.onFatal(), bytesMax, start.seq());
      thread = writing;
      writing.start();
      keeper.start();
    }
    return opened(start, fold);
  }

  private static Opened opened(History.Start start, StateFold fold) {
    Identity identity = start.identity();
    return new Opened(
        identity.lineage().toString(),
        epochName(identity),
        identity.term(),
        start.seq(),
        fold.tasks(),
        fold.initiatives(),
        fold.tombstones(),
        fold.idempotency(),
        start.readOnly(),
        start.isAcceptedCopy(),
        new Replay(
            start.cause(),
            start.degraded(),
            start.records(),
            start.tornTail(),
            start.healed(),
            start.quarantined()));
  }

  /** What clients know an epoch by: the same number of another lineage is another epoch. */
  static String epochName(Identity identity) {
    return identity.lineage().toString().substring(0, LINEAGE_CHARS) + "-" + identity.epoch();
  }

  private History.Start start(Bases loaded) {
    try {
      if (!locks.isEmpty()) {
        locks.getFirst().startBegins();
      }
      History.Start start = history.start(loaded);
      if (!locks.isEmpty()) {
        locks.getFirst().settled();
      }
      return start;
    } catch (LostHistoryException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_LOST_HISTORY, String.valueOf(e.getMessage()), e);
    } catch (RepeatedFailureException e) {
      throw e;
    } catch (DiskFullException e) {
      throw full(e);
    } catch (StorageException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED, String.valueOf(e.getMessage()), e);
    } catch (AccessDeniedException e) {
      // A restart alone would not help: this is for a person to put right.
      throw FileStorageException.inaccessible(e);
    } catch (IOException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_JOURNAL_FAILED,
          "the journal below " + layout.state() + " cannot be recovered: " + e,
          e);
    }
  }

  /** A start that only lacks room may be tried as often as somebody likes. */
  private FileStorageException full(DiskFullException e) {
    String detail = "";
    try {
      if (!locks.isEmpty()) {
        locks.getFirst().settled();
      }
    } catch (IOException unsettled) {
      detail = " (" + unsettled + ")";
    }
    return new FileStorageException(
        FileStorageException.EXIT_REFUSED,
        "there is no room for a start on the disk of "
            + layout.state()
            + " or of its mirror: "
            + e.getMessage()
            + detail
            + ". Free "
            + 3L * settings.sizes().segmentBytes()
            + " bytes and start again; nothing is lost",
        e);
  }

  @Override
  public PendingCommit commit(List<Change> changes, Origin origin) {
    String refusal = readOnly;
    if (refusal != null) {
      return QueuedCommit.ended(
          new CommitResult.Refused(CommitResult.Reason.COPY_NOT_ACCEPTED, refusal));
    }
    return opened().put(changes, origin);
  }

  @Override
  public Replacement replace(long presentSeq, StateImage next) throws InterruptedException {
    String refusal = readOnly;
    if (refusal != null) {
      return new Replacement.Refused(CommitResult.Reason.COPY_NOT_ACCEPTED, refusal);
    }
    var wanted = new QueuedReplacement(presentSeq, next);
    CommitResult.Refused refused = opened().replace(wanted);
    return refused == null
        ? wanted.await()
        : new Replacement.Refused(refused.reason(), refused.detail());
  }

  private CommitQueue opened() {
    CommitQueue open = queue;
    if (open == null) {
      throw new IllegalStateException("open first");
    }
    return open;
  }

  @Override
  public List<Committed> history(EntityKey key, long beforeSeq, int limit) {
    var changes = new ArrayList<Committed>();
    long seq = opened().durableSeq(key);
    try {
      while (seq > 0 && changes.size() < limit) {
        SequencedChange change = history.find(seq);
        if (change == null) {
          return changes;
        }
        if (seq < beforeSeq) {
          changes.add(new Committed(seq, ChangeCodec.decode(change.change())));
        }
        seq = change.previousSeq();
      }
      return changes;
    } catch (IOException e) {
      throw new StorageException("the history of " + key + " cannot be read at seq " + seq, e);
    }
  }

  @Override
  public List<Committed> changes(long afterSeq, int limit) {
    return new JournalChanges(history).after(afterSeq, limit);
  }

  @Override
  public void fail(Throwable failure) {
    opened().abandon("the server failed: " + failure);
    settings.onFatal().accept(failure);
  }

  @Override
  public void copySettled() {
    try {
      history.settleCopy();
    } catch (IOException e) {
      throw new StorageException(layout.instance() + " cannot be written", e);
    }
  }

  /** Keeps a spare segment ready and an eye on the free space. */
  private void keep() {
    CommitQueue commits = opened();
    try {
      do {
        keepLocks();
        look(commits);
      } while (!closing.await(KEEPER_MILLIS, TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      keeperTrouble = "the thread that watches the free space was interrupted: " + e;
    }
  }

  /** A lock whose file somebody has removed keeps nobody out. */
  private void keepLocks() {
    try {
      for (DirectoryLock lock : locks) {
        lock.keep();
      }
      lockTrouble = null;
    } catch (LockHeldException e) {
      opened().abandon("another server has taken the directory: " + e.getMessage());
      settings
          .onFatal()
          .accept(
              new StorageException(
                  layout.lock()
                      + " was removed, and another server has taken it: "
                      + e.getMessage(),
                  e));
    } catch (IOException e) {
      lockTrouble = "the lock cannot be looked after: " + e;
    }
  }

  private void look(CommitQueue commits) {
    try {
      long free = Math.min(disk.usableBytes(layout.state()), disk.usableBytes(layout.mirror()));
      boolean scarce = free < settings.sizes().diskReserve();
      if (scarce) {
        commits.diskFull(true);
      }
      history.prepareSpare();
      // In this order: whoever is let in again finds nothing amiss.
      roomTrouble = null;
      keeperTrouble = null;
      commits.diskFull(scarce);
      ballastBytes = history.keepBallast(settings.sizes().diskReserve());
    } catch (DiskFullException e) {
      commits.diskFull(true);
      roomTrouble = "there is no room for the next journal segment: " + e.getMessage();
    } catch (IOException e) {
      // The commit thread meets the same trouble when it needs the segment, and fails then.
      keeperTrouble = "the next journal segment cannot be made ready: " + e;
    }
  }

  @Override
  public List<Room> rooms() {
    var rooms = new ArrayList<Room>();
    rooms.add(room("state", layout.state()));
    if (settings.mirrorDir() != null) {
      rooms.add(room("mirror", layout.mirror()));
    }
    rooms.add(room("logs", layout.logs()));
    return rooms;
  }

  private Room room(String name, Path place) {
    try {
      return new Room(name, place.toString(), disk.usableBytes(place), null);
    } catch (IOException e) {
      return new Room(name, place.toString(), 0, "its free space cannot be read: " + e);
    }
  }

  @Override
  public Condition condition() {
    CommitThread writing = thread;
    Throwable failure = writing == null ? null : writing.failure();
    return new Condition(
        failure == null ? null : "the journal failed: " + failure,
        scarcity(),
        lockTrouble == null ? keeperTrouble : lockTrouble,
        List.of(layout.journal().toString(), layout.mirror().toString()),
        writing == null ? Duration.ZERO : writing.waiting(),
        settings.sizes().diskReserve(),
        ballastBytes);
  }

  private @Nullable String scarcity() {
    if (roomTrouble != null) {
      return roomTrouble;
    }
    CommitQueue commits = queue;
    return commits != null && commits.isDiskFull()
        ? "less than the reserve of "
            + settings.sizes().diskReserve()
            + " bytes is free: new tasks are refused"
        : null;
  }

  /** Stops without writing anything more, as a killed process does. */
  synchronized void abandon() {
    closing.countDown();
    CommitThread writing = thread;
    if (writing != null) {
      writing.abandon();
      awaitKeeper();
    }
  }

  /** The keeper makes files: it must be gone before somebody else may take the directory. */
  private void awaitKeeper() {
    boolean interrupted = false;
    while (keeper.isAlive()) {
      try {
        keeper.join();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public synchronized void close() {
    closing.countDown();
    CommitThread writing = thread;
    if (writing != null) {
      writing.close();
      awaitKeeper();
    }
    try {
      history.close();
    } catch (IOException e) {
      throw new StorageException("the journal's files could not be closed", e);
    }
  }
}

package holdfast.domain.port;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.task.Task;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Task storage for tests. What survives a {@link #crash} is its {@link Content}, which a new
 * instance can be opened on; delivery is on a thread of its own, as with a disk.
 *
 * <p>Tests can hold commits back ({@link #pause}, {@link #resume}), have them refused ({@link
 * #refuse}), and let the storage fail ({@link #fail}).
 */
public final class InMemoryTaskStorage implements TaskStorage {

  /** What outlives an instance. Given to one instance at a time. */
  public static final class Content {
    private final String instanceId = "00000000-0000-4000-8000-000000000001";
    private final List<Committed> log = new ArrayList<>();
    private StateImage base =
        new StateImage(0, Instant.EPOCH, List.of(), List.of(), List.of(), List.of());
    private int epoch = 1;
    private long seq;
    private long term;
    private boolean cleanEnd;
    private long retired;

    /** From now on changes up to this seq are not to be had one by one. */
    public synchronized void retire(long seq) {
      retired = seq;
    }

    /** Everything durable, in order. */
    public synchronized List<Committed> log() {
      return List.copyOf(log);
    }
  }

  private final Content content;
  private final Map<EntityKey, Long> revisions = new HashMap<>();
  private final Deque<Pending> queue = new ArrayDeque<>();
  private @Nullable Thread deliverer;
  private CommitResult.@Nullable Reason refusal;
  private CommitResult.@Nullable Reason replacementRefusal;
  private @Nullable String readOnly;
  private boolean isDelivering;
  private volatile @Nullable String failure;
  private volatile Condition condition = Condition.SOUND;
  private volatile List<Room> rooms = List.of();
  private volatile CommitMeter meter = CommitMeter.NONE;
  private boolean paused;
  private boolean closed;

  public InMemoryTaskStorage() {
    this(new Content());
  }

  public InMemoryTaskStorage(Content content) {
    this.content = content;
  }

  public Content content() {
    return content;
  }

  @Override
  public void meter(CommitMeter told) {
    meter = meter.and(told);
  }

  /** Says that a batch took so long. */
  public void took(long nanos) {
    meter.committed(1, nanos);
  }

  /** Says what is to be said of itself from now on. */
  public void say(Condition said) {
    condition = said;
  }

  @Override
  public Condition condition() {
    Condition said = condition;
    String failed = failure;
    return failed == null
        ? said
        : new Condition(failed, null, null, said.copies(), said.waiting(), 0, 0);
  }

  /** Says how much room there is from now on. */
  public void rooms(List<Room> present) {
    rooms = List.copyOf(present);
  }

  @Override
  public List<Room> rooms() {
    return rooms;
  }

  @Override
  public synchronized Opened open(CommitFeed feed) {
    if (deliverer != null) {
      throw new IllegalStateException("opened before");
    }
    Fold fold;
    RecoveryReport.Cause cause;
    long term;
    synchronized (content) {
      fold = new Fold(content.base);
      content.log.stream()
          .filter(committed -> committed.seq() > content.base.seq())
          .forEach(fold::apply);
      cause = cause();
      content.cleanEnd = false;
      content.term++;
      term = content.term;
    }
    remember(fold.tasks.values(), fold.initiatives.values());
    deliverer = Thread.ofPlatform().daemon().name("in-memory-storage").start(() -> deliver(feed));
    return new Opened(
        content.instanceId,
        epoch(),
        term,
        fold.seq,
        List.copyOf(fold.tasks.values()),
        List.copyOf(fold.initiatives.values()),
        List.copyOf(fold.tombstones.values()),
        List.copyOf(fold.idempotency.values()),
        readOnly,
        false,
        new Replay(cause, false, fold.seq, false, List.of(), List.of()));
  }

  private void remember(
      Collection<Stored<Task>> tasks, Collection<Stored<Initiative>> initiatives) {
    revisions.clear();
    tasks.forEach(task -> revisions.put(key(task), task.entity().revision()));
    initiatives.forEach(
        stored -> revisions.put(EntityKey.of(stored.entity().id()), stored.entity().revision()));
  }

  private String epoch() {
    synchronized (content) {
      return "epoch-" + content.epoch;
    }
  }

  @Override
  public synchronized Replacement replace(long presentSeq, StateImage next)
      throws InterruptedException {
    while (failure == null && !closed && (isDelivering || !queue.isEmpty())) {
      wait();
    }
    if (failure != null || closed || replacementRefusal != null) {
      return new Replacement.Refused(
          replacementRefusal == null ? CommitResult.Reason.CLOSED : replacementRefusal,
          "refused by the test, or closed");
    }
    synchronized (content) {
      if (presentSeq != content.seq) {
        return new Replacement.Refused(CommitResult.Reason.BUSY, "at seq " + content.seq);
      }
      content.base = next;
      content.seq = next.seq();
      content.epoch++;
    }
    remember(next.tasks(), next.initiatives());
    return new Replacement.Replaced(epoch(), List.of());
  }

  /** Refuses to replace the state with {@code reason} from now on; null accepts it again. */
  public synchronized void refuseReplacement(CommitResult.@Nullable Reason reason) {
    replacementRefusal = reason;
  }

  private RecoveryReport.Cause cause() {
    if (content.term == 0) {
      return RecoveryReport.Cause.FIRST_START;
    }
    return content.cleanEnd ? RecoveryReport.Cause.CLEAN : RecoveryReport.Cause.CRASH;
  }

  private static EntityKey key(Stored<Task> stored) {
    return EntityKey.of(stored.entity().id());
  }

  @Override
  public synchronized PendingCommit commit(List<Change> changes, Origin origin) {
    var pending = new Pending(List.copyOf(changes));
    CommitResult refused = refused(changes, origin);
    if (refused != null) {
      pending.complete(refused);
      return pending;
    }
    for (Change change : changes) {
      revisions.put(change.key(), revisionAfter(change));
    }
    queue.add(pending);
    notifyAll();
    return pending;
  }

  private @Nullable CommitResult refused(List<Change> changes, Origin origin) {
    if (closed || failure != null || deliverer == null) {
      return new CommitResult.Refused(
          CommitResult.Reason.CLOSED, failure == null ? "storage is closed" : failure);
    }
    if (refusal != null && origin != Origin.INTERNAL && !changes.isEmpty()) {
      return new CommitResult.Refused(refusal, "refused by the test");
    }
    var within = new HashMap<EntityKey, Long>();
    for (Change change : changes) {
      long present = within.getOrDefault(change.key(), revisions.getOrDefault(change.key(), 0L));
      if (change.revisionBefore() != present) {
        return new CommitResult.Conflict(change.key(), revisions.getOrDefault(change.key(), 0L));
      }
      within.put(change.key(), revisionAfter(change));
    }
    return null;
  }

  private static long revisionAfter(Change change) {
    return switch (change) {
      case Change.PutTask put -> put.task().revision();
      case Change.PutInitiative put -> put.initiative().revision();
      case Change.PurgeTask _, Change.DeleteInitiative _ -> 0;
    };
  }

  private void deliver(CommitFeed feed) {
    Pending next = take();
    while (next != null) {
      List<Committed> committed = store(next.changes);
      if (!committed.isEmpty()) {
        feed.committed(committed);
      }
      next.complete(new CommitResult.Done(lastSeq()));
      delivered();
      next = take();
    }
  }

  private synchronized @Nullable Pending take() {
    while (failure == null && !(closed && queue.isEmpty()) && (paused || queue.isEmpty())) {
      try {
        wait();
      } catch (InterruptedException e) {
        failure = "the delivering thread was interrupted: " + e;
      }
    }
    if (failure != null) {
      queue.forEach(pending -> pending.complete(new CommitResult.Unknown(failure)));
      queue.clear();
      return null;
    }
    isDelivering = true;
    return queue.poll();
  }

  private synchronized void delivered() {
    isDelivering = false;
    notifyAll();
  }

  private List<Committed> store(List<Change> changes) {
    var committed = new ArrayList<Committed>(changes.size());
    synchronized (content) {
      for (Change change : changes) {
        content.seq++;
        var next = new Committed(content.seq, change);
        content.log.add(next);
        committed.add(next);
      }
    }
    return committed;
  }

  private long lastSeq() {
    synchronized (content) {
      return content.seq;
    }
  }

  @Override
  public List<Committed> changes(long afterSeq, int limit) {
    synchronized (content) {
      return content.log.stream()
          .filter(committed -> committed.seq() > Math.max(afterSeq, content.retired))
          .limit(limit)
          .toList();
    }
  }

  @Override
  public List<Committed> history(EntityKey key, long beforeSeq, int limit) {
    synchronized (content) {
      return content.log.reversed().stream()
          .filter(committed -> committed.seq() > content.base.seq())
          .filter(committed -> committed.seq() < beforeSeq)
          .filter(committed -> committed.change().key().equals(key))
          .limit(limit)
          .toList();
    }
  }

  /** Holds back every commit not yet delivered, and every later one. */
  public synchronized void pause() {
    paused = true;
  }

  /** Commits that are held back. */
  public synchronized int held() {
    return queue.size();
  }

  /** Ends {@link #pause}. */
  public synchronized void resume() {
    paused = false;
    notifyAll();
  }

  /** Refuses clients' commits with {@code reason} from now on; null accepts them again. */
  public synchronized void refuse(CommitResult.@Nullable Reason reason) {
    refusal = reason;
  }

  /** Is a copy that nobody has accepted, for the reason given. Called before it is opened. */
  public synchronized void copied(String why) {
    readOnly = why;
    refusal = CommitResult.Reason.COPY_NOT_ACCEPTED;
  }

  /** Fails: what is pending ends Unknown and is lost, later commits are refused. */
  public synchronized void fail(String detail) {
    failure = detail;
    notifyAll();
  }

  @Override
  public void fail(Throwable cause) {
    fail(cause.toString());
  }

  /** Dies as a killed server would, and hands over what was durable. */
  public Content crash() {
    fail("the server was killed");
    joinDeliverer();
    return content;
  }

  @Override
  public void close() {
    boolean clean;
    synchronized (this) {
      closed = true;
      paused = false;
      clean = failure == null;
      notifyAll();
    }
    joinDeliverer();
    synchronized (content) {
      content.cleanEnd = clean;
    }
  }

  private void joinDeliverer() {
    Thread thread;
    synchronized (this) {
      thread = deliverer;
    }
    if (thread == null) {
      return;
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static final class Pending implements PendingCommit {
    private final List<Change> changes;
    private final CountDownLatch done = new CountDownLatch(1);
    private volatile @Nullable CommitResult result;

    Pending(List<Change> changes) {
      this.changes = changes;
    }

    void complete(CommitResult outcome) {
      result = outcome;
      done.countDown();
    }

    @Override
    public CommitResult await() throws InterruptedException {
      done.await();
      CommitResult outcome = result;
      if (outcome == null) {
        throw new AssertionError("completed without a result");
      }
      return outcome;
    }
  }

  private static final class Fold {
    private final Map<EntityKey, Stored<Task>> tasks = new LinkedHashMap<>();
    private final Map<EntityKey, Stored<Initiative>> initiatives = new LinkedHashMap<>();
    private final Map<EntityKey, Tombstone> tombstones = new LinkedHashMap<>();
    private final Map<String, IdempotencyRecord> idempotency = new LinkedHashMap<>();
    private long seq;

    Fold(StateImage base) {
      seq = base.seq();
      base.tasks().forEach(task -> tasks.put(key(task), task));
      base.initiatives()
          .forEach(stored -> initiatives.put(EntityKey.of(stored.entity().id()), stored));
      base.tombstones().forEach(tombstone -> tombstones.put(tombstone.key(), tombstone));
      base.idempotency().forEach(record -> idempotency.put(record.key(), record));
    }

    void apply(Committed committed) {
      Change change = committed.change();
      seq = committed.seq();
      switch (change) {
        case Change.PutTask put -> tasks.put(put.key(), new Stored<>(put.task(), seq, put.cause()));
        case Change.PutInitiative put ->
            initiatives.put(put.key(), new Stored<>(put.initiative(), seq, put.cause()));
        case Change.PurgeTask purge -> {
          tasks.remove(purge.key());
          tombstones.put(purge.key(), new Tombstone(purge.key(), seq, purge.at()));
        }
        case Change.DeleteInitiative delete -> {
          initiatives.remove(delete.key());
          tombstones.put(delete.key(), new Tombstone(delete.key(), seq, delete.at()));
        }
      }
      IdempotencyRecord record = change.idempotency();
      if (record != null) {
        idempotency.put(record.key(), record);
      }
    }
  }
}

package holdfast.application;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.StateFiles.Condition;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.StateFiles.Reconciled;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the state files up to date: what has changed since they were last written is written from
 * time to time, and when asked. How fresh they are decides nothing about what a crash can lose.
 *
 * <p>Any thread. Between groups of files it pauses, so that commits have the disk for most of the
 * time; not if somebody waits for it.
 */
public final class SyncService {
  private static final int GROUP = 256;

  /** A pause is so many times as long as the work before it. */
  private static final int PAUSE_FACTOR = 3;

  private static final int DELAYED_INTERVALS = 3;
  private static final int FINDINGS_KEPT = 100;

  private final Core core;
  private final Duration interval;
  private final Background thread = new Background("holdfast-sync");
  private final Map<EntityKey, Long> dirty = new ConcurrentHashMap<>();
  private final AtomicInteger waiting = new AtomicInteger();

  /** Held by whoever looks an entity up and writes its file: an older one must not come later. */
  private final ReentrantLock files = new ReentrantLock();

  private final ReentrantLock round = new ReentrantLock();
  private final Deque<Finding> findings = new ArrayDeque<>();
  private volatile long observed;
  private volatile @Nullable Instant lastSync;
  private volatile Duration lastDuration = Duration.ZERO;
  private volatile Instant behindSince;
  private volatile @Nullable String trouble;
  private volatile @Nullable String ahead;
  private final AtomicLong found = new AtomicLong();

  /**
   * How far the state files are.
   *
   * @param seq of the last change
   * @param checkpoint every change up to this seq is in the files
   * @param dirty entities whose files are behind
   * @param lastSync when a round last ended well, or null
   * @param delayed whether they have been behind for several intervals
   * @param findings files so far that were not as they were written
   */
  public record Status(
      long seq,
      long checkpoint,
      int dirty,
      @Nullable Instant lastSync,
      Duration lastDuration,
      boolean delayed,
      long findings) {}

  SyncService(Core core, EventFeed feed, Duration interval) {
    this.core = core;
    this.interval = interval;
    behindSince = core.clock().instant();
    feed.observeCommits(this::changed);
  }

  private void changed(Committed committed) {
    dirty.put(committed.change().key(), committed.seq());
    // In this order: whoever reads the seq finds everything up to it.
    observed = committed.seq();
  }

  void start() {
    long checkpoint = core.ports().stateFiles().checkpoint();
    for (Stored<Task> task : core.state().select(_ -> true)) {
      mark(EntityKey.of(task.entity().id()), task.seq(), checkpoint);
    }
    for (Stored<Initiative> initiative : core.state().storedInitiatives()) {
      mark(EntityKey.of(initiative.entity().id()), initiative.seq(), checkpoint);
    }
    for (Tombstone tombstone : core.state().tombstones()) {
      mark(tombstone.key(), tombstone.seq(), checkpoint);
    }
    observed = Math.max(observed, core.state().seq());
    thread.every(interval, this::periodic);
  }

  private void mark(EntityKey key, long seq, long checkpoint) {
    if (seq > checkpoint) {
      dirty.merge(key, seq, Math::max);
    }
  }

  private void periodic() {
    try {
      sync();
    } catch (RuntimeException e) {
      // Whatever it was, the next round must come.
      trouble =
          e.getMessage()
              + ". Nothing is lost: it is tried again in "
              + interval
              + ". See that the disk has room and can be written";
      core.log(Category.ERROR, "sync-failed", Map.of("error", String.valueOf(e.getMessage())));
    }
  }

  /**
   * Returns when everything acknowledged before the call is in the state files.
   *
   * @throws StorageException if they cannot be written
   */
  public Status force() {
    waiting.incrementAndGet();
    try {
      sync();
      return status();
    } finally {
      waiting.decrementAndGet();
    }
  }

  /** The last round: everything is written, and nothing after it. */
  public void atShutdown() {
    waiting.incrementAndGet();
    thread.close();
    sync();
  }

  private void sync() {
    round.lock();
    try {
      Instant begun = core.clock().instant();
      long upTo = observed;
      List<Map.Entry<EntityKey, Long>> outdated = new ArrayList<>();
      dirty.forEach((key, seq) -> outdated.add(Map.entry(key, seq)));
      outdated.sort(Map.Entry.comparingByValue(Comparator.naturalOrder()));
      for (int from = 0; from < outdated.size(); from += GROUP) {
        writeGroup(outdated.subList(from, Math.min(from + GROUP, outdated.size())));
      }
      core.ports().stateFiles().checkpoint(upTo);
      Instant now = core.clock().instant();
      lastSync = now;
      lastDuration = Duration.between(begun, now);
      behindSince = now;
      trouble = null;
    } finally {
      round.unlock();
    }
  }

  private void writeGroup(List<Map.Entry<EntityKey, Long>> group) {
    long begun = System.nanoTime();
    note(reconcile(group.stream().map(Map.Entry::getKey).toList()));
    group.forEach(entry -> dirty.remove(entry.getKey(), entry.getValue()));
    pause(System.nanoTime() - begun);
  }

  private void pause(long worked) {
    long until = System.nanoTime() + worked * PAUSE_FACTOR;
    while (waiting.get() == 0 && !thread.isClosed() && System.nanoTime() < until) {
      LockSupport.parkNanos(Math.min(until - System.nanoTime(), TimeUnit.MILLISECONDS.toNanos(50)));
    }
  }

  /** Looks at the files of these entities, and makes them what memory has now. */
  Reconciled reconcile(Collection<EntityKey> keys) {
    var tasks = new ArrayList<Stored<Task>>();
    var initiatives = new ArrayList<Stored<Initiative>>();
    var gone = new ArrayList<EntityKey>();
    files.lock();
    try {
      for (EntityKey key : keys) {
        switch (key.kind()) {
          case TASK -> {
            if (core.state().task(new TaskId(key.id()))
                instanceof Lookup.Found<Stored<Task>>(Stored<Task> stored)) {
              tasks.add(stored);
            } else {
              gone.add(key);
            }
          }
          case INITIATIVE ->
              core.state()
                  .storedInitiative(new InitiativeId(key.id()))
                  .ifPresentOrElse(initiatives::add, () -> gone.add(key));
        }
      }
      return core.ports().stateFiles().reconcile(tasks, initiatives, gone);
    } finally {
      files.unlock();
    }
  }

  private void note(Reconciled reconciled) {
    reconciled.findings().forEach(this::note);
  }

  /** Makes known that a file was not as it was written. */
  void note(Finding finding) {
    found.incrementAndGet();
    synchronized (findings) {
      findings.addLast(finding);
      if (findings.size() > FINDINGS_KEPT) {
        findings.removeFirst();
      }
    }
    if (finding.condition() == Condition.AHEAD) {
      ahead = finding.place() + ": " + finding.detail();
    }
    core.log(
        Category.ERROR,
        "state-file-" + finding.condition().name().toLowerCase(java.util.Locale.ROOT),
        Map.of(
            "place", finding.place(),
            "detail", finding.detail(),
            "quarantined", String.valueOf(finding.quarantined())));
  }

  /** The last files that were not as they were written, oldest first. */
  public List<Finding> findings() {
    synchronized (findings) {
      return List.copyOf(findings);
    }
  }

  /** Whether a file is behind and will be written soon. */
  boolean isDirty(EntityKey key) {
    return dirty.containsKey(key);
  }

  /** Runs {@code action} while no file is being written. */
  <T> T exclusively(java.util.function.Supplier<T> action) {
    files.lock();
    try {
      return action.get();
    } finally {
      files.unlock();
    }
  }

  public Status status() {
    long checkpoint = core.ports().stateFiles().checkpoint();
    return new Status(
        core.state().seq(),
        checkpoint,
        dirty.size(),
        lastSync,
        lastDuration,
        isDelayed(),
        found.get());
  }

  private boolean isDelayed() {
    Duration behind = Duration.between(behindSince, core.clock().instant());
    return !dirty.isEmpty() && behind.compareTo(interval.multipliedBy(DELAYED_INTERVALS)) > 0;
  }

  /** What is wrong, and what to do, or null. */
  @Nullable String trouble() {
    if (ahead != null) {
      return ahead;
    }
    if (trouble != null) {
      return trouble;
    }
    return isDelayed()
        ? "delayed: the files of " + dirty.size() + " entities are behind; the disk may be too slow"
        : null;
  }

  void close() {
    thread.close();
  }
}

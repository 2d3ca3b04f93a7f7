package holdfast.application;

import holdfast.application.ExternalEdits.Judged;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.StateFiles;
import holdfast.domain.port.StateFiles.Condition;
import holdfast.domain.port.StateFiles.Edit;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.StateFiles.Reconciled;
import holdfast.domain.port.StateFiles.Swept;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.SyncStrategy;
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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
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

  /** An edit comes with several hints, and a round of writing with thousands. */
  private static final Duration HINTS_GATHERED = Duration.ofMillis(200);

  private static final Duration UNSETTLED_MAX = Duration.ofMillis(1_500);
  private static final Duration UNSETTLED_LOOK = Duration.ofMillis(50);
  private static final int MISSING_NAMED_MAX = 10;

  private final Core core;
  private final Duration interval;
  private final Background thread = new Background("holdfast-sync");
  private final Background hints = new Background("holdfast-sync-hints");
  private final Map<EntityKey, Long> dirty = new ConcurrentHashMap<>();
  private final AtomicInteger waiting = new AtomicInteger();

  /** Held by whoever looks an entity up and writes its file: an older one must not come later. */
  private final ReentrantLock files = new ReentrantLock(true);

  /** Held by whoever looks at files and decides about edits: nobody else decides meanwhile. */
  private final ReentrantLock looking = new ReentrantLock(true);

  private final Set<EntityKey> heard = ConcurrentHashMap.newKeySet();
  private final ExternalEdits edits;
  private final SyncFeed notes;
  private volatile StateFiles.@Nullable Watch watch;
  private final AtomicLong written = new AtomicLong();
  private final AtomicLong quarantined = new AtomicLong();
  private final ReentrantLock round = new ReentrantLock();
  private final Deque<Finding> findings = new ArrayDeque<>();
  private volatile long observed;
  private volatile @Nullable Instant lastSync;
  private volatile @Nullable Forced lastRound;
  private volatile Instant behindSince;
  private volatile @Nullable Trouble trouble;
  private volatile @Nullable Trouble ahead;
  private final AtomicLong found = new AtomicLong();

  /**
   * How far the state files are.
   *
   * @param seq of the last change
   * @param checkpoint every change up to this seq is in the files
   * @param dirty entities whose files are behind
   * @param lastSync when a round last ended well, or null
   * @param lastRound what that round did, or null
   * @param delayed whether they have been behind for several intervals
   * @param findings files so far that were not as they were written
   */
  public record Status(
      long seq,
      long checkpoint,
      int dirty,
      @Nullable Instant lastSync,
      @Nullable Forced lastRound,
      boolean delayed,
      long findings) {

    /** How long the last round that ended well took; zero before the first. */
    public Duration lastDuration() {
      return lastRound == null ? Duration.ZERO : lastRound.duration();
    }
  }

  /**
   * What a round did.
   *
   * @param seq everything up to it is in the files
   * @param written files
   * @param adopted edits that were taken over
   * @param quarantined files whose bytes were put aside
   */
  public record Forced(long seq, long written, long adopted, long quarantined, Duration duration) {}

  SyncService(Core core, EventFeed feed, Duration interval, SyncStrategy strategy, SyncFeed notes) {
    this.core = core;
    this.notes = notes;
    edits = new ExternalEdits(core, strategy, notes);
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
    mark(core.state(), core.ports().stateFiles().checkpoint());
    thread.every(interval, this::periodic);
    watch = core.ports().stateFiles().watch(this::hear);
  }

  /** Begins to tell whoever follows. Reads what is kept of earlier starts. */
  void startTelling() {
    try {
      notes.begin(edits.conflicts());
    } catch (StorageException e) {
      core.log(Category.ERROR, "sync-failed", Map.of("error", String.valueOf(e.getMessage())));
    }
  }

  /** Rounds that were run, and edits that were found and settled. */
  public CompactedFeed<SyncNote> feed() {
    return notes.feed();
  }

  /** What becomes of edits, and what became of earlier ones. */
  public ExternalEdits edits() {
    return edits;
  }

  public Duration interval() {
    return interval;
  }

  /** Why edits may be seen late, or null. */
  public @Nullable String watchObstacle() {
    StateFiles.Watch open = watch;
    return open == null ? "state files are not watched before the start" : open.obstacle();
  }

  /** Most of what is heard is of our own making, and there is much of it: looked at together. */
  private void hear(EntityKey key) {
    if (heard.add(key) && heard.size() == 1) {
      hints.soon(this::lookAtHeard);
    }
  }

  private void lookAtHeard() {
    LockSupport.parkNanos(HINTS_GATHERED.toNanos());
    var keys = new ArrayList<EntityKey>(heard);
    keys.forEach(heard::remove);
    try {
      for (int from = 0; from < keys.size(); from += GROUP) {
        List<EntityKey> group = keys.subList(from, Math.min(from + GROUP, keys.size()));
        List<EntityKey> known = group.stream().filter(core.state()::exists).toList();
        lookAt(known);
        if (known.size() < group.size() && group.stream().anyMatch(this::isStranger)) {
          sweepAll(false);
        }
      }
    } catch (RuntimeException e) {
      core.log(Category.ERROR, "sync-failed", Map.of("error", String.valueOf(e.getMessage())));
    }
    if (!heard.isEmpty()) {
      hints.soon(this::lookAtHeard);
    }
  }

  private boolean isStranger(EntityKey key) {
    return !isKnown(key);
  }

  /** Whether there is such an entity, or was, and its file is still to go. */
  private boolean isKnown(EntityKey key) {
    return core.state().exists(key) || dirty.containsKey(key);
  }

  /** Looks at those of these files that somebody touched. */
  private void lookAt(List<EntityKey> keys) {
    var tasks = new ArrayList<Stored<Task>>();
    var initiatives = new ArrayList<Stored<Initiative>>();
    gather(keys, tasks, initiatives, new ArrayList<>());
    List<EntityKey> touched =
        exclusively(() -> core.ports().stateFiles().touched(tasks, initiatives)).stream()
            .filter(key -> !dirty.containsKey(key))
            .toList();
    if (!touched.isEmpty()) {
      noteAll(reconcile(touched).findings());
    }
  }

  /** Looks at all files, most of them from outside only. */
  private void lookAtAll() {
    var keys = new ArrayList<EntityKey>();
    core.state().select(_ -> true).forEach(task -> keys.add(EntityKey.of(task.entity().id())));
    core.state()
        .storedInitiatives()
        .forEach(initiative -> keys.add(EntityKey.of(initiative.entity().id())));
    for (int from = 0; from < keys.size() && goesOn(); from += GROUP) {
      long begun = System.nanoTime();
      lookAt(keys.subList(from, Math.min(from + GROUP, keys.size())));
      pause(System.nanoTime() - begun);
    }
    sweepAll(true);
  }

  private void sweepAll(boolean paced) {
    boolean isLast = false;
    while (!isLast && goesOn()) {
      long begun = System.nanoTime();
      isLast = sweep().last();
      if (paced) {
        pause(System.nanoTime() - begun);
      }
    }
  }

  private boolean goesOn() {
    return waiting.get() > 0 || !thread.isClosed();
  }

  /** Looks for files of what does not exist, in one more shard, and decides about them. */
  Swept sweep() {
    looking.lock();
    try {
      Swept swept = exclusively(() -> core.ports().stateFiles().sweep(this::isKnown));
      for (Finding finding : swept.findings()) {
        Judged judged = decide(finding);
        if (!judged.isAdopted()) {
          note(
              new Finding(
                  finding.key(),
                  finding.condition(),
                  finding.place(),
                  finding.detail(),
                  judged.aside()));
        }
      }
      return swept;
    } finally {
      looking.unlock();
    }
  }

  /** Decides about a finding's edit, if it has one. */
  private Judged decide(Finding finding) {
    Edit edit = finding.edit();
    if (edit == null) {
      return new Judged(true, false, finding.quarantined());
    }
    try {
      return edits.judge(finding, edit);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Judged(false, false, finding.quarantined());
    }
  }

  /** Marks whatever has changed since the checkpoint. */
  private void mark(LiveState state, long checkpoint) {
    for (Stored<Task> task : state.select(_ -> true)) {
      mark(EntityKey.of(task.entity().id()), task.seq(), checkpoint);
    }
    for (Stored<Initiative> initiative : state.storedInitiatives()) {
      mark(EntityKey.of(initiative.entity().id()), initiative.seq(), checkpoint);
    }
    for (Tombstone tombstone : state.tombstones()) {
      mark(tombstone.key(), tombstone.seq(), checkpoint);
    }
    observed = Math.max(observed, state.seq());
  }

  /**
   * Keeps files from being written and edits from being decided about: what was read of one state
   * must not be taken for a part of another that takes its place meanwhile.
   */
  Hold hold() {
    looking.lock();
    files.lock();
    return new Hold(
        () -> {
          files.unlock();
          looking.unlock();
        });
  }

  /**
   * Takes note that another state is in force: the file of each entity bears its epoch, so each is
   * to be written, and those of what is gone are to go. Within {@link #hold}.
   */
  void replaced(Collection<EntityKey> gone) {
    LiveState state = core.state();
    dirty.clear();
    gone.forEach(key -> dirty.put(key, state.seq()));
    mark(state, 0);
    behindSince = core.clock().instant();
  }

  /** Has the state files follow at once. */
  void soon() {
    thread.soon(this::periodic);
  }

  private void mark(EntityKey key, long seq, long checkpoint) {
    if (seq > checkpoint) {
      dirty.merge(key, seq, Math::max);
    }
  }

  private void periodic() {
    try {
      sync();
    } catch (RuntimeException noted) {
      // Whatever it was, the next round must come.
      return;
    }
  }

  private void failed(RuntimeException e) {
    trouble =
        new Trouble(
            e.getMessage() + ". Nothing is lost: it is tried again in " + interval,
            "See that the disk has room and that the place named can be written");
    core.log(Category.ERROR, "sync-failed", Map.of("error", String.valueOf(e.getMessage())));
    notes.progressed("sync-failed");
  }

  /**
   * Returns when everything acknowledged before the call is in the state files, and every edit that
   * stood in them then has been decided about.
   *
   * @throws StorageException if they cannot be written
   */
  public Forced force() {
    waiting.incrementAndGet();
    try {
      return sync();
    } finally {
      waiting.decrementAndGet();
    }
  }

  /** The last round: everything is written, and nothing after it. */
  public void atShutdown() {
    waiting.incrementAndGet();
    close();
    round.lock();
    try {
      writeDirty();
    } finally {
      round.unlock();
    }
  }

  private Forced sync() {
    round.lock();
    try {
      Instant begun = core.clock().instant();
      long writtenBefore = written.get();
      long adoptedBefore = edits.adopted();
      long quarantinedBefore = quarantined.get();
      writeDirty();
      lookAtAll();
      if (edits.adopted() > adoptedBefore) {
        writeDirty();
      }
      Instant now = core.clock().instant();
      lastSync = now;
      trouble = null;
      var ended =
          new Forced(
              core.ports().stateFiles().checkpoint(),
              written.get() - writtenBefore,
              edits.adopted() - adoptedBefore,
              quarantined.get() - quarantinedBefore,
              Duration.between(begun, now));
      lastRound = ended;
      notes.progressed("synced");
      return ended;
    } catch (RuntimeException e) {
      failed(e);
      throw e;
    } finally {
      round.unlock();
    }
  }

  private void writeDirty() {
    String epoch = core.state().epoch();
    long upTo = observed;
    List<Map.Entry<EntityKey, Long>> outdated = new ArrayList<>();
    dirty.forEach((key, seq) -> outdated.add(Map.entry(key, seq)));
    outdated.sort(Map.Entry.comparingByValue(Comparator.naturalOrder()));
    for (int from = 0; from < outdated.size(); from += GROUP) {
      upTo =
          Math.min(
              upTo,
              writeGroup(epoch, outdated.subList(from, Math.min(from + GROUP, outdated.size()))));
    }
    noteCheckpoint(epoch, upTo);
  }

  /** What was written of a state that has been replaced since says nothing of the present one. */
  private void noteCheckpoint(String epoch, long upTo) {
    files.lock();
    try {
      if (epoch.equals(core.state().epoch())) {
        core.ports().stateFiles().checkpoint(upTo);
        behindSince = core.clock().instant();
      }
    } finally {
      files.unlock();
    }
  }

  /** Writes these; the greatest seq that the checkpoint may have in spite of what had to wait. */
  private long writeGroup(String epoch, List<Map.Entry<EntityKey, Long>> group) {
    long begun = System.nanoTime();
    Reconciled reconciled = reconcile(group.stream().map(Map.Entry::getKey).toList());
    noteAll(reconciled.findings());
    long upTo = settle(epoch, group, reconciled.unsettled());
    pause(System.nanoTime() - begun);
    return upTo;
  }

  /** Lets go of what is written; the greatest seq that the checkpoint may have in spite of it. */
  private long settle(
      String epoch, List<Map.Entry<EntityKey, Long>> group, List<EntityKey> unsettled) {
    files.lock();
    try {
      long upTo = Long.MAX_VALUE;
      for (Map.Entry<EntityKey, Long> entry : group) {
        if (unsettled.contains(entry.getKey())) {
          upTo = Math.min(upTo, entry.getValue() - 1);
        } else if (epoch.equals(core.state().epoch())) {
          dirty.remove(entry.getKey(), entry.getValue());
        }
      }
      return upTo;
    } finally {
      files.unlock();
    }
  }

  private void pause(long worked) {
    long until = System.nanoTime() + worked * PAUSE_FACTOR;
    while (waiting.get() == 0 && !thread.isClosed() && System.nanoTime() < until) {
      LockSupport.parkNanos(Math.min(until - System.nanoTime(), TimeUnit.MILLISECONDS.toNanos(50)));
    }
  }

  /**
   * Looks at the files of these entities, decides about edits in them, and makes them what memory
   * has then. Waits a little for those that somebody is writing this very moment.
   */
  Reconciled reconcile(Collection<EntityKey> keys) {
    looking.lock();
    try {
      Reconciled first = put(keys);
      var found = new ArrayList<Finding>(first.findings());
      var later = new HashSet<EntityKey>(undecided(first.findings()));
      var left = new HashSet<EntityKey>(first.unsettled());
      int files = first.written();
      long until = System.nanoTime() + UNSETTLED_MAX.toNanos();
      for (boolean isFirst = true; !left.isEmpty() && System.nanoTime() < until; isFirst = false) {
        left.removeAll(later);
        if (!isFirst) {
          LockSupport.parkNanos(UNSETTLED_LOOK.toNanos());
        }
        Reconciled next = put(left);
        files += next.written();
        found.addAll(next.findings());
        later.addAll(undecided(next.findings()));
        left = new HashSet<>(next.unsettled());
      }
      left.addAll(later);
      return new Reconciled(files, found, List.copyOf(left));
    } finally {
      looking.unlock();
    }
  }

  private List<EntityKey> undecided(List<Finding> found) {
    return found.stream()
        .filter(finding -> finding.key() != null && !decide(finding).isDecided())
        .map(finding -> Objects.requireNonNull(finding.key()))
        .toList();
  }

  private Reconciled put(Collection<EntityKey> keys) {
    var tasks = new ArrayList<Stored<Task>>();
    var initiatives = new ArrayList<Stored<Initiative>>();
    var gone = new ArrayList<EntityKey>();
    files.lock();
    try {
      gather(keys, tasks, initiatives, gone);
      Reconciled done = core.ports().stateFiles().reconcile(tasks, initiatives, gone);
      written.addAndGet(done.written());
      return done;
    } finally {
      files.unlock();
    }
  }

  private void gather(
      Collection<EntityKey> keys,
      List<Stored<Task>> tasks,
      List<Stored<Initiative>> initiatives,
      List<EntityKey> gone) {
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
  }

  /** Makes known what was found; of many files that are missing at once, how many. */
  void noteAll(List<Finding> found) {
    List<Finding> missing =
        found.stream().filter(finding -> finding.condition() == Condition.MISSING).toList();
    if (missing.size() <= MISSING_NAMED_MAX) {
      found.forEach(this::note);
      return;
    }
    found.stream().filter(finding -> !missing.contains(finding)).forEach(this::note);
    missing.forEach(this::count);
    core.log(
        Category.ERROR,
        "state-files-missing",
        Map.of(
            "count", missing.size(),
            "first", missing.getFirst().place(),
            "last", missing.getLast().place()));
  }

  /** Makes known that a file was not as it was written. */
  void note(Finding finding) {
    count(finding);
    core.log(
        Category.ERROR,
        "state-file-" + finding.condition().name().toLowerCase(java.util.Locale.ROOT),
        Map.of(
            "place", finding.place(),
            "detail", finding.detail(),
            "quarantined", String.valueOf(finding.quarantined())));
  }

  private void count(Finding finding) {
    found.incrementAndGet();
    quarantined.addAndGet(finding.quarantined() == null ? 0 : 1);
    synchronized (findings) {
      findings.addLast(finding);
      if (findings.size() > FINDINGS_KEPT) {
        findings.removeFirst();
      }
    }
    if (finding.condition() == Condition.AHEAD) {
      ahead =
          new Trouble(
              finding.place() + ": " + finding.detail(),
              "Stop the server, keep everything as it is, and put the journal back from a backup");
    }
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
        lastRound,
        isDelayed(),
        found.get());
  }

  private boolean isDelayed() {
    Duration behind = Duration.between(behindSince, core.clock().instant());
    return !dirty.isEmpty() && behind.compareTo(interval.multipliedBy(DELAYED_INTERVALS)) > 0;
  }

  /** Why the state files are not as they should be, for people, or null. */
  public @Nullable String obstacle() {
    Trouble present = ahead == null ? trouble() : ahead;
    return present == null ? null : present.why();
  }

  /** What proves that the journal has lost its end, and what to do, or null. */
  @Nullable Trouble ahead() {
    return ahead;
  }

  /** Why the files are not as they should be, and what to do, or null. */
  @Nullable Trouble trouble() {
    if (trouble != null) {
      return trouble;
    }
    return isDelayed()
        ? new Trouble(
            "Sync service delayed: the files of "
                + dirty.size()
                + " entities have been behind for "
                + DELAYED_INTERVALS
                + " intervals of "
                + interval,
            "High system load or a slow disk: look at both (iostat, top); POST /api/sync/force"
                + " writes them before anything else. Nothing is lost meanwhile")
        : null;
  }

  void close() {
    StateFiles.Watch open = watch;
    if (open != null) {
      open.close();
    }
    hints.close();
    thread.close();
  }
}

package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.journal.JournalCopy;
import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.journal.TestJournals;
import holdfast.adapters.file.json.ChangeCodec;
import holdfast.adapters.file.layout.AuditAnchors;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.output.FileOutputStorage;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.adapters.file.snapshot.FileSnapshotStorage;
import holdfast.adapters.file.snapshot.SnapshotFiles;
import holdfast.adapters.file.state.FileStateFiles;
import holdfast.adapters.file.state.StateFileReader;
import holdfast.domain.port.Change;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.Scrubbing.Piece;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage;
import holdfast.domain.restoration.Restoration;
import holdfast.domain.restoration.RestorationDiff;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * All of storage on one thread: journal, snapshots, state files, scrub. What it keeps in memory is
 * what it was told to be durable.
 */
final class WholeServer {
  static final Path ROOT = Path.of("/d");
  static final Layout LAYOUT =
      new Layout(ROOT, ROOT.resolve("state"), Layout.defaultMirror(ROOT.resolve("state")));
  private static final int SEGMENT_BYTES = 32 << 10;
  private static final int SNAPSHOTS_MAX = 3;
  private static final InstantSource NOON = InstantSource.fixed(SampleTasks.NOON);

  private final Disk disk;
  private final History history;
  private final FileSnapshotStorage snapshots;
  private final FileStateFiles stateFiles;
  private final FileScrubbing scrubbing;
  private final SnapshotFiles places;
  private final Parts parts;
  private EntityHeads heads = new EntityHeads();
  private final Model model = new Model();
  private final List<EntityKey> dirty = new ArrayList<>();
  private List<Change> inFlight = List.of();
  private @Nullable StateImage replacing;
  private final Habit habit;
  private History.Start start;

  /** How a server goes about its work: soundly, or as somebody might get it wrong. */
  enum Habit {
    SOUND,
    /** Says that the state files are written before they are. */
    CHECKPOINTS_FIRST,
    /** Removes the history that only the newest snapshot holds. */
    RETIRES_UP_TO_THE_NEWEST
  }

  WholeServer(Disk disk, RandomGenerator random, History.Rules rules) throws IOException {
    this(disk, random, rules, Habit.SOUND);
  }

  WholeServer(Disk disk, RandomGenerator random, History.Rules rules, Habit habit)
      throws IOException {
    this.habit = habit;
    this.disk = disk;
    LAYOUT.prepare(disk);
    var quarantine = new Quarantine(disk, LAYOUT.quarantine(), NOON, Long.MAX_VALUE);
    List<JournalCopy> copies = Parts.copies(disk, LAYOUT, quarantine, quarantine);
    var audit = new AuditAnchors();
    history =
        new History(
            disk,
            LAYOUT,
            TestJournals.journal(copies, SEGMENT_BYTES, TestJournals.Forces.SOUND, random),
            () -> new UUID(7, 7),
            quarantine,
            rules,
            audit);
    places = new SnapshotFiles(disk, LAYOUT.snapshots(), LAYOUT.snapshotTwins(), quarantine, audit);
    snapshots =
        new FileSnapshotStorage(
            places, history::identity, this::retire, history::floor, SNAPSHOTS_MAX);
    stateFiles =
        new FileStateFiles(
            disk,
            LAYOUT,
            quarantine,
            history::identity,
            new FileStateFiles.Progress(
                history::seq,
                history::checkpoint,
                reached -> {
                  audit.forced();
                  history.checkpoint(reached);
                }),
            NOON);
    var walk = new HistoryScrub(history);
    scrubbing =
        new FileScrubbing(List.of(walk::names, walk::journal, snapshots::scrub), quarantine::taken);
    parts =
        new Parts(
            history,
            places,
            new StateFileReader(disk, LAYOUT),
            snapshots,
            stateFiles,
            new FileOutputStorage(disk, LAYOUT, quarantine, quarantine, history::hasBegun),
            scrubbing,
            audit);
  }

  /** What it is made of, for those who keep the audit trail beside it. */
  Parts parts() {
    return parts;
  }

  private void retire(List<String> ids, long floor) {
    history.retire(ids, habit == Habit.RETIRES_UP_TO_THE_NEWEST ? model.seq() : floor);
  }

  /** Recovers on {@code disk}; what is served then is {@link #image}. */
  static WholeServer on(Disk disk, RandomGenerator random) throws IOException {
    return on(disk, random, Habit.SOUND);
  }

  static WholeServer on(Disk disk, RandomGenerator random, Habit habit) throws IOException {
    var server = new WholeServer(disk, random, History.Rules.STRICT, habit);
    server.start();
    return server;
  }

  void start() throws IOException {
    var fold = new StateFold(heads, SampleTasks.NOON);
    start = history.start(new StateBases(places, new StateFileReader(disk, LAYOUT), fold));
    model.load(fold.image(start.seq()));
    dirty.addAll(model.newerThan(start.checkpoint()));
  }

  History.Start started() {
    return start;
  }

  Model model() {
    return model;
  }

  /** Everything acknowledged. */
  StateImage image() {
    return model.image();
  }

  /** Everything acknowledged, and what was being written. */
  StateImage imageWithInFlight() {
    var more = new Model();
    more.load(replacing == null ? model.image() : replacing);
    inFlight.forEach(more::apply);
    return more.image();
  }

  /** Commits the changes as one batch. */
  void commit(List<Change> changes) throws IOException {
    var encoded = changes.stream().map(ChangeCodec::encode).toList();
    if (heads.conflict(encoded) != null) {
      throw new IllegalArgumentException("does not build on what is there: " + changes);
    }
    List<EntityHeads.Pending> pending = heads.number(encoded, model.seq() + 1);
    List<SequencedChange> records = pending.stream().map(EntityHeads.Pending::change).toList();
    inFlight = changes;
    history.append(records);
    pending.forEach(EntityHeads.Pending::durable);
    changes.forEach(model::apply);
    changes.forEach(change -> dirty.add(change.key()));
    inFlight = List.of();
  }

  void seal() throws IOException {
    history.seal();
  }

  /** Writes the state files of what has changed. */
  List<Finding> sync() {
    long upTo = model.seq();
    if (habit == Habit.CHECKPOINTS_FIRST) {
      stateFiles.checkpoint(upTo);
    }
    List<Finding> findings = reconcile(List.copyOf(dirty));
    stateFiles.checkpoint(upTo);
    dirty.clear();
    return findings;
  }

  private List<Finding> reconcile(List<EntityKey> keys) {
    var distinct = keys.stream().distinct().toList();
    return stateFiles
        .reconcile(
            distinct.stream().flatMap(key -> model.task(key).stream()).toList(),
            distinct.stream().flatMap(key -> model.initiative(key).stream()).toList(),
            distinct.stream().filter(key -> !model.exists(key)).toList())
        .findings();
  }

  void snapshot() {
    snapshots.save(model.image(), Reason.PERIODIC);
  }

  /** The state files that are not as they were written; none, whatever crash was before. */
  List<Finding> stateFileFindings() {
    return reconcile(model.keys().stream().filter(key -> !dirty.contains(key)).toList());
  }

  /** One whole round: everything that was found, as sentences. */
  List<String> scrub() throws IOException {
    var found = new ArrayList<String>();
    boolean last = false;
    while (!last) {
      Piece piece = scrubbing.next();
      for (Mended mended : piece.mended()) {
        found.add(mended.place() + " " + mended.damage() + " <- " + mended.source());
      }
      last = piece.last();
    }
    history.rollIfWanted();
    reconcile(model.keys()).forEach(finding -> found.add(finding.place() + finding.detail()));
    boolean swept = false;
    while (!swept) {
      var result = stateFiles.sweep(model::exists);
      result.findings().forEach(finding -> found.add(finding.place() + finding.detail()));
      swept = result.last();
    }
    if (snapshots.wanted()) {
      snapshot();
    }
    return found;
  }

  /** Ids of the snapshots, newest first. */
  List<String> snapshotIds() {
    return snapshots.list().stream().map(SnapshotStorage.Snapshot::id).toList();
  }

  /** Returns to a snapshot, as the command does, instead of starting. */
  OfflineRestoration.Result restore(String snapshot, boolean dryRun) throws IOException {
    var restoration =
        new SnapshotRestoration(
            history,
            fold -> new StateBases(places, new StateFileReader(disk, LAYOUT), fold),
            places,
            stateFiles,
            null,
            NOON);
    return restoration.run(
        new OfflineRestoration.Request(snapshot, Restoration.Running.REFUSE, dryRun));
  }

  /**
   * Returns to a snapshot while serving.
   *
   * @return the snapshot of the state before
   */
  String restoreWhileServing(String id) throws IOException {
    SnapshotStorage.Loading loaded = snapshots.load(id);
    if (!(loaded instanceof SnapshotStorage.Loading.Loaded(StateImage then))) {
      throw new IllegalArgumentException(id + ": " + loaded);
    }
    StateImage present = model.image();
    if (!(Restoration.plan(present, id, then, Restoration.Running.REFUSE, SampleTasks.NOON)
        instanceof Restoration.Plan.Granted(StateImage next, RestorationDiff diff))) {
      throw new IllegalArgumentException("tasks are active");
    }
    String before = snapshots.save(present, Reason.PRE_RESTORE).id();
    replacing = next;
    TaskStorage.Replacement replaced = new ReplaceState(history, snapshots).run(model.seq(), next);
    if (!(replaced instanceof TaskStorage.Replacement.Replaced)) {
      throw new IOException("not replaced: " + replaced);
    }
    model.replace(next);
    replacing = null;
    heads = EntityHeads.of(next);
    dirty.clear();
    dirty.addAll(model.newerThan(0));
    diff.removed().forEach(line -> dirty.add(line.key()));
    return before;
  }

  /** Puts a snapshot of another lineage among the others. */
  String foreignSnapshot(UUID lineage) throws IOException {
    return places.write(lineage, 1, model.image(), Reason.MANUAL).header().name().id();
  }

  /** Ends in order. */
  void end() throws IOException {
    sync();
    snapshot();
    history.end();
    history.close();
  }

  @Override
  public String toString() {
    return "seq " + model.seq() + " and " + inFlight.size() + " in flight";
  }
}

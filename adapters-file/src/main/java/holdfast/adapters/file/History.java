package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.Identity;
import holdfast.adapters.file.journal.Journal;
import holdfast.adapters.file.journal.LostHistoryException;
import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.layout.Instance;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.layout.Manifest;
import holdfast.adapters.file.layout.Manifests;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.RecoveryReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The journal together with what names it, what it goes on from, and what proves how far it goes:
 * recovers, begins a term, appends, retires, ends clean.
 *
 * <p>One thread at a time, except for {@link #find}, {@link #prepareSpare}, {@link #checkpoint} and
 * {@link #retire}. After an exception nothing more may be appended.
 */
final class History {
  private static final int MIRROR = 1;

  private final Disk disk;
  private final Layout layout;
  private final Journal journal;
  private final Manifests manifests;
  private final Supplier<UUID> lineages;
  private final Rules rules;
  private final Quarantine quarantine;
  private final CensusLog census = new CensusLog();
  private volatile long seq;
  private volatile boolean rollWanted;
  private @Nullable Identity identity;

  /** False while an accepted copy has not been settled: INSTANCE still tells of the copy then. */
  private volatile boolean mendInstance;

  /**
   * How history stands after a start.
   *
   * @param readOnly why nothing may be changed, or null
   * @param isAcceptedCopy whether this directory was a copy until this start
   */
  record Start(
      Identity identity,
      long seq,
      long checkpoint,
      RecoveryReport.Cause cause,
      boolean degraded,
      long records,
      boolean tornTail,
      @Nullable String readOnly,
      boolean isAcceptedCopy,
      List<String> healed,
      List<String> quarantined) {}

  /**
   * What was put in the place of another state.
   *
   * @param before id of the snapshot of that one
   * @param healed on the way, one sentence each
   */
  record Replaced(String before, List<String> healed) {}

  /**
   * What the operator allows.
   *
   * @param mirrorApart whether the mirror is on a disk of its own, which may not be mounted
   * @param rebuildMirror whether a mirror that is empty or behind is rebuilt all the same
   * @param acceptCopy whether a directory that was copied may go on by itself
   * @param acceptLoss whether to go on without what cannot be read any more
   */
  record Rules(boolean mirrorApart, boolean rebuildMirror, boolean acceptCopy, boolean acceptLoss) {
    static final Rules STRICT = new Rules(false, false, false, false);
  }

  /**
   * @param quarantine keeps what is replaced
   */
  History(
      Disk disk,
      Layout layout,
      Journal journal,
      Supplier<UUID> lineages,
      Quarantine quarantine,
      Rules rules) {
    this.quarantine = quarantine;
    this.disk = disk;
    this.layout = layout;
    this.journal = journal;
    this.lineages = lineages;
    this.rules = rules;
    manifests = new Manifests(disk, layout.manifest(), layout.otherManifest());
  }

  /** What was read before anything was written. */
  record Found(
      @Nullable Instance instance,
      Manifests.Found manifests,
      long term,
      boolean isNew,
      Journal.Recovered journal) {
    @Nullable Manifest newest() {
      return manifests.newest();
    }
  }

  /**
   * Recovers everything acknowledged and begins a new term.
   *
   * @param bases holds the state: what is loaded, and every change behind it
   */
  Start start(Bases bases) throws IOException {
    Found found = recover(bases);
    Journal.Recovered recovered = found.journal();
    Manifest newest = found.newest();
    UUID lineage = lineage(expectedLineage(found.instance(), newest), recovered);
    boolean isCopy = isCopy(found.instance());
    var healed = new ArrayList<String>();
    if (isCopy && !rules.acceptCopy()) {
      return served(found, bases, new Identity(lineage, recovered.epoch(), found.term()), healed);
    }
    journal.giveBallastToStart();
    healed.addAll(mend(found, lineage));
    Manifest next = (newest == null ? Manifest.first(lineage) : newest).withTerm(found.term());
    String lost = recovered.lost();
    if (isCopy || lost != null) {
      beginEpoch(next, bases, bases.image(seq + 1), recovered.epoch());
      if (lost != null) {
        healed.add("history was given up as --accept-loss allows: " + lost);
      }
    } else {
      begin(next.inEpoch(recovered.epoch()));
      keepAtOnce(bases);
    }
    census.begin(seq, bases.census());
    mendInstance = !isCopy;
    return served(found, bases, began(), healed);
  }

  /**
   * Begins an epoch with another state than the one that was found, once that one is kept as a
   * snapshot. It counts from the moment that its first batch is durable in every copy: a crash
   * before leaves the state as it was.
   *
   * @param found what {@link #recover} read
   * @param next its seq must be beyond everything found
   */
  Replaced replace(Found found, Bases bases, StateImage next) throws IOException {
    Journal.Recovered recovered = found.journal();
    Manifest newest = found.newest();
    UUID lineage = lineage(expectedLineage(found.instance(), newest), recovered);
    var healed = new ArrayList<>(mend(found, lineage));
    healed.addAll(bases.damaged());
    if (recovered.lost() != null) {
      healed.add("history was given up as --accept-loss allows: " + recovered.lost());
    }
    boolean wasClean = cause(found, healed) == RecoveryReport.Cause.CLEAN;
    EpochBase before =
        bases.save(
            lineage, recovered.epoch(), bases.image(seq), SnapshotStorage.Reason.PRE_RESTORE);
    Manifest first = newest == null ? Manifest.first(lineage) : newest;
    beginEpoch(first.withTerm(found.term()), bases, next, recovered.epoch());
    if (wasClean) {
      // A start after a crash does what one after an orderly end need not: that must not be lost.
      end();
    }
    return new Replaced(before.snapshot(), healed);
  }

  /**
   * What a directory holds that may be changed here.
   *
   * @throws StorageException if it is a copy
   */
  UUID ownLineage(Found found) throws IOException {
    if (isCopy(found.instance())) {
      throw new StorageException(copied() + "; nothing was changed");
    }
    return lineage(expectedLineage(found.instance(), found.newest()), found.journal());
  }

  /** A state that came from the state files must not depend on them any longer than it has to. */
  private void keepAtOnce(Bases bases) throws IOException {
    if (bases.forgotten() != null) {
      Identity present = began();
      EpochBase kept =
          bases.save(
              present.lineage(), present.epoch(), bases.image(seq), SnapshotStorage.Reason.DAMAGE);
      manifests.update(last -> last.withFloor(last.floor(), List.of(kept.snapshot())));
    }
  }

  private Start served(Found found, Bases bases, Identity served, List<String> healed)
      throws IOException {
    Journal.Recovered recovered = found.journal();
    Manifest newest = found.newest();
    boolean isCopy = isCopy(found.instance());
    var quarantined = new ArrayList<>(bases.damaged());
    for (Mended mended : recovered.mended()) {
      if (mended.source() != null) {
        healed.add(mended.place() + " " + mended.damage() + ": rebuilt from " + mended.source());
      }
      if (mended.quarantined() != null) {
        quarantined.add(
            mended.place() + " " + mended.damage() + ": kept as " + mended.quarantined());
      }
    }
    String forgotten = bases.forgotten();
    if (forgotten != null) {
      healed.add(forgotten);
    }
    RecoveryReport.Cause cause = cause(found, healed);
    boolean degraded =
        !healed.isEmpty() || !quarantined.isEmpty() || (newest == null && !found.isNew());
    if (cause == RecoveryReport.Cause.FULL
        && found.manifests().missing().contains(layout.manifest())) {
      // Removing it is how a full recovery is asked for: worth naming, but nothing is amiss.
      healed.add(layout.manifest() + " was missing: rebuilt, after a full recovery");
    }
    return new Start(
        served,
        seq,
        newest == null ? 0 : newest.checkpoint(),
        cause,
        degraded,
        recovered.records(),
        recovered.tornTail(),
        isCopy && !rules.acceptCopy() ? copied() : null,
        isCopy && rules.acceptCopy(),
        healed,
        quarantined);
  }

  private String copied() {
    return layout.state()
        + " is a copy: it was made in another place. To let it go on by itself, start once with"
        + " --accept-copy: tasks that ran are then LOST, and queued ones HELD";
  }

  /** Reads all of history; changes nothing. */
  Found recover(Bases bases) throws IOException {
    Instance instance = Instance.read(disk, layout.instance());
    Manifests.Found found = manifests.read();
    Manifest newest = found.newest();
    UUID expected = expectedLineage(instance, newest);
    long term = Math.max(newest == null ? 0 : newest.term(), journal.highestTerm()) + 1;
    checkMirror(expected, newest);
    Journal.Extent extent = journal.examine(expected);
    long base = loadBase(bases, extent, expected, newest);
    var proof =
        new Journal.Proof(
            newest == null ? 0 : newest.servedTerm(),
            Math.max(base, newest == null ? 0 : Math.max(newest.seq(), newest.checkpoint())));
    Journal.Recovered recovered = replay(bases, base, proof);
    UUID lineage = expected == null ? recovered.lineage() : expected;
    seq = Math.max(recovered.nextSeq() - 1, bases.seqMax());
    if (lineage != null) {
      var reached =
          new Bases.Reached(
              lineage, recovered.epoch(), recovered.nextSeq() - 1, recovered.tornTail());
      recovered = complete(recovered, bases.missing(reached));
    }
    return new Found(instance, found, term, extent.isEmpty() && base == 0, recovered);
  }

  private Journal.Recovered replay(Bases bases, long base, Journal.Proof proof) throws IOException {
    try {
      return journal.recover(base, proof, rules.acceptLoss(), bases.sink());
    } catch (LostHistoryException e) {
      throw bases.damaged().isEmpty()
          ? e
          : new LostHistoryException(e.getMessage() + ". " + String.join("; ", bases.damaged()));
    }
  }

  private Journal.Recovered complete(Journal.Recovered recovered, @Nullable String missing) {
    if (missing == null) {
      return recovered;
    }
    if (!rules.acceptLoss()) {
      throw new LostHistoryException(missing + "; nothing was changed");
    }
    return recovered.lost() == null ? recovered.losing(missing) : recovered;
  }

  private long loadBase(
      Bases bases, Journal.Extent extent, @Nullable UUID expected, @Nullable Manifest newest)
      throws IOException {
    UUID lineage = expected == null ? extent.lineage() : expected;
    if (lineage == null) {
      return 0;
    }
    long epoch = extent.isEmpty() && newest != null ? newest.epoch() : extent.epoch();
    // The checkpoint of an epoch that has ended says nothing of this one.
    var checkpoint =
        newest == null || newest.epoch() != epoch
            ? new Bases.Checkpoint(-1, null, -1, rules.acceptLoss())
            : new Bases.Checkpoint(
                newest.checkpoint(), newest.census(), newest.floor(), rules.acceptLoss());
    return bases.load(new Bases.Wanted(lineage, epoch, extent, checkpoint));
  }

  /** Rebuilds what names the lineage, and says what was rebuilt altogether. */
  private List<String> mend(Found found, UUID lineage) throws IOException {
    journal.heal();
    var healed = new ArrayList<String>();
    boolean isNew = found.isNew();
    if (found.newest() != null && found.newest().format() < Manifest.FORMAT) {
      backUp(found.newest().format());
    }
    for (Path file : found.manifests().damaged()) {
      putAside(file);
    }
    if (found.instance() == null) {
      putAside(layout.instance());
      Instance.write(disk, layout.instance(), lineage);
    }
    if (found.instance() == null && !isNew) {
      healed.add(layout.instance() + " was missing or damaged: rebuilt");
    }
    if (rules.mirrorApart() && Instance.read(disk, layout.mirrorInstance()) == null) {
      Instance.write(disk, layout.mirrorInstance(), lineage);
    }
    if (!isNew) {
      found.manifests().damaged().forEach(file -> healed.add(file + " was damaged: rebuilt"));
      found.manifests().missing().stream()
          .filter(file -> !file.equals(layout.manifest()))
          .forEach(file -> healed.add(file + " was missing: rebuilt"));
    }
    return healed;
  }

  /** Keeps what is about to be rebuilt; what is no file would be in the way. */
  private @Nullable Path putAside(Path file) throws IOException {
    String what = "damaged, of another time, or no file";
    String source = "what the rest of the directory says";
    return disk.kind(file) == Disk.Kind.FILE
        ? quarantine.keep(file, what, source)
        : quarantine.move(file, what, source);
  }

  /** Keeps what a newer format is about to replace. */
  private void backUp(int format) throws IOException {
    Path backup = layout.recovery().resolve("backup-format-" + format);
    Layout.create(disk, backup);
    for (Path file : List.of(layout.instance(), layout.manifest(), layout.otherManifest())) {
      if (disk.kind(file) == Disk.Kind.FILE) {
        String prefix = file.equals(layout.otherManifest()) ? "other-" : "";
        disk.replace(
            backup.resolve(prefix + file.getFileName()), disk.readAll(file, Manifests.BYTES_MAX));
      }
    }
  }

  /** An empty mount point must not become a mirror silently, nor an old disk a current one. */
  private void checkMirror(@Nullable UUID expected, @Nullable Manifest newest) throws IOException {
    if (!rules.mirrorApart()) {
      return;
    }
    Instance mirror = Instance.read(disk, layout.mirrorInstance());
    if (mirror != null && expected != null && !mirror.lineage().equals(expected)) {
      throw new StorageException(
          layout.mirror()
              + " is the mirror of another data directory (lineage "
              + mirror.lineage()
              + "; expected "
              + expected
              + "). Name the right one; nothing was changed");
    }
    if (newest == null || newest.servedTerm() == 0 || rules.rebuildMirror()) {
      return;
    }
    long term = journal.highestTerm(MIRROR);
    if (mirror == null || term < newest.servedTerm()) {
      throw new StorageException(
          layout.mirror()
              + (mirror == null ? " is not this directory's mirror" : " is behind")
              + ": it ends at term "
              + term
              + ", the journal at term "
              + newest.servedTerm()
              + ". Is its disk mounted? To rebuild it from the journal, start with"
              + " --rebuild-mirror; nothing was changed");
    }
  }

  private @Nullable UUID expectedLineage(@Nullable Instance instance, @Nullable Manifest newest) {
    if (instance != null && newest != null && !instance.lineage().equals(newest.lineage())) {
      throw new StorageException(
          layout.instance()
              + " names lineage "
              + instance.lineage()
              + " but the manifest names "
              + newest.lineage()
              + ": files of two directories were mixed. Put back what belongs together; nothing"
              + " was changed");
    }
    if (instance != null) {
      return instance.lineage();
    }
    return newest == null ? null : newest.lineage();
  }

  private UUID lineage(@Nullable UUID expected, Journal.Recovered recovered) {
    if (expected != null) {
      return expected;
    }
    return recovered.lineage() == null ? lineages.get() : recovered.lineage();
  }

  private boolean isCopy(@Nullable Instance instance) throws IOException {
    return instance != null && instance.inode() != disk.inode(layout.instance());
  }

  /** The term is known in both places before a segment bears it, the takeover before it serves. */
  private void begin(Manifest next) throws IOException {
    manifests.save(next);
    identity = new Identity(next.lineage(), next.epoch(), next.term());
    journal.begin(identity, next.floor());
    manifests.update(last -> last.serving(seq));
  }

  /**
   * Begins an epoch with a state. Its snapshot is durable first; the batch that names it is what
   * makes it count.
   *
   * @param before the epoch that ends
   */
  private void beginEpoch(Manifest next, Bases bases, StateImage image, long before)
      throws IOException {
    manifests.save(next);
    // The snapshot of an epoch that a crash kept from beginning must not pass for one of this.
    long epoch = Math.max(before, bases.lastEpoch(next.lineage())) + 1;
    EpochBase base = bases.save(next.lineage(), epoch, image, SnapshotStorage.Reason.EPOCH);
    identity = new Identity(next.lineage(), epoch, next.term());
    journal.beginEpoch(identity, base);
    seq = base.seq();
    manifests.update(
        last -> last.inEpoch(epoch).serving(seq).withFloor(0, List.of(base.snapshot())));
  }

  private Identity began() {
    Identity present = identity;
    if (present == null) {
      throw new IllegalStateException("no term was begun");
    }
    return present;
  }

  private static RecoveryReport.Cause cause(Found found, List<String> healed) {
    Journal.Recovered recovered = found.journal();
    Manifest main = found.manifests().main();
    if (found.isNew()) {
      return RecoveryReport.Cause.FIRST_START;
    }
    if (main == null) {
      return RecoveryReport.Cause.FULL;
    }
    boolean clean =
        main.clean()
            && main.seq() == recovered.nextSeq() - 1
            && !recovered.tornTail()
            && healed.isEmpty();
    return clean ? RecoveryReport.Cause.CLEAN : RecoveryReport.Cause.CRASH;
  }

  /** Makes the changes durable as one unit. They are numbered from the seq that comes next. */
  void append(List<SequencedChange> changes) throws IOException {
    journal.append(changes);
    census.changed(changes);
    seq = changes.getLast().seq();
  }

  /**
   * Makes sure that a unit of so many bytes finds a segment.
   *
   * @throws DiskFullException if there is no room for one yet; nothing is lost, and it may be tried
   *     again
   */
  void reserve(int bytes) throws IOException {
    journal.reserve(bytes);
  }

  void seal() throws IOException {
    journal.seal();
  }

  /** See {@link Journal#keepBallast}. */
  void keepBallast(long reserve) throws IOException {
    journal.keepBallast(reserve);
  }

  /** See {@link Journal#giveBallast}. */
  boolean giveBallast() throws IOException {
    return journal.giveBallast();
  }

  void prepareSpare() throws IOException {
    journal.prepareSpare();
  }

  @Nullable SequencedChange find(long wanted) throws IOException {
    return journal.find(wanted);
  }

  /** The newest durable seq. */
  long seq() {
    return seq;
  }

  /** Whose history is written, once a term has begun. */
  Identity identity() {
    return began();
  }

  /** Whether a term has begun: until then, and below a copy, nothing may be changed. */
  boolean hasBegun() {
    return identity != null;
  }

  /** Makes this directory the original of its own history. */
  void settleCopy() throws IOException {
    Instance.write(disk, layout.instance(), began().lineage());
    mendInstance = true;
  }

  /** Notes that every change up to {@code reached} is in the state files. */
  void checkpoint(long reached) {
    try {
      manifests.update(last -> last.reaching(seq).withCheckpoint(reached, census.at(reached)));
    } catch (IOException e) {
      throw new StorageException("the checkpoint cannot be noted in the manifests", e);
    }
  }

  /** Up to where history may have been retired; 0 if all of it is still there. */
  long floor() {
    Manifest last = manifests.last();
    return last == null ? 0 : last.floor();
  }

  /** Every change up to this seq is in the state files; 0 if that is not known. */
  long checkpoint() {
    Manifest last = manifests.last();
    return last == null ? 0 : last.checkpoint();
  }

  /**
   * Notes the snapshots that recovery relies on, and removes the segments that it needs no more.
   *
   * @param floor the seq of the older of them, or 0 if there is only one
   */
  void retire(List<String> snapshots, long floor) {
    Manifest last = manifests.last();
    long checkpoint = last == null ? 0 : last.checkpoint();
    long allowed = Math.min(floor, checkpoint);
    try {
      manifests.update(
          present ->
              present.reaching(seq).withFloor(Math.max(allowed, present.floor()), snapshots));
      if (allowed > 0) {
        journal.retire(allowed);
      }
    } catch (IOException e) {
      throw new StorageException("old segments of the journal cannot be retired", e);
    }
  }

  /** Reads the next piece of the journal again; see {@link Journal#scrub}. */
  Journal.Checked scrub() throws IOException {
    Journal.Checked checked = journal.scrub();
    rollWanted |= checked.mustSeal();
    return checked;
  }

  /** Goes on in a new segment if the present one is damaged, so that it can be mended. */
  void rollIfWanted() throws IOException {
    if (rollWanted) {
      rollWanted = false;
      try {
        journal.prepareSpare();
        journal.roll();
      } catch (DiskFullException _) {
        // The scrub asks again in its next round.
      }
    }
  }

  /**
   * Puts manifests and INSTANCE back where they are not as they were written.
   *
   * @return the places, and where their bytes are now, if there were any
   */
  Map<Path, Optional<Path>> mendNames() throws IOException {
    var mended = new LinkedHashMap<>(manifests.mend(quarantine));
    if (mendInstance) {
      mendInstance(layout.instance(), mended);
      if (rules.mirrorApart()) {
        mendInstance(layout.mirrorInstance(), mended);
      }
    }
    return mended;
  }

  private void mendInstance(Path file, Map<Path, Optional<Path>> mended) throws IOException {
    Instance found = Instance.read(disk, file);
    UUID lineage = began().lineage();
    boolean sound =
        found != null && found.lineage().equals(lineage) && found.inode() == disk.inode(file);
    if (!sound) {
      Path kept = putAside(file);
      Instance.write(disk, file, lineage);
      mended.put(file, Optional.ofNullable(kept));
    }
  }

  /** Marks the end as clean. Nothing may be appended afterwards. */
  void end() throws IOException {
    if (identity != null) {
      journal.seal();
      try {
        manifests.update(last -> last.endedClean(seq));
      } catch (DiskFullException _) {
        // Without the mark the next start looks as if after a crash, and finds the same.
      }
    }
  }

  void close() throws IOException {
    journal.close();
  }
}

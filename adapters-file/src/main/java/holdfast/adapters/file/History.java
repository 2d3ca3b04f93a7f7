package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.journal.EpochBase;
import holdfast.adapters.file.journal.Identity;
import holdfast.adapters.file.journal.Journal;
import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.layout.AuditAnchors;
import holdfast.adapters.file.layout.Census;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.layout.Manifest;
import holdfast.adapters.file.layout.Manifests;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.RecoveryReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The journal together with what names it, what it goes on from, and what proves how far it goes.
 * First {@link #start}, or {@link #recover} and {@link #replace}; then it is appended to, retired
 * and scrubbed, until it ends clean.
 *
 * <p>What a start reads and judges is {@link HistoryRecovery}, what it mends and begins {@link
 * HistoryTakeover}; here is how far history goes since.
 *
 * <p>One thread at a time, except for {@link #find}, {@link #from}, {@link #prepareSpare}, {@link
 * #checkpoint} and {@link #retire}. After an exception nothing more may be appended.
 */
final class History {
  private final Journal journal;
  private final Manifests manifests;
  private final HistoryNames names;
  private final HistoryRecovery recovery;
  private final HistoryTakeover takeover;
  private final CensusLog census = new CensusLog();
  private volatile long seq;
  private volatile boolean rollWanted;
  private volatile @Nullable Identity identity;

  /** The same, or of a copy that may only be read. */
  private volatile @Nullable Identity found;

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

  History(
      Disk disk,
      Layout layout,
      Journal journal,
      Supplier<UUID> lineages,
      Quarantine quarantine,
      Rules rules) {
    this(disk, layout, journal, lineages, quarantine, rules, new AuditAnchors());
  }

  /**
   * @param lineages makes the name of a history that begins
   * @param quarantine keeps what is replaced
   * @param audit what the manifests vouch for besides
   */
  History(
      Disk disk,
      Layout layout,
      Journal journal,
      Supplier<UUID> lineages,
      Quarantine quarantine,
      Rules rules,
      AuditAnchors audit) {
    this.journal = journal;
    manifests = new Manifests(disk, layout.manifest(), layout.otherManifest(), audit);
    names = new HistoryNames(disk, layout, manifests, quarantine, rules.mirrorApart());
    recovery = new HistoryRecovery(layout, journal, names, lineages, rules);
    takeover = new HistoryTakeover(layout, journal, manifests, names, rules);
  }

  /**
   * Recovers everything acknowledged and begins a new term.
   *
   * @param bases holds the state: what is loaded, and every change behind it
   */
  Start start(Bases bases) throws IOException {
    Start start = takeover.start(recover(bases), bases);
    seq = start.seq();
    found = start.identity();
    if (start.readOnly() == null) {
      identity = start.identity();
      census.begin(seq, bases.census());
      if (!start.isAcceptedCopy()) {
        names.keep(start.identity().lineage());
      }
    }
    return start;
  }

  /** Reads all of history; changes nothing. See {@link HistoryRecovery#run}. */
  HistoryRecovery.Found recover(Bases bases) throws IOException {
    HistoryRecovery.Found found = recovery.run(bases);
    seq = found.seq();
    return found;
  }

  /**
   * Goes on with another state than the one that was found; see {@link HistoryTakeover#replace}.
   *
   * @param found what {@link #recover} read
   * @param next its seq must be beyond everything found
   */
  HistoryTakeover.Replaced replace(HistoryRecovery.Found found, Bases bases, StateImage next)
      throws IOException {
    HistoryTakeover.Replaced replaced = takeover.replace(found, bases, next);
    identity = replaced.identity();
    seq = replaced.seq();
    if (replaced.wasClean()) {
      // A start after a crash does what one after an orderly end need not: that must not be lost.
      end();
    }
    return replaced;
  }

  /**
   * Goes on with another state while the server serves, in an epoch of the term that is under way.
   * The batch that names its snapshot makes it count: a crash before leaves the state as it was.
   *
   * @param census of that state
   * @throws DiskFullException if there is no room to begin; nothing has changed then
   */
  void beginEpoch(long epoch, EpochBase base, Census census) throws IOException {
    // From here on there is room for all that follows, or nothing has been done.
    journal.prepareSpare();
    manifests.update(last -> last.reaching(seq));
    Identity present = identity();
    var next = new Identity(present.lineage(), epoch, present.term());
    try {
      journal.nextEpoch(next, base);
      nameEpoch(base, epoch);
    } catch (DiskFullException e) {
      throw new IOException("the new epoch may have begun or not", e);
    }
    identity = next;
    seq = base.seq();
    this.census.begin(base.seq(), census);
  }

  private void nameEpoch(EpochBase base, long epoch) throws IOException {
    UnaryOperator<Manifest> named =
        last -> last.inEpoch(epoch).serving(base.seq()).withFloor(0, List.of(base.snapshot()));
    try {
      manifests.update(named);
    } catch (DiskFullException e) {
      if (!journal.giveBallast()) {
        throw e;
      }
      manifests.update(named);
    }
  }

  /** Puts aside what the journal holds of former epochs; see {@link Journal#clearFormerEpochs}. */
  List<Mended> clearFormerEpochs() throws IOException {
    return journal.clearFormerEpochs();
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
  long keepBallast(long reserve) throws IOException {
    return journal.keepBallast(reserve);
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

  /** See {@link Journal#from}. */
  List<SequencedChange> from(long wanted) throws IOException {
    return journal.from(wanted);
  }

  /** See {@link Journal#firstSeq}. */
  long firstSeq() {
    return journal.firstSeq();
  }

  /** The newest durable seq. */
  long seq() {
    return seq;
  }

  /** Whose history is written, once a term has begun. */
  Identity identity() {
    Identity present = identity;
    if (present == null) {
      throw new IllegalStateException("no term was begun");
    }
    return present;
  }

  /** Whose history can be read: also of a copy, of which nothing may be changed. */
  Identity readable() {
    Identity present = identity;
    Identity another = present == null ? found : present;
    if (another == null) {
      throw new IllegalStateException("not started");
    }
    return another;
  }

  /** Whether a term has begun: until then, and below a copy, nothing may be changed. */
  boolean hasBegun() {
    return identity != null;
  }

  /** Makes this directory the original of its own history. */
  void settleCopy() throws IOException {
    names.settle(identity().lineage());
  }

  /** Notes that every change up to {@code reached} is in the state files. */
  void checkpoint(long reached) {
    try {
      manifests.update(last -> last.reaching(seq).withCheckpoint(reached, census.at(reached)));
    } catch (IOException e) {
      throw new StorageException("the checkpoint cannot be noted in the manifests", e);
    }
  }

  /**
   * Writes what is known of the audit trail into the manifests.
   *
   * @return false if that cannot be yet, since no term was begun
   */
  boolean vouch() throws IOException {
    if (manifests.last() == null) {
      return false;
    }
    manifests.update(last -> last);
    return true;
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

  /** Puts the files that name history back as they were; see {@link HistoryNames#mend}. */
  Map<Path, Optional<Path>> mendNames() throws IOException {
    return names.mend();
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

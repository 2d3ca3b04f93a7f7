package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.journal.Journal;
import holdfast.adapters.file.journal.JournalSink;
import holdfast.adapters.file.journal.SequencedChange;
import holdfast.adapters.file.layout.Instance;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.layout.Manifest;
import holdfast.adapters.file.layout.Manifests;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.RecoveryReport;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The journal together with what names it and what proves how far it goes: recovers, begins a term,
 * appends, ends clean.
 *
 * <p>One thread at a time, except for {@link #find} and {@link #prepareSpare}. After an exception
 * nothing more may be appended.
 */
final class History {
  private static final int MIRROR = 1;

  private final Disk disk;
  private final Layout layout;
  private final Journal journal;
  private final Manifests manifests;
  private final Supplier<UUID> lineages;
  private final MirrorRule mirrorRule;
  private @Nullable Manifest manifest;
  private long seq;

  /**
   * How history stands after a start.
   *
   * @param isCopy whether this directory was copied from the one it was made in
   */
  record Start(
      UUID lineage,
      long epoch,
      long term,
      long seq,
      RecoveryReport.Cause cause,
      boolean degraded,
      boolean tornTail,
      boolean isCopy,
      List<String> healed,
      List<String> quarantined) {}

  /**
   * What is done about a mirror that is empty, foreign or behind.
   *
   * @param apart whether it is on a disk of its own, which may not be mounted: then it is refused
   * @param rebuild whether it is rebuilt all the same
   */
  record MirrorRule(boolean apart, boolean rebuild) {}

  History(
      Disk disk, Layout layout, Journal journal, Supplier<UUID> lineages, MirrorRule mirrorRule) {
    this.disk = disk;
    this.mirrorRule = mirrorRule;
    this.layout = layout;
    this.journal = journal;
    this.lineages = lineages;
    manifests = new Manifests(disk, layout.manifest(), layout.otherManifest());
  }

  /** What was read before anything was written. */
  record Found(
      @Nullable Instance instance,
      Manifests.Found manifests,
      long term,
      Journal.Recovered journal) {}

  /**
   * Recovers everything acknowledged and begins a new term.
   *
   * @param sink takes every change so far, in order
   */
  Start start(JournalSink sink) throws IOException {
    Found found = recover(sink);
    Journal.Recovered recovered = found.journal();
    Manifest newest = found.manifests().newest();
    UUID lineage = lineage(expectedLineage(found.instance(), newest), recovered);
    boolean isCopy = isCopy(found.instance());
    List<String> healed = mend(found, lineage);
    begin(
        new Manifest(
            lineage,
            recovered.epoch(),
            found.term(),
            newest == null ? 0 : newest.servedTerm(),
            newest == null ? 0 : newest.seq(),
            false,
            newest == null ? 1 : newest.generation() + 1));
    return new Start(
        lineage,
        recovered.epoch(),
        found.term(),
        seq,
        cause(recovered, found.manifests().main(), healed),
        !healed.isEmpty() || (newest == null && !recovered.empty()),
        recovered.tornTail(),
        isCopy,
        healed,
        recovered.quarantined());
  }

  /** Reads all of history and mends the copies of the journal; begins nothing. */
  Found recover(JournalSink sink) throws IOException {
    Instance instance = Instance.read(disk, layout.instance());
    Manifests.Found found = manifests.read();
    Manifest newest = found.newest();
    UUID expected = expectedLineage(instance, newest);
    long term = Math.max(newest == null ? 0 : newest.term(), journal.highestTerm()) + 1;
    var proof =
        newest == null
            ? new Journal.Proof(0, 0)
            : new Journal.Proof(newest.servedTerm(), newest.seq());
    checkMirror(expected, newest);
    Journal.Recovered recovered = journal.recover(expected, proof, term, sink);
    seq = recovered.nextSeq() - 1;
    return new Found(instance, found, term, recovered);
  }

  /** Rebuilds what names the lineage, and says what was rebuilt altogether. */
  private List<String> mend(Found found, UUID lineage) throws IOException {
    var healed = new ArrayList<>(found.journal().healed());
    boolean isNew = found.journal().empty();
    if (found.instance() == null) {
      Instance.write(disk, layout.instance(), lineage);
      if (!isNew) {
        healed.add(layout.instance() + " was missing or damaged: rebuilt");
      }
    }
    if (mirrorRule.apart() && Instance.read(disk, layout.mirrorInstance()) == null) {
      Instance.write(disk, layout.mirrorInstance(), lineage);
    }
    if (!isNew) {
      found.manifests().damaged().forEach(file -> healed.add(file + " was damaged: rebuilt"));
    }
    return healed;
  }

  /** An empty mount point must not become a mirror silently, nor an old disk a current one. */
  private void checkMirror(@Nullable UUID expected, @Nullable Manifest newest) throws IOException {
    if (!mirrorRule.apart()) {
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
    if (newest == null || newest.servedTerm() == 0 || mirrorRule.rebuild()) {
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
    journal.begin(next.lineage(), next.epoch(), next.term());
    save(next, next.term(), false);
  }

  private void save(Manifest last, long servedTerm, boolean clean) throws IOException {
    var next =
        new Manifest(
            last.lineage(),
            last.epoch(),
            last.term(),
            servedTerm,
            seq,
            clean,
            last.generation() + 1);
    manifests.save(next);
    manifest = next;
  }

  private static RecoveryReport.Cause cause(
      Journal.Recovered recovered, @Nullable Manifest main, List<String> healed) {
    if (recovered.empty()) {
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
    seq = changes.getLast().seq();
  }

  /**
   * Makes sure that a unit of so many bytes finds a segment.
   *
   * @throws holdfast.adapters.file.disk.DiskFullException if there is no room for one yet; nothing
   *     is lost, and it may be tried again
   */
  void reserve(int bytes) throws IOException {
    journal.reserve(bytes);
  }

  void seal() throws IOException {
    journal.seal();
  }

  void prepareSpare() throws IOException {
    journal.prepareSpare();
  }

  @Nullable SequencedChange find(long wanted) throws IOException {
    return journal.find(wanted);
  }

  /** Marks the end as clean. Nothing may be appended afterwards. */
  void end() throws IOException {
    Manifest last = manifest;
    if (last != null) {
      journal.seal();
      save(last, last.servedTerm(), true);
    }
  }

  void close() throws IOException {
    journal.close();
  }
}

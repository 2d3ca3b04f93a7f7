package holdfast.adapters.file;

import holdfast.adapters.file.journal.Journal;
import holdfast.adapters.file.journal.LostHistoryException;
import holdfast.adapters.file.layout.Instance;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.layout.Manifest;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.RecoveryReport;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a start reads and judges before it writes anything: whose history is there, whether it is
 * all there, and whether the mirror and the directory are what they pass for.
 *
 * <pre>
 *  1  the names: INSTANCE and the manifests, and that the mirror is not a stranger or behind
 *  2  the base: the newest whole state that the journal goes on from
 *  3  the journal behind it, and that it ends no earlier than anything proves
 *  4  that the base and the journal together miss nothing
 * </pre>
 *
 * <p>Changes nothing on the disk. Used once, by the one thread that starts.
 */
final class HistoryRecovery {
  private static final int MIRROR = 1;

  private final Layout layout;
  private final Journal journal;
  private final HistoryNames names;
  private final Supplier<UUID> lineages;
  private final History.Rules rules;

  /**
   * What was read.
   *
   * @param lineage whose history it is; a new one if there is none
   * @param term that a start may begin: higher than any that was ever begun
   * @param seq the newest durable one
   * @param isNew whether there has been no history yet
   * @param copied that the directory was copied, as a sentence; null if it is the original
   */
  record Found(
      HistoryNames.Found names,
      UUID lineage,
      long term,
      long seq,
      boolean isNew,
      @Nullable String copied,
      Journal.Recovered journal) {
    @Nullable Manifest newest() {
      return names.newest();
    }

    boolean isCopy() {
      return copied != null;
    }

    /**
     * Whose history may be changed here.
     *
     * @throws StorageException if the directory is a copy
     */
    UUID ownLineage() {
      if (copied != null) {
        throw new StorageException(copied + "; nothing was changed");
      }
      return lineage;
    }

    /**
     * What kind of end the last run had.
     *
     * @param healed what had to be rebuilt: there is nothing of that after an orderly end
     */
    RecoveryReport.Cause cause(List<String> healed) {
      Manifest main = names.manifests().main();
      if (isNew) {
        return RecoveryReport.Cause.FIRST_START;
      }
      if (main == null) {
        return RecoveryReport.Cause.FULL;
      }
      boolean clean =
          main.clean()
              && main.seq() == journal.nextSeq() - 1
              && !journal.tornTail()
              && healed.isEmpty();
      return clean ? RecoveryReport.Cause.CLEAN : RecoveryReport.Cause.CRASH;
    }
  }

  /**
   * @param lineages makes the name of a history that begins
   */
  HistoryRecovery(
      Layout layout,
      Journal journal,
      HistoryNames names,
      Supplier<UUID> lineages,
      History.Rules rules) {
    this.layout = layout;
    this.journal = journal;
    this.names = names;
    this.lineages = lineages;
    this.rules = rules;
  }

  /**
   * Reads all of history.
   *
   * @param bases takes the state: what is loaded, and every change behind it
   * @throws LostHistoryException if something is missing, and that is not accepted
   * @throws StorageException if the files of two directories were mixed, or the mirror is not this
   *     directory's or behind
   */
  Found run(Bases bases) throws IOException {
    HistoryNames.Found named = names.read();
    Manifest newest = named.newest();
    UUID expected = named.lineage();
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
    long seq = Math.max(recovered.nextSeq() - 1, bases.seqMax());
    if (lineage != null) {
      var reached =
          new Bases.Reached(
              lineage, recovered.epoch(), recovered.nextSeq() - 1, recovered.tornTail());
      recovered = complete(recovered, bases.missing(reached));
    }
    return new Found(
        named,
        lineage == null ? lineages.get() : lineage,
        term,
        seq,
        extent.isEmpty() && base == 0,
        names.isCopy(named) ? copied() : null,
        recovered);
  }

  /** An empty mount point must not become a mirror silently, nor an old disk a current one. */
  private void checkMirror(@Nullable UUID expected, @Nullable Manifest newest) throws IOException {
    if (!rules.mirrorApart()) {
      return;
    }
    Instance mirror = names.readMirror();
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

  private String copied() {
    return layout.state()
        + " is a copy: it was made in another place. To let it go on by itself, start once with"
        + " --accept-copy: tasks that ran are then LOST, and queued ones HELD";
  }
}

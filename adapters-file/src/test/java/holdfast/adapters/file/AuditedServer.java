package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DryDisk;
import holdfast.adapters.file.layout.AuditAnchor;
import holdfast.adapters.file.log.TestLogs;
import holdfast.domain.port.Attribution;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.AuditTrail.Entry;
import holdfast.domain.port.AuditTrail.Head;
import holdfast.domain.port.AuditTrail.Verdict;
import holdfast.domain.port.Change;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLogReader.Filter;
import holdfast.domain.port.EventLogReader.Line;
import holdfast.domain.port.EventLogReader.Page;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A {@link WholeServer} with the audit trail beside it, opened as a server opens it and told of
 * what a server tells it. The log's own thread works only while this one waits for it.
 */
final class AuditedServer {
  static final Attribution ADMIN = new Attribution("admin", "127.0.0.1", "POST /api/tasks");

  /** Files in a simulated disk were written to long ago, unless somebody says otherwise. */
  private static final Duration EVER = Duration.ofDays(100 * 365);

  /**
   * So small that a few lines make a file, and a few files are too many.
   *
   * @param ageMax since the last line of a file
   */
  private static FileStorageSettings settings(Duration ageMax) {
    return new FileStorageSettings(
        WholeServer.ROOT,
        WholeServer.LAYOUT.state(),
        null,
        FileStorageSettings.Allowed.NOTHING,
        FileStorageSettings.Sizes.USUAL,
        new FileStorageSettings.Logs(2_000, 5, ageMax, 64L << 20, Duration.ofDays(1)),
        InstantSource.fixed(SampleTasks.NOON),
        failure -> {
          throw new AssertionError(failure);
        });
  }

  private static final int ENTRIES_MAX = 1_000;

  private final Disk disk;
  private final AuditLedger ledger;
  private final WholeServer whole;
  private final AuditOpening audit;
  private final @Nullable AuditAnchor foundAnchor;

  private AuditedServer(Disk disk, RandomGenerator random, AuditLedger ledger) throws IOException {
    this.disk = disk;
    this.ledger = ledger;
    whole = new WholeServer(disk, random, History.Rules.STRICT);
    foundAnchor = evidence().newest();
    audit =
        AuditOpening.of(
            disk,
            WholeServer.LAYOUT,
            settings(random.nextInt(4) == 0 ? Duration.ofDays(1) : EVER),
            whole.parts(),
            TestLogs::open);
    // In the second round its thread has cleared up, and nothing of that comes in between.
    for (int round = 0; round < 2; round++) {
      audit.log().append(new EventLog.Entry(SampleTasks.NOON, Category.SYSTEM, "test", Map.of()));
      audit.log().flush();
    }
    whole.start();
    if (!trail().catchUp(SampleTasks.NOON, whole.model().seq(), changes())) {
      throw new AssertionError("there was no room for all entries");
    }
    append("started");
  }

  /**
   * Recovers on a disk.
   *
   * @param ledger is told what this server promises
   */
  static AuditedServer on(Disk disk, RandomGenerator random, AuditLedger ledger)
      throws IOException {
    return new AuditedServer(disk, random, ledger);
  }

  /** What {@code audit verify} finds on a disk that no server has; changes nothing. */
  static Verdict verifyOffline(Disk disk, RandomGenerator random) throws IOException {
    var dry = new DryDisk(disk);
    return OfflineAudit.verify(
        dry, WholeServer.LAYOUT, new WholeServer(dry, random, History.Rules.STRICT).parts());
  }

  private AuditEvidence evidence() {
    return new AuditEvidence(
        disk, WholeServer.LAYOUT, whole.parts().places(), changes(), whole.parts().history()::seq);
  }

  private JournalChanges changes() {
    return new JournalChanges(whole.parts().history());
  }

  private AuditTrail trail() {
    return audit.trail();
  }

  WholeServer whole() {
    return whole;
  }

  /** What the newest manifest or snapshot vouched for when this server found the disk. */
  @Nullable AuditAnchor foundAnchor() {
    return foundAnchor;
  }

  /** The last entry that was removed for its age. */
  Head base() {
    AuditAnchor known = whole.parts().audit().known();
    return known == null ? Head.NONE : known.base();
  }

  /** Commits; each change is told to the trail once it is durable. */
  void commit(List<Change> changes) throws IOException {
    long seq = whole.model().seq();
    var committed = new ArrayList<Committed>();
    for (Change change : changes) {
      committed.add(new Committed(++seq, change.by(ADMIN)));
    }
    ledger.begin(committed);
    whole.commit(committed.stream().map(Committed::change).toList());
    ledger.acknowledge();
    for (Committed one : committed) {
      appended(trail().append(Entry.of(one)));
    }
  }

  /** Adds an entry about no change. */
  void append(String type) {
    String target = ledger.nextMark();
    appended(
        trail().append(new Entry(SampleTasks.NOON, type, ADMIN, target, "stale", 0, 0, Map.of())));
  }

  private static void appended(boolean isTaken) {
    if (!isTaken) {
      throw new AssertionError("there was no room for an entry");
    }
  }

  /** Has what was appended written, and not forced. */
  void flush() {
    audit.log().flush();
  }

  /** Has what was appended forced; whether the disk did. */
  boolean force() {
    try {
      ledger.promise(trail().force());
      return true;
    } catch (StorageException refused) {
      return false;
    }
  }

  /** Compresses what was rotated; what cannot be stays as it is. */
  void compress() {
    try {
      TestLogs.compressAudit(disk, WholeServer.LAYOUT.logs());
    } catch (IOException _) {
      // The next time it is tried again.
      return;
    }
  }

  Verdict verify() {
    return trail().verify();
  }

  /** Returns to a snapshot as a server does it: the trail is complete before, and told after. */
  void restore(String snapshot) throws IOException {
    if (!isComplete() || !force()) {
      return;
    }
    String before = whole.restoreWhileServing(snapshot);
    appended(
        trail()
            .append(
                new Entry(
                    SampleTasks.NOON,
                    Entry.RESTORED,
                    ADMIN,
                    ledger.nextMark(),
                    Entry.OK,
                    whole.model().seq(),
                    0,
                    Map.of("before", before))));
    force();
  }

  private boolean isComplete() {
    try {
      return trail().catchUp(SampleTasks.NOON, whole.model().seq(), changes());
    } catch (StorageException refused) {
      return false;
    }
  }

  /** All entries there are, oldest first, as they stand in the files. */
  List<EventLog.Entry> entries() {
    flush();
    Page page =
        audit
            .log()
            .reader()
            .page(
                new Filter(Set.of(Category.AUDIT), null, null, null, null, null, null),
                null,
                ENTRIES_MAX);
    if (page.next() != null || page.skipped() > 0) {
      throw new AssertionError(page.skipped() + " were skipped of " + page.lines().size());
    }
    return page.lines().reversed().stream().map(Line::entry).toList();
  }

  /** Ends in order. */
  void end() throws IOException {
    append("stopped");
    force();
    whole.end();
    audit.log().close();
  }

  /** Lets go of its thread, when its disk is of no account any more. */
  void abandon() {
    audit.log().close();
  }
}

package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.layout.AuditAnchor;
import holdfast.adapters.file.layout.AuditAnchors;
import holdfast.adapters.file.layout.Layout;
import holdfast.domain.port.AuditTrail.Head;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.EventLogReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/**
 * Event logs as JSON Lines: {@code <category>/<category>.jsonl}, one {@linkplain LogLine object} a
 * line. Lines wait in memory for at most the flush interval, errors not at all. When there is no
 * room for more, or the disk refuses them, lines are dropped and counted, and the count is the next
 * line of their category: type {@code gap}.
 *
 * <p>A full file is rotated and then compressed, beside the writing; see {@link RotatedFiles}. What
 * is kept is bounded, see {@link LogRetention}.
 *
 * <p>Lines are numbered through all categories. The numbers of a start begin at the time in
 * microseconds, or behind the last one that is found, so that none is ever given twice, even if the
 * end of a file was lost.
 *
 * <p>Lines of the category audit are {@linkplain AuditLine chained}. None of them is dropped: what
 * the disk refuses waits, and takes up room, and what there is no room for is refused.
 */
public final class FileEventLog implements EventLog {
  /** Age is looked at so often when nothing is rotated. */
  private static final long RETENTION_NANOS = TimeUnit.MINUTES.toNanos(10);

  /** Followers wait no longer than this. */
  private static final Duration FOLLOWED_FLUSH = Duration.ofMillis(100);

  /** The budget is for so many files of the largest size: one half for those being written. */
  private static final int FILES_IN_BUDGET = 2 * (Category.values().length + 1);

  private static final long FILE_BYTES_MIN = 4_096;

  /**
   * In the order in which they are written, which is part of what is promised: of a task's line
   * that is found after a crash follows that those of initiatives before it are there too. So a
   * start knows from where on it has to look into the journal.
   */
  private final Map<Category, LogFile> files = new LinkedHashMap<>();

  private final Map<Category, RotatedFiles> older = new EnumMap<>(Category.class);
  private final LogQueue queue = new LogQueue();
  private final LostLines lost = new LostLines();
  private final RecentLines recent = new RecentLines();
  private final Bounds bounds;
  private final InstantSource clock;
  private final LogCompression compression;
  private final LogRetention retention;
  private final FileEventLogReader reader;
  private final AuditChain chain;
  private final AuditForce audit;
  private final LogWriter lines;
  private final Thread writer;
  private volatile boolean closed;
  private long retainedAt = System.nanoTime() - RETENTION_NANOS;

  /**
   * How much is kept.
   *
   * @param fileBytesMax size at which a file is rotated
   * @param filesMax files of each category, the one being written included
   * @param ageMax since an older file was last written to
   * @param bytesMax of all files of all categories
   */
  public record Bounds(
      long fileBytesMax, int filesMax, Duration ageMax, long bytesMax, Duration flushInterval) {

    /** So that all files being written together cannot outgrow their share of the budget. */
    long fileBytes() {
      return Math.min(fileBytesMax, Math.max(FILE_BYTES_MIN, bytesMax / FILES_IN_BUDGET));
    }
  }

  /**
   * Who vouches for the audit trail.
   *
   * @param anchors are told what is durable, and say what was before
   * @param note writes down what the anchors know, before something is removed that they knew
   *     otherwise; false if it cannot yet
   */
  public record Vouching(AuditAnchors anchors, BooleanSupplier note) {
    /** Nobody does. */
    static Vouching none() {
      return new Vouching(new AuditAnchors(), () -> true);
    }
  }

  public FileEventLog(Disk disk, Path directory, Bounds bounds, InstantSource clock)
      throws IOException {
    this(disk, directory, bounds, clock, Vouching.none());
  }

  public FileEventLog(
      Disk disk, Path directory, Bounds bounds, InstantSource clock, Vouching vouching)
      throws IOException {
    this(disk, directory, bounds, clock, vouching, true);
  }

  FileEventLog(Disk disk, Path directory, Bounds bounds, InstantSource clock, boolean compress)
      throws IOException {
    this(disk, directory, bounds, clock, Vouching.none(), compress);
  }

  FileEventLog(
      Disk disk,
      Path directory,
      Bounds bounds,
      InstantSource clock,
      Vouching vouching,
      boolean compress)
      throws IOException {
    this.bounds = bounds;
    this.clock = clock;
    compression = new LogCompression(failure -> complain("log-not-compressed", failure));
    var order = new ArrayList<>(List.of(Category.values()));
    order.sort(Comparator.comparing(category -> category == Category.TASK));
    for (Category category : order) {
      Path folder = directory.resolve(category.label());
      Layout.create(disk, folder);
      var rotated = new RotatedFiles(disk, folder, category);
      older.put(category, rotated);
      files.put(
          category,
          new LogFile(
              disk,
              rotated.current(),
              bounds.fileBytes(),
              rotated,
              full -> rotated(full, compress)));
    }
    retention =
        new LogRetention(
            older.values(),
            bounds.filesMax() - 1,
            bounds.ageMax(),
            bounds.bytesMax() - (Category.values().length + 1) * bounds.fileBytes(),
            clock);
    var readable = new AtomicLong();
    reader = new FileEventLogReader(disk, older, recent, readable::get);
    readable.set(Math.max(reader.lastNumber(), micros(clock.instant())));
    AuditAnchor known = vouching.anchors().known();
    chain = new AuditChain(AuditForce.end(reader.lastAudited(), known));
    if (chain.head().index() > (known == null ? 0 : known.head().index())) {
      // The server before may have failed to force it.
      auditFile().doubt();
    }
    audit = new AuditForce(disk, auditFile(), older(), vouching);
    older().beforeRemoval(audit::mayGo);
    lines = new LogWriter(files, queue, lost, recent, chain, readable, clock);
    writer = Thread.ofPlatform().daemon().name("holdfast-event-log").start(this::write);
  }

  private LogFile auditFile() {
    LogFile file = files.get(Category.AUDIT);
    if (file == null) {
      throw new AssertionError("every category has a file");
    }
    return file;
  }

  private RotatedFiles older() {
    RotatedFiles files = older.get(Category.AUDIT);
    if (files == null) {
      throw new AssertionError("every category has files");
    }
    return files;
  }

  private static long micros(Instant time) {
    return TimeUnit.SECONDS.toMicros(Math.max(0, time.getEpochSecond())) + time.getNano() / 1_000;
  }

  private void rotated(RotatedFiles full, boolean compress) {
    retain();
    if (compress) {
      compression.want(full);
    }
  }

  @Override
  public void append(Entry entry) {
    if (!queue.put(entry)) {
      queue.drop(entry.category());
    }
  }

  /** Takes a line of the audit trail, or refuses it for want of room. */
  boolean audit(Entry entry) {
    return queue.put(entry);
  }

  /** The last line of the audit trail that was written. */
  Head auditHead() {
    return chain.head();
  }

  /**
   * Makes the lines of the audit trail durable that were taken before.
   *
   * @throws IOException if the disk refuses that; they wait
   */
  Head forceAudit() throws IOException {
    flush();
    if (auditFile().isDoubtful()) {
      queue.awaitRound(writer);
    }
    Head head = audit.force(chain);
    int refused = chain.refused();
    if (refused > 0) {
      throw new IOException(refused + " entries of the audit trail cannot be written");
    }
    return head;
  }

  /** What reads the files of the audit trail, and keeps them from being removed meanwhile. */
  AuditForce audited() {
    return audit;
  }

  @Override
  public void flush() {
    queue.awaitWritten(writer);
  }

  @Override
  public EventLogReader reader() {
    return reader;
  }

  @Override
  public Condition condition() {
    Condition present = lost.condition(queue.dropped(), clock.instant());
    return writer.isAlive() || closed
        ? present
        : new Condition(
            present.lost(),
            present.firstLostAt(),
            present.lastLostAt(),
            "the thread that writes them has ended by an error that nobody foresaw; restart the"
                + " server");
  }

  private void complain(String type, Exception failure) {
    append(
        new Entry(
            clock.instant(),
            Category.ERROR,
            type,
            Map.of("error", String.valueOf(failure.getMessage()))));
  }

  private void write() {
    try {
      writeUntilClosed();
    } finally {
      queue.close();
    }
  }

  private void writeUntilClosed() {
    files.values().forEach(LogFile::prepare);
    boolean last = false;
    while (!last) {
      LogQueue.Taken taken = queue.take(interval());
      lines.write(taken);
      queue.done(taken.entries().size());
      if (System.nanoTime() - retainedAt >= RETENTION_NANOS) {
        retain();
      }
      last = taken.last();
    }
    files.values().forEach(LogFile::force);
    files.values().forEach(LogFile::close);
  }

  private Duration interval() {
    boolean hurried = recent.isFollowed() && bounds.flushInterval().compareTo(FOLLOWED_FLUSH) > 0;
    return hurried ? FOLLOWED_FLUSH : bounds.flushInterval();
  }

  /** Before anything more is written: so what is kept never outgrows its bounds. */
  private void retain() {
    retainedAt = System.nanoTime();
    try {
      retention.apply();
    } catch (IOException | RuntimeException e) {
      complain("log-not-removed", e);
    }
  }

  @Override
  public void close() {
    closed = true;
    queue.close();
    boolean interrupted = false;
    while (writer.isAlive()) {
      try {
        writer.join();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    compression.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

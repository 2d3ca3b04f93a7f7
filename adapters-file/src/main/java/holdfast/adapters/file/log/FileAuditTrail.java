package holdfast.adapters.file.log;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.layout.AuditAnchor;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** The audit trail in the files of an event log; see {@link AuditLine}. */
public final class FileAuditTrail implements AuditTrail {
  private final FileEventLog log;
  private final Evidence evidence;

  /**
   * What the trail is held against.
   *
   * @param anchors what vouches for it, by the names of those who do; throws {@link
   *     UncheckedIOException} where that cannot be read
   * @param lastSeq the seq of the newest change there is
   */
  public record Evidence(
      Supplier<Map<String, AuditAnchor>> anchors, Changes journal, LongSupplier lastSeq) {}

  public FileAuditTrail(FileEventLog log, Evidence evidence) {
    this.log = log;
    this.evidence = evidence;
  }

  @Override
  public boolean append(Entry entry) {
    return log.audit(
        new EventLog.Entry(entry.at(), Category.AUDIT, entry.type(), AuditLine.details(entry)));
  }

  @Override
  public Head force() {
    try {
      return log.forceAudit();
    } catch (IOException e) {
      throw new StorageException("the audit trail is not durable: " + e.getMessage(), e);
    }
  }

  @Override
  public Head head() {
    return log.auditHead();
  }

  @Override
  public Verdict verify() {
    AuditForce files = log.audited();
    files.reading();
    try {
      Head until = log.forceAudit();
      return new AuditVerification(
              files.walk(),
              new AuditVerification.Evidence(
                  evidence.anchors().get(),
                  until,
                  true,
                  evidence.journal(),
                  evidence.lastSeq().getAsLong()))
          .run();
    } catch (IOException | UncheckedIOException e) {
      throw new StorageException("the audit trail cannot be read: " + e.getMessage(), e);
    } finally {
      files.read();
    }
  }

  /**
   * Reads the trail of a directory that no server uses.
   *
   * @param logs where the logs of all categories are
   * @param isOrderly whether the server before was ended in order
   */
  public static Verdict verify(Disk disk, Path logs, boolean isOrderly, Evidence evidence)
      throws IOException {
    Path directory = logs.resolve(Category.AUDIT.label());
    var walk = new AuditWalk(new RotatedFiles(disk, directory, Category.AUDIT), disk);
    return new AuditVerification(
            walk,
            new AuditVerification.Evidence(
                evidence.anchors().get(),
                Head.NONE,
                isOrderly,
                evidence.journal(),
                isOrderly ? evidence.lastSeq().getAsLong() : Long.MAX_VALUE))
        .run();
  }
}

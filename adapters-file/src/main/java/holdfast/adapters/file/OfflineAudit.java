package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DryDisk;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.log.FileAuditTrail;
import holdfast.domain.port.AuditTrail.Verdict;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.time.Instant;
import java.util.List;

/**
 * Verifies the audit trail of a data directory that no server uses. The journal is read as a start
 * would read it, with every change kept in memory; nothing on the disk is changed.
 */
public final class OfflineAudit {
  private OfflineAudit() {}

  /**
   * Verifies.
   *
   * @throws FileStorageException if there is no such directory, a server holds it, or it cannot be
   *     read
   */
  public static Verdict verify(FileStorageSettings settings) {
    Layout layout = FileStorage.layout(settings);
    Disk disk = new DryDisk(new NioDisk());
    try (Offline _ = Offline.hold(layout)) {
      layout.prepare(disk);
      return verify(disk, layout, Parts.of(disk, layout, settings));
    } catch (StorageException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED, String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED, layout.data() + " cannot be read: " + e, e);
    }
  }

  /**
   * @param disk keeps what is written to it to itself
   */
  static Verdict verify(Disk disk, Layout layout, Parts parts) throws IOException {
    boolean isOrderly = evidence(disk, layout, parts, true).isOrderly();
    boolean isRead = read(parts);
    return FileAuditTrail.verify(
        disk, layout.logs(), isOrderly, evidence(disk, layout, parts, isRead).toEvidence());
  }

  /** Whether the journal can be read; where it cannot, the trail speaks for itself. */
  private static boolean read(Parts parts) throws IOException {
    try {
      // Not only read: what a crash has left to one copy, or to the next term, is mended first.
      parts.history().start(parts.bases(new StateFold(new EntityHeads(), Instant.EPOCH)));
      return true;
    } catch (StorageException e) {
      return false;
    }
  }

  static AuditEvidence evidence(Disk disk, Layout layout, Parts parts, boolean withJournal) {
    return new AuditEvidence(
        disk,
        layout,
        parts.places(),
        withJournal ? new JournalChanges(parts.history()) : (_, _) -> List.of(),
        withJournal ? parts.history()::seq : () -> Long.MAX_VALUE);
  }
}

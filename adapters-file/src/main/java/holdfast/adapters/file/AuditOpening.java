package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.layout.AuditAnchors;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.log.AuditTail;
import holdfast.adapters.file.log.FileAuditTrail;
import holdfast.adapters.file.log.FileEventLog;
import holdfast.domain.port.Attribution;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The event log and the audit trail in it, opened where the server before has left them.
 *
 * @param log to be closed
 */
record AuditOpening(FileEventLog log, AuditTrail trail) {

  /** Opens an event log. */
  @FunctionalInterface
  interface Opener {
    FileEventLog open(
        Disk disk,
        Path directory,
        FileEventLog.Bounds bounds,
        InstantSource clock,
        FileEventLog.Vouching vouching)
        throws IOException;
  }

  static AuditOpening of(Disk disk, Layout layout, FileStorageSettings settings, Parts parts)
      throws IOException {
    return of(disk, layout, settings, parts, FileEventLog::new);
  }

  static AuditOpening of(
      Disk disk, Layout layout, FileStorageSettings settings, Parts parts, Opener opener)
      throws IOException {
    var evidence =
        new AuditEvidence(
            disk,
            layout,
            parts.places(),
            new JournalChanges(parts.history()),
            parts.history()::seq);
    AuditAnchors anchors = parts.audit();
    String cut = null;
    try {
      anchors.durable(evidence.newest());
      cut =
          evidence.isOrderly()
              ? null
              : AuditTail.cut(disk, layout.logs(), anchors.known(), parts.places().quarantine());
    } catch (StorageException e) {
      // Of a newer version: the start is refused for it, further on.
      anchors.durable(null);
    }
    var log =
        opener.open(
            disk,
            layout.logs(),
            new FileEventLog.Bounds(
                settings.logs().bytesMax(),
                settings.logs().filesMax(),
                settings.logs().ageMax(),
                settings.logs().budgetBytes(),
                settings.logs().flushInterval()),
            settings.clock(),
            new FileEventLog.Vouching(anchors, () -> vouch(parts)));
    var trail = new FileAuditTrail(log, evidence.toEvidence());
    anchors.forcedBy(() -> force(trail, log, settings));
    note(trail, settings, cut);
    return new AuditOpening(log, trail);
  }

  private static boolean vouch(Parts parts) {
    try {
      return parts.history().vouch();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void note(AuditTrail trail, FileStorageSettings settings, @Nullable String cut) {
    if (cut != null) {
      trail.append(
          new AuditTrail.Entry(
              settings.clock().instant(),
              "trail-cut",
              Attribution.system("start"),
              null,
              AuditTrail.Entry.OK,
              0,
              0,
              Map.of("detail", cut)));
    }
  }

  /** What cannot be made durable is not vouched for; that is all. */
  private static void force(AuditTrail trail, EventLog log, FileStorageSettings settings) {
    try {
      trail.force();
    } catch (StorageException e) {
      log.append(
          new EventLog.Entry(
              settings.clock().instant(),
              EventLog.Category.ERROR,
              "audit-not-durable",
              Map.of("error", String.valueOf(e.getMessage()))));
    }
  }
}

package holdfast.application;

import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.ProcessControl;
import holdfast.domain.port.RecoveryStorage;
import holdfast.domain.port.Scrubbing;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.StateFiles;
import holdfast.domain.port.TaskStorage;
import holdfast.domain.task.Secrets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** The adapters a server is made of. */
public record Ports(
    TaskStorage tasks,
    OutputStorage outputs,
    ProcessControl processes,
    RecoveryStorage recovery,
    StateFiles stateFiles,
    SnapshotStorage snapshots,
    Scrubbing scrubbing,
    EventLog events,
    AuditTrail audit) {

  /** Notes what happened, without what looks like a secret in it. */
  void log(Instant at, EventLog.Category category, String type, Map<String, Object> data) {
    events.append(new EventLog.Entry(at, category, type, shown(data)));
  }

  /** Adds an entry to the audit trail on the same terms; false if there is no room for it. */
  boolean audit(AuditTrail.Entry entry) {
    if (entry.isChange()) {
      // Nothing in it comes from a user, and there are many.
      return audit.append(entry);
    }
    return audit.append(
        new AuditTrail.Entry(
            entry.at(),
            entry.type(),
            entry.by(),
            entry.target(),
            entry.result(),
            entry.seq(),
            entry.revision(),
            shown(entry.details())));
  }

  private static Map<String, Object> shown(Map<String, Object> data) {
    Map<String, Object> shown = null;
    for (Map.Entry<String, Object> detail : data.entrySet()) {
      if (detail.getValue() instanceof String text) {
        String redacted = Secrets.redacted(detail.getKey(), text);
        if (!redacted.equals(text)) {
          shown = shown == null ? new LinkedHashMap<>(data) : shown;
          shown.put(detail.getKey(), redacted);
        }
      }
    }
    return shown == null ? data : shown;
  }
}

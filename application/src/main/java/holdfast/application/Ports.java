package holdfast.application;

import holdfast.domain.port.EventLog;
import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.ProcessControl;
import holdfast.domain.port.RecoveryStorage;
import holdfast.domain.port.Scrubbing;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.StateFiles;
import holdfast.domain.port.TaskStorage;
import java.time.Instant;
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
    EventLog events) {

  void log(Instant at, EventLog.Category category, String type, Map<String, Object> data) {
    events.append(new EventLog.Entry(at, category, type, data));
  }
}

package holdfast.domain.port;

import holdfast.domain.recovery.RecoveryReport;
import java.util.List;
import java.util.Optional;

/** Keeps the report of every start. Any thread. */
public interface RecoveryStorage {

  /** Keeps {@code report} durably, replacing one with the same id. */
  void save(RecoveryReport report);

  Optional<RecoveryReport> find(String id);

  /** At most {@code limit} reports, newest first. */
  List<RecoveryReport> newest(int limit);
}

package holdfast.domain.port;

import holdfast.domain.recovery.RecoveryReport;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Keeps the report of every start. Any thread. */
public interface RecoveryStorage {

  /** Keeps {@code report} durably, replacing one with the same id. */
  void save(RecoveryReport report);

  Optional<RecoveryReport> find(String id);

  /** At most {@code limit} reports, newest first. */
  default List<RecoveryReport> newest(int limit) {
    return before(null, limit);
  }

  /**
   * At most {@code limit} reports, newest first; what is damaged is passed over.
   *
   * @param id only those older than this one, whether or not it is still there; null for all
   */
  List<RecoveryReport> before(@Nullable String id, int limit);
}

package holdfast.domain.port;

import holdfast.domain.recovery.RecoveryReport;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Recovery reports for tests. */
public final class InMemoryRecoveryStorage implements RecoveryStorage {
  private final TreeMap<String, RecoveryReport> reports = new TreeMap<>();

  @Override
  public synchronized void save(RecoveryReport report) {
    reports.put(report.id(), report);
  }

  @Override
  public synchronized Optional<RecoveryReport> find(String id) {
    return Optional.ofNullable(reports.get(id));
  }

  @Override
  public synchronized List<RecoveryReport> before(@Nullable String id, int limit) {
    var older = id == null ? reports : reports.headMap(id, false);
    return older.descendingMap().values().stream().limit(limit).toList();
  }
}

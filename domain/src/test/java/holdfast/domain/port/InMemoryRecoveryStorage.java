package holdfast.domain.port;

import holdfast.domain.recovery.RecoveryReport;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

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
  public synchronized List<RecoveryReport> newest(int limit) {
    return reports.descendingMap().values().stream().limit(limit).toList();
  }
}

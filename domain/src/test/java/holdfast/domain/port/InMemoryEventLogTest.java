package holdfast.domain.port;

import java.util.List;

class InMemoryEventLogTest extends EventLogContractTest {
  private final InMemoryEventLog log = new InMemoryEventLog();

  @Override
  protected EventLog log() {
    return log;
  }

  @Override
  protected List<EventLog.Entry> read(EventLog.Category category) {
    return log.entries(category);
  }
}

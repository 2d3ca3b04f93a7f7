package holdfast.domain.port;

class InMemoryEventLogTest extends EventLogContractTest {
  private final InMemoryEventLog log = new InMemoryEventLog();

  @Override
  protected EventLog log() {
    return log;
  }
}

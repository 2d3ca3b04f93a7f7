package holdfast.domain.port;

import holdfast.domain.port.AuditTrail.Entry;

class InMemoryAuditTrailTest extends AuditTrailContractTest {
  private final InMemoryAuditTrail trail = new InMemoryAuditTrail(new InMemoryEventLog());

  InMemoryAuditTrailTest() {
    trail.journal(this::after);
  }

  @Override
  protected AuditTrail trail() {
    return trail;
  }

  @Override
  protected void alter(int place) {
    Entry entry = trail.entries().get(place);
    trail.alter(
        place,
        new Entry(
            entry.at(),
            entry.type(),
            Attribution.system("forged"),
            entry.target(),
            entry.result(),
            entry.seq(),
            entry.revision(),
            entry.details()));
  }

  @Override
  protected void remove(int place) {
    trail.remove(place);
  }
}

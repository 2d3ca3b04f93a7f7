package holdfast.adapters.file;

import holdfast.domain.port.AuditTrail.Head;
import holdfast.domain.port.Committed;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** What a server has promised of its audit trail, kept apart from it. Any thread. */
final class AuditLedger {
  private final List<Committed> acknowledged = new ArrayList<>();
  private List<Committed> inFlight = List.of();
  private Head promised = Head.NONE;
  private final AtomicLong marks;

  AuditLedger() {
    this(new AtomicLong());
  }

  private AuditLedger(AtomicLong marks) {
    this.marks = marks;
  }

  /** These are being written. */
  synchronized void begin(List<Committed> changes) {
    inFlight = List.copyOf(changes);
  }

  /** They are durable. */
  synchronized void acknowledge() {
    acknowledged.addAll(inFlight);
    inFlight = List.of();
  }

  /** Everything up to this entry is durable. */
  synchronized void promise(Head head) {
    if (head.index() < promised.index()) {
      throw new AssertionError(head + " is behind " + promised);
    }
    promised = head;
  }

  /** The last entry that was said to be durable. */
  synchronized Head promised() {
    return promised;
  }

  /** A word that no entry before has had. */
  String nextMark() {
    return "mark-" + marks.incrementAndGet();
  }

  /** Every change that must have an entry if history has come to {@code seq}. */
  synchronized List<Committed> changes(long seq) {
    var changes = new ArrayList<>(acknowledged);
    if (!inFlight.isEmpty() && seq >= inFlight.getLast().seq()) {
      changes.addAll(inFlight);
    }
    return changes;
  }

  /** What is known now, for another history. */
  synchronized AuditLedger copy() {
    var copy = new AuditLedger(marks);
    copy.acknowledged.addAll(acknowledged);
    copy.inFlight = inFlight;
    copy.promised = promised;
    return copy;
  }

  @Override
  public synchronized String toString() {
    return acknowledged.size() + " acknowledged, " + inFlight.size() + " in flight, " + promised;
  }
}

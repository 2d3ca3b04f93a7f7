package holdfast.adapters.file.log;

import holdfast.domain.port.AuditTrail.Head;
import holdfast.domain.port.EventLog.Entry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * The end of the audit trail's chain, and the entries that come next. They are chained when they
 * are handed to their file; those that could not be written leave the chain again and wait. One
 * thread writes, any may ask for the head.
 */
final class AuditChain {
  private ArrayDeque<Entry> waiting = new ArrayDeque<>();
  private final List<Head> handedOver = new ArrayList<>();
  private volatile Head head;
  private volatile int refused;

  AuditChain(Head head) {
    this.head = head;
  }

  /** The last entry that is written. */
  Head head() {
    return head;
  }

  /** Entries that the disk has refused and that wait. */
  int refused() {
    return refused;
  }

  /** Adds an entry behind those that wait; it is no part of the chain yet. */
  void add(Entry entry) {
    waiting.add(entry);
  }

  /** The first entries that wait and were not handed over, at most so many. */
  List<Entry> next(int limit) {
    var next = new ArrayList<Entry>();
    Iterator<Entry> entries = waiting.iterator();
    while (next.size() < limit && entries.hasNext()) {
      next.add(entries.next());
    }
    return next;
  }

  /** The line of an entry that waits, behind those handed over since the last {@link #written}. */
  byte[] handOver(Entry entry, long number) {
    var line = AuditLine.encode(entry, number, handedOver.isEmpty() ? head : handedOver.getLast());
    handedOver.add(line.head());
    return line.bytes();
  }

  /** Takes note that all that was handed over but the last {@code lost} lines is written. */
  void written(int lost) {
    int count = handedOver.size() - lost;
    if (count > 0) {
      head = handedOver.get(count - 1);
    }
    for (int i = 0; i < count; i++) {
      waiting.removeFirst();
    }
    if (waiting.isEmpty() && count > LogQueue.CATEGORY_MAX / 2) {
      waiting = new ArrayDeque<>();
    }
    handedOver.clear();
    refused = waiting.size();
  }
}

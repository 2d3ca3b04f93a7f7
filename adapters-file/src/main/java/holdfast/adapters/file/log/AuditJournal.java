package holdfast.adapters.file.log;

import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.AuditTrail.Broken;
import holdfast.domain.port.AuditTrail.Changes;
import holdfast.domain.port.AuditTrail.Flaw;
import holdfast.domain.port.Committed;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Goes through the journal beside the entries of the trail, as far back as it reaches: each change
 * must have its entry, and each entry its change. One thread.
 *
 * <p>A trail may contain changes of a history that was cut off, of which nothing is in the journal:
 * an entry says so further on. Until that is read, what does not agree is only suspected.
 */
final class AuditJournal {
  private static final int AT_ONCE = 1_000;

  private final Changes journal;
  private final long lastSeq;
  private final ArrayDeque<Committed> page = new ArrayDeque<>();
  private boolean begun;
  private long position;
  private @Nullable Broken suspected;
  private long suspectedSeq;

  /**
   * @param lastSeq an entry of a later change is wrong. In a copy there may be some: the trail was
   *     copied after the journal
   */
  AuditJournal(Changes journal, long lastSeq) {
    this.journal = journal;
    this.lastSeq = lastSeq;
  }

  /** In what an entry and the journal do not agree. */
  private record Wrong(Flaw flaw, String detail) {}

  /**
   * Changes without an entry.
   *
   * @param first its seq; 0 if there is none
   */
  record Lacking(long changes, long first) {
    static final Lacking NONE = new Lacking(0, 0);
  }

  /** What does not agree, as far as is known. */
  @Nullable Broken suspected() {
    return suspected;
  }

  void see(AuditLine entry, String file, long number) {
    long change = entry.change();
    if (!begun) {
      begun = true;
      position = change > 0 ? change - 1 : entry.head().seq();
    }
    if (change == 0) {
      accountFor(entry.head().seq());
      return;
    }
    Wrong wrong =
        change <= position
            ? new Wrong(Flaw.ALTERED, "it repeats change " + change)
            : compare(entry, change);
    position = Math.max(position, change);
    if (wrong != null && suspected == null) {
      suspected = new Broken(wrong.flaw(), entry.head().index(), file, number, wrong.detail());
      suspectedSeq = change;
    }
  }

  private void accountFor(long through) {
    if (through < position) {
      page.clear();
      if (suspectedSeq > through) {
        suspected = null;
        suspectedSeq = 0;
      }
    }
    position = through;
  }

  private @Nullable Wrong compare(AuditLine entry, long change) {
    Committed next = next();
    if (next == null) {
      // What was before a restore is not in the journal any more.
      return change > lastSeq ? new Wrong(Flaw.ALTERED, "history has no change " + change) : null;
    }
    if (next.seq() < change) {
      return new Wrong(
          Flaw.MISSING,
          "change "
              + next.seq()
              + " of the journal, "
              + next.change().cause()
              + " of "
              + next.change().key().id()
              + ", has no entry");
    }
    if (next.seq() > change) {
      return null;
    }
    page.poll();
    return entry.isOf(AuditTrail.Entry.of(next))
        ? null
        : new Wrong(Flaw.ALTERED, "the journal says otherwise of change " + change);
  }

  /** The next change behind the position that the journal has. */
  private @Nullable Committed next() {
    while (!page.isEmpty() && page.getFirst().seq() <= position) {
      page.removeFirst();
    }
    if (page.isEmpty()) {
      page.addAll(journal.after(position, AT_ONCE));
    }
    return page.peek();
  }

  /** Changes up to {@code last} that have no entry behind all that were seen. */
  Lacking lacking(long last) {
    long count = 0;
    long first = 0;
    for (Committed next = begun ? next() : null;
        next != null && next.seq() <= last;
        next = next()) {
      first = count == 0 ? next.seq() : first;
      count++;
      position = next.seq();
    }
    return new Lacking(count, first);
  }
}

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
    String wrong = change <= position ? "it repeats change " + change : compare(entry, change);
    position = Math.max(position, change);
    if (wrong != null && suspected == null) {
      boolean isMissing = wrong.startsWith("change ");
      suspected =
          new Broken(
              isMissing ? Flaw.MISSING : Flaw.ALTERED, entry.head().index(), file, number, wrong);
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

  private @Nullable String compare(AuditLine entry, long change) {
    Committed next = next();
    if (next == null) {
      // What was before a restore is not in the journal any more.
      return change > lastSeq ? "history has no change " + change : null;
    }
    if (next.seq() < change) {
      return "change "
          + next.seq()
          + " of the journal, "
          + next.change().cause()
          + " of "
          + next.change().key().id()
          + ", has no entry";
    }
    if (next.seq() > change) {
      return null;
    }
    page.poll();
    return entry.isOf(AuditTrail.Entry.of(next))
        ? null
        : "the journal says otherwise of change " + change;
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

  /**
   * Changes up to {@code last} that have no entry behind all that were seen.
   *
   * @return how many, and the first of them in {@code [1]}
   */
  long[] lacking(long last) {
    long count = 0;
    long first = 0;
    for (Committed next = begun ? next() : null;
        next != null && next.seq() <= last;
        next = next()) {
      first = count == 0 ? next.seq() : first;
      count++;
      position = next.seq();
    }
    return new long[] {count, first};
  }
}

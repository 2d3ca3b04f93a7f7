package holdfast.adapters.file.log;

import holdfast.adapters.file.layout.AuditAnchor;
import holdfast.domain.port.AuditTrail.Broken;
import holdfast.domain.port.AuditTrail.Changes;
import holdfast.domain.port.AuditTrail.Flaw;
import holdfast.domain.port.AuditTrail.Head;
import holdfast.domain.port.AuditTrail.Verdict;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the trail from its first entry to its last, and finds the first that is not as it was
 * written: by its own hash, by the one of the entry before, by its index, by the manifests and
 * snapshots that vouch for it, and by the journal. Used once, by one thread.
 */
final class AuditVerification implements AuditWalk.Taker {
  private final AuditWalk walk;
  private final @Nullable Head base;
  private final Map<Long, List<Vouched>> vouched = new HashMap<>();
  private final Head vouchedLast;
  private final Head until;
  private final boolean isOrderly;
  private final AuditJournal journal;
  private final List<Broken> broken = new ArrayList<>();
  private @Nullable Head last;
  private long entries;
  private long older;
  private @Nullable Broken torn;
  private @Nullable Broken unfinished;

  /** A head that somebody vouches for. */
  private record Vouched(String by, Head head) {}

  /**
   * What is known of a trail besides its files.
   *
   * @param anchors what vouches for it, by the names of those who do
   * @param until the last entry that must be there; {@link Head#NONE} if only the anchors tell
   * @param isOrderly whether the server runs or was ended in order: then nothing may be lacking
   * @param lastSeq of the newest change that may have an entry
   */
  record Evidence(
      Map<String, AuditAnchor> anchors,
      Head until,
      boolean isOrderly,
      Changes journal,
      long lastSeq) {}

  AuditVerification(AuditWalk walk, Evidence evidence) {
    this.walk = walk;
    until = evidence.until();
    isOrderly = evidence.isOrderly();
    journal = new AuditJournal(evidence.journal(), evidence.lastSeq());
    Head removed = null;
    Head furthest = until;
    for (Map.Entry<String, AuditAnchor> anchor : evidence.anchors().entrySet()) {
      Head head = anchor.getValue().head();
      vouched
          .computeIfAbsent(head.index(), _ -> new ArrayList<>())
          .add(new Vouched(anchor.getKey(), head));
      furthest = head.index() > furthest.index() ? head : furthest;
      Head gone = anchor.getValue().base();
      removed = removed == null || gone.index() > removed.index() ? gone : removed;
    }
    base = removed;
    vouchedLast = furthest;
  }

  Verdict run() throws IOException {
    walk.run(this);
    if (broken.isEmpty()) {
      finish();
    }
    Broken suspected = journal.suspected();
    if (suspected != null && (broken.isEmpty() || suspected.index() < broken.getFirst().index())) {
      broken.addFirst(suspected);
    }
    AuditJournal.Lacking lacking =
        broken.isEmpty() ? journal.lacking(lastWanted()) : AuditJournal.Lacking.NONE;
    if (lacking.changes() > 0 && isOrderly) {
      breaks(Flaw.TRUNCATED, end().index() + 1, "change " + lacking.first() + " has no entry");
    }
    Broken first = broken.isEmpty() ? null : broken.getFirst();
    return first == null
        ? new Verdict(entries, end(), null, lacking.changes(), unfinished)
        : new Verdict(entries, end(), first, 0, null);
  }

  private long lastWanted() {
    return until.index() > 0 ? until.seq() : Long.MAX_VALUE;
  }

  private Head end() {
    return last != null ? last : base != null ? base : Head.NONE;
  }

  private void breaks(Flaw flaw, long index, String detail) {
    broken.add(found(flaw, index, detail));
  }

  private Broken found(Flaw flaw, long index, String detail) {
    return new Broken(flaw, index, walk.file(), Math.max(1, walk.number()), detail);
  }

  /** Something in the place of the next entry that is none, or does not belong there. */
  private void breaksNext(Flaw flaw, String detail) {
    Broken next = found(flaw, end().index() + 1, detail);
    // As a start does it that cuts such an end off: it is not known to have been there whole.
    if (!isOrderly && walk.isCurrent() && end().index() >= vouchedLast.index()) {
      unfinished = next;
    } else {
      broken.add(next);
    }
  }

  private void finish() {
    if (vouchedLast.index() > end().index() && torn != null) {
      broken.add(torn);
    } else if (vouchedLast.index() > end().index()) {
      breaks(
          Flaw.TRUNCATED,
          end().index() + 1,
          "the trail ends with entry " + end().index() + "; " + whoVouches(vouchedLast.index()));
    } else if (torn != null && isOrderly) {
      broken.add(torn);
    } else if (torn != null) {
      unfinished = torn;
    }
  }

  private String whoVouches(long index) {
    List<Vouched> who = vouched.get(index);
    return (who == null ? "the server" : who.getFirst().by()) + " knows of entry " + index;
  }

  @Override
  public boolean line(byte[] bytes, int from, int to, boolean isWhole) {
    AuditLine entry = isWhole ? AuditLine.check(bytes, from, to) : null;
    if (entry == null) {
      return unreadable(bytes, from, to, isWhole);
    }
    if (torn != null) {
      broken.add(torn);
      return false;
    }
    Head found = entry.head();
    boolean fits = last == null ? begins(entry) : follows(entry, last);
    if (!fits || !isVouchedFor(found)) {
      return false;
    }
    journal.see(entry, walk.file(), walk.number());
    last = found;
    entries++;
    return until.index() == 0 || found.index() < until.index();
  }

  @Override
  public boolean damaged(String what) {
    breaksNext(Flaw.ALTERED, what);
    return false;
  }

  private boolean unreadable(byte[] bytes, int from, int to, boolean isWhole) {
    boolean mayBeOlder = last == null && (base == null || base.index() == 0);
    if (isWhole && mayBeOlder && AuditLine.isOfBefore(bytes, from, to)) {
      older++;
      return true;
    }
    if (!isWhole) {
      // What it means depends on whether it is the end of all.
      torn =
          torn != null
              ? torn
              : new Broken(
                  Flaw.TRUNCATED,
                  end().index() + 1,
                  walk.file(),
                  walk.number(),
                  "the line is not whole");
      return true;
    }
    breaksNext(Flaw.ALTERED, "its bytes are not those that its hash is of");
    return false;
  }

  /** Whether an entry may be the first that there is. */
  private boolean begins(AuditLine entry) {
    Head removed = older > 0 ? Head.NONE : base;
    if (removed == null) {
      return true;
    }
    long index = entry.head().index();
    if (index > removed.index() + 1) {
      breaks(
          Flaw.MISSING,
          removed.index() + 1,
          "the first entry there is has index "
              + index
              + (removed.index() == 0
                  ? ", and none was ever removed for its age"
                  : "; removed for its age was only what is before"));
      return false;
    }
    if (index == removed.index() + 1 && !entry.previous().equals(removed.hash())) {
      breaks(Flaw.ALTERED, index, "it is chained to another entry than the last one removed");
      return false;
    }
    return true;
  }

  private boolean follows(AuditLine entry, Head before) {
    long expected = before.index() + 1;
    long index = entry.head().index();
    if (index != expected) {
      breaksNext(
          index > expected ? Flaw.MISSING : Flaw.ALTERED,
          "entry " + index + " stands in its place");
      return false;
    }
    if (!entry.previous().equals(before.hash())) {
      breaks(
          Flaw.ALTERED,
          before.index(),
          "its hash is right, but the next entry is chained to another one");
      return false;
    }
    return true;
  }

  private boolean isVouchedFor(Head found) {
    if (base != null && base.index() == found.index() && !base.hash().equals(found.hash())) {
      breaks(Flaw.ALTERED, found.index(), "the manifest vouches for another entry of this index");
      return false;
    }
    for (Vouched anchor : vouched.getOrDefault(found.index(), List.of())) {
      if (!anchor.head().hash().equals(found.hash())) {
        breaks(Flaw.ALTERED, found.index(), anchor.by() + " vouches for another one");
        return false;
      }
    }
    if (until.index() == found.index() && !until.hash().equals(found.hash())) {
      breaks(Flaw.ALTERED, found.index(), "the server wrote another one");
      return false;
    }
    return true;
  }
}

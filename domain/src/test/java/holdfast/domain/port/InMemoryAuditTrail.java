package holdfast.domain.port;

import holdfast.domain.port.EventLog.Category;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** An audit trail that tests can look into, and forge. Its entries are in an event log, too. */
public final class InMemoryAuditTrail implements AuditTrail {
  private final EventLog log;
  private final List<Link> links = new ArrayList<>();
  private Changes journal = (_, _) -> List.of();
  private Head head = Head.NONE;
  private boolean full;

  private record Link(Entry entry, String previous, Head head) {}

  public InMemoryAuditTrail(EventLog log) {
    this.log = log;
  }

  /** Sets the journal that it is compared with. */
  public synchronized void journal(Changes compared) {
    journal = compared;
  }

  /** Whether there is no room. */
  public synchronized void full(boolean isFull) {
    full = isFull;
  }

  /** All entries, in order. */
  public synchronized List<Entry> entries() {
    return links.stream().map(Link::entry).toList();
  }

  @Override
  public synchronized boolean append(Entry entry) {
    if (full) {
      return false;
    }
    long seq = entry.seq() > 0 ? entry.seq() : head.seq();
    Head next = new Head(head.index() + 1, hash(head.hash(), head.index() + 1, entry), seq);
    links.add(new Link(entry, head.hash(), next));
    head = next;
    var data = new LinkedHashMap<String, Object>();
    data.put("actor", entry.by().actor());
    data.put("from", entry.by().from());
    data.put("action", entry.by().action());
    data.put("target", String.valueOf(entry.target()));
    data.put("result", entry.result());
    data.put("seq", entry.seq());
    data.putAll(entry.details());
    log.append(new EventLog.Entry(entry.at(), Category.AUDIT, entry.type(), data));
    return true;
  }

  private static String hash(String previous, long index, Entry entry) {
    try {
      byte[] text = (previous + index + entry).getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public synchronized Head force() {
    return head;
  }

  @Override
  public synchronized Head head() {
    return head;
  }

  /** Puts another entry in the place of one, without its hash. */
  public synchronized void alter(int place, Entry entry) {
    Link link = links.get(place);
    links.set(place, new Link(entry, link.previous(), link.head()));
  }

  /** Removes an entry. */
  public synchronized void remove(int place) {
    links.remove(place);
  }

  @Override
  public synchronized Verdict verify() {
    Head last = Head.NONE;
    Broken broken = null;
    long seq = -1;
    for (int i = 0; i < links.size() && broken == null; i++) {
      Link link = links.get(i);
      long expected = last.index() + 1;
      if (link.head().index() != expected) {
        broken = broken(Flaw.MISSING, expected, i);
      } else if (!link.previous().equals(last.hash())
          || !link.head().hash().equals(hash(last.hash(), expected, link.entry()))) {
        broken = broken(Flaw.ALTERED, expected, i);
      } else if (seq >= 0 && link.entry().isChange() && !isNext(seq, link.entry())) {
        broken = broken(Flaw.MISSING, expected, i);
      }
      last = link.head();
      seq = last.seq();
    }
    if (broken == null && last.index() < head.index()) {
      broken = broken(Flaw.TRUNCATED, last.index() + 1, links.size());
    }
    return new Verdict(links.size(), last, broken, 0, null);
  }

  private boolean isNext(long seq, Entry entry) {
    @Nullable Committed next = journal.after(seq, 1).stream().findFirst().orElse(null);
    return next == null
        || next.seq() > entry.seq()
        || (next.seq() == entry.seq() && Objects.equals(Entry.of(next).by(), entry.by()));
  }

  private static Broken broken(Flaw flaw, long index, int place) {
    return new Broken(flaw, index, "memory", place + 1L, "it does not fit");
  }
}

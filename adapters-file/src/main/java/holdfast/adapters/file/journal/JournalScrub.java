package holdfast.adapters.file.journal;

import holdfast.adapters.file.journal.SegmentChain.Link;
import holdfast.domain.port.Scrubbing.Mended;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads every segment of history again, one in each call, and mends the copy that is damaged. The
 * segment being written is read as far as it is durable; it is mended when the writer has gone on
 * to another, or has let go of its files.
 *
 * <p>One thread at a time, beside the one that appends.
 */
final class JournalScrub {
  private final List<JournalCopy> copies;
  private final UUID lineage;
  private final Supplier<JournalWriter.Tip> tip;
  private final SegmentReader.Room room = new SegmentReader.Room();
  private final Queue<Mended> mendedInPlace = new ConcurrentLinkedQueue<>();
  private @Nullable SegmentName last;

  /**
   * @param tip where the writer stands
   */
  JournalScrub(List<JournalCopy> copies, UUID lineage, Supplier<JournalWriter.Tip> tip) {
    this.copies = copies;
    this.lineage = lineage;
    this.tip = tip;
  }

  /**
   * Mends the segment being written, of which everything is durable. The writer must stand still,
   * and open its files anew afterwards, whatever came of this. On its thread.
   */
  void mendTip() throws IOException {
    JournalWriter.Tip written = tip.get();
    for (Link link : SegmentChain.find(copies, lineage).links()) {
      if (link.name().equals(written.segment())) {
        Link durable = durable(link, written);
        SegmentReader mending = SegmentReader.mending(copies, durable, durable.start());
        mending.read(new BatchIndex(), JournalSink.NOWHERE);
        var mended = new ArrayList<Mended>();
        mending.heal(mended);
        mendedInPlace.addAll(mended);
      }
    }
  }

  Journal.Checked next() throws IOException {
    JournalWriter.Tip written = tip.get();
    SegmentChain chain = SegmentChain.find(copies, lineage);
    Link link = after(chain, last);
    if (link == null) {
      last = null;
      return new Journal.Checked("journal", 0, List.of(), null, false, true);
    }
    last = link.name();
    boolean current = link.name().equals(written.segment());
    if (link.isTip() && !current) {
      // The writer went on to another segment between the two looks: its turn comes next time.
      last = null;
      return new Journal.Checked("journal", 0, List.of(), null, false, true);
    }
    return check(current ? durable(link, written) : link, current);
  }

  private static @Nullable Link after(SegmentChain chain, @Nullable SegmentName name) {
    for (Link link : chain.links()) {
      if (name == null || link.name().compareTo(name) > 0) {
        return link;
      }
    }
    return null;
  }

  private static Link durable(Link tip, JournalWriter.Tip written) {
    return new Link(
        tip.name(),
        tip.opening(),
        tip.from(),
        written.end(),
        ByteBuffer.allocate(0),
        written.lastDigest());
  }

  private Journal.Checked check(Link link, boolean current) throws IOException {
    var mended = new ArrayList<Mended>();
    while (!mendedInPlace.isEmpty()) {
      mended.add(mendedInPlace.remove());
    }
    String lost = null;
    boolean mustSeal = false;
    // Most of the segment that is being written is still zero, and need not be in memory for this.
    SegmentReader reader = SegmentReader.reading(copies, link, link.start(), room.upTo(link.end()));
    try {
      reader.read(new BatchIndex(), JournalSink.NOWHERE);
      if (reader.isDamaged() && current) {
        mustSeal = true;
      } else if (reader.isDamaged()) {
        SegmentReader mending = SegmentReader.mending(copies, link, link.start());
        mending.read(new BatchIndex(), JournalSink.NOWHERE);
        mending.heal(mended);
      }
    } catch (LostHistoryException e) {
      lost = isStillThere(link) ? String.valueOf(e.getMessage()) : null;
    }
    return new Journal.Checked(
        "journal segment " + link.name(),
        (long) link.end() * copies.size(),
        mended,
        lost,
        mustSeal,
        false);
  }

  /** Whether a segment was not retired in the meantime. */
  private boolean isStillThere(Link link) throws IOException {
    return SegmentChain.find(copies, lineage).links().stream()
        .anyMatch(present -> present.name().equals(link.name()));
  }
}

package holdfast.adapters.file.journal;

import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Which segments make up history, and how far each counts.
 *
 * <p>The youngest segment with a valid opening is the tip; every opening names its predecessor and
 * the end of it, down to the beginning. A segment outside this chain holds no history: it was left
 * by a start that did not get as far as its takeover, or by one that another start passed over.
 *
 * @param links oldest first
 * @param orphans segments outside the chain
 */
record SegmentChain(List<Link> links, List<SegmentName> orphans) {

  /**
   * A segment of the chain.
   *
   * @param end where it ends, or -1 for the tip, which goes on as far as it is valid
   * @param repeated its last batch as the next segment repeats it, or empty
   */
  record Link(SegmentName name, Batch opening, Opening from, int end, ByteBuffer repeated) {
    boolean isTip() {
      return end < 0;
    }
  }

  private record Opened(Batch batch, Opening opening) {}

  /**
   * Reads the openings of all segments in the copies.
   *
   * @param lineage segments of any other are orphans; null takes the lineage of the youngest
   * @throws LostHistoryException if a segment that the chain needs has no valid opening
   */
  static SegmentChain find(List<JournalCopy> copies, @Nullable UUID lineage) throws IOException {
    var names = new TreeSet<SegmentName>();
    for (JournalCopy copy : copies) {
      names.addAll(copy.segments());
    }
    var opened = new TreeMap<SegmentName, Opened>();
    for (SegmentName name : names) {
      Opened opening = open(copies, name);
      if (opening != null && (lineage == null || lineage.equals(opening.batch.lineage()))) {
        opened.put(name, opening);
      }
    }
    return opened.isEmpty()
        ? new SegmentChain(List.of(), List.copyOf(names))
        : follow(copies, names, opened);
  }

  private static SegmentChain follow(
      List<JournalCopy> copies, SortedSet<SegmentName> names, TreeMap<SegmentName, Opened> opened) {
    var links = new ArrayList<Link>();
    SegmentName name = opened.lastKey();
    Opened at = opened.get(name);
    int end = -1;
    ByteBuffer repeated = Opening.GENESIS.lastBatch();
    while (at != null) {
      links.add(new Link(name, at.batch, at.opening, end, repeated));
      SegmentName predecessor = at.opening.predecessor();
      if (predecessor == null) {
        Collections.reverse(links);
        var orphans = new ArrayList<>(names);
        orphans.removeIf(orphan -> links.stream().anyMatch(link -> link.name().equals(orphan)));
        return new SegmentChain(links, orphans);
      }
      end = at.opening.end();
      repeated = at.opening.lastBatch();
      name = predecessor;
      at = opened.containsKey(name) ? opened.get(name) : repeatedOpening(end, repeated);
    }
    throw new LostHistoryException(
        "segment "
            + name
            + " is part of history but its first batch, at offset 0, is valid in neither of "
            + places(copies, name)
            + ". Restore one of these files from a backup of the same lineage; nothing was"
            + " changed");
  }

  /** The opening of a segment of a single batch, taken from where the next segment repeats it. */
  private static @Nullable Opened repeatedOpening(int end, ByteBuffer repeated) {
    Batch batch = repeated.limit() == end ? Batch.at(repeated, 0) : null;
    return batch == null || !batch.kind().opensSegment()
        ? null
        : new Opened(batch, Opening.read(repeated, 0));
  }

  private static @Nullable Opened open(List<JournalCopy> copies, SegmentName name)
      throws IOException {
    for (JournalCopy copy : copies) {
      ByteBuffer block = copy.read(name, 0, Batch.BLOCK);
      if (block == null) {
        continue;
      }
      int newer = Batch.newerVersion(block);
      if (newer > 0) {
        throw new StorageException(
            copy.path(name)
                + " is of journal format "
                + newer
                + "; this version reads up to "
                + Batch.VERSION
                + ". Use the version that wrote it; nothing was changed");
      }
      ByteBuffer bytes = copy.read(name, 0, Batch.claimedLength(block, Integer.MAX_VALUE / 2));
      Batch batch = bytes == null ? null : Batch.at(bytes, 0);
      if (bytes != null && batch != null && opens(batch, name)) {
        return new Opened(batch, Opening.read(bytes, 0));
      }
    }
    return null;
  }

  private static boolean opens(Batch batch, SegmentName name) {
    return batch.kind().opensSegment()
        && batch.term() == name.term()
        && batch.firstSeq() == name.firstSeq();
  }

  static String places(List<JournalCopy> copies, SegmentName name) {
    var places = new ArrayList<String>();
    copies.forEach(copy -> places.add(copy.path(name).toString()));
    return String.join(" and ", places);
  }
}

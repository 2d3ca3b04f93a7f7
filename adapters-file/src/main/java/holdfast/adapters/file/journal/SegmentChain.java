package holdfast.adapters.file.journal;

import holdfast.adapters.file.checksum.Digest;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
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
 * the end of it, down to the beginning: of all history, of an epoch, or of what has not been
 * retired. A segment outside this chain holds no history: it was left by a start that did not get
 * as far as its takeover, or by one that another start passed over.
 *
 * @param links oldest first
 * @param orphans segments outside the chain
 * @param gap why the chain goes back no further than it does, or null if it is whole
 */
record SegmentChain(List<Link> links, List<SegmentName> orphans, @Nullable String gap) {

  /**
   * A segment of the chain.
   *
   * @param end where it ends, or -1 for the tip, which goes on as far as it is valid
   * @param repeated its last batch as the next segment repeats it, or empty
   * @param lastDigest of its last batch as the next segment names it; null for the tip
   */
  record Link(
      SegmentName name,
      Batch opening,
      Opening from,
      int end,
      ByteBuffer repeated,
      @Nullable Digest lastDigest) {
    boolean isTip() {
      return end < 0;
    }

    /** Where history stands when the segment begins, as the segment itself says. */
    SegmentReader.Position start() {
      return new SegmentReader.Position(opening.firstSeq(), opening.previousDigest());
    }
  }

  /** The first seq that can be read here; 1 if there is nothing. */
  long firstSeq() {
    return links.isEmpty() ? 1 : links.getFirst().opening().firstSeq();
  }

  /** The state that the chain goes on from, if an epoch began with it. */
  @Nullable EpochBase base() {
    return links.isEmpty() ? null : links.getFirst().from().base();
  }

  /** A segment's opening as some copy has it. */
  private record Opened(Batch batch, Opening opening) {}

  /**
   * Reads the openings of all segments in the copies.
   *
   * @param lineage segments of any other are orphans; null takes the lineage of the youngest
   * @throws LostHistoryException if the copies differ and nothing tells which is history
   */
  static SegmentChain find(List<JournalCopy> copies, @Nullable UUID lineage) throws IOException {
    var names = new TreeSet<SegmentName>();
    for (JournalCopy copy : copies) {
      names.addAll(copy.segments());
    }
    var opened = new TreeMap<SegmentName, List<Opened>>();
    for (SegmentName name : names) {
      List<Opened> openings = open(copies, name, lineage);
      if (!openings.isEmpty()) {
        opened.put(name, openings);
      }
    }
    return opened.isEmpty()
        ? new SegmentChain(List.of(), List.copyOf(names), null)
        : follow(copies, names, opened);
  }

  private static SegmentChain follow(
      List<JournalCopy> copies,
      SortedSet<SegmentName> names,
      TreeMap<SegmentName, List<Opened>> opened)
      throws IOException {
    var links = new ArrayList<Link>();
    SegmentName name = opened.lastKey();
    Opened at = tip(copies, name, opened.lastEntry().getValue());
    int end = -1;
    ByteBuffer repeated = Opening.GENESIS.lastBatch();
    Digest lastDigest = null;
    while (at != null) {
      links.add(new Link(name, at.batch, at.opening, end, repeated, lastDigest));
      SegmentName predecessor = at.opening.predecessor();
      if (predecessor == null) {
        return chain(links, names, null);
      }
      if (predecessor.compareTo(name) >= 0) {
        return chain(
            links,
            names,
            "segment "
                + name
                + " names "
                + predecessor
                + " as the one before it, which is not older: it stands in another's place in "
                + places(copies, name));
      }
      end = at.opening.end();
      repeated = at.opening.lastBatch();
      lastDigest = at.batch.previousDigest();
      name = predecessor;
      List<Opened> openings = opened.get(name);
      at =
          openings == null
              ? repeatedOpening(end, repeated)
              : predecessor(copies, name, openings, at);
    }
    return chain(
        links,
        names,
        "segment "
            + name
            + " is part of history but "
            + (names.contains(name)
                ? "its first batch, at offset 0, is valid in neither of "
                : "it is missing: there is neither of ")
            + places(copies, name)
            + ". Restore one of these files from a backup of the same lineage");
  }

  private static SegmentChain chain(
      List<Link> youngestFirst, SortedSet<SegmentName> names, @Nullable String gap) {
    var members = new HashSet<SegmentName>();
    youngestFirst.forEach(link -> members.add(link.name()));
    return new SegmentChain(
        youngestFirst.reversed(),
        names.stream().filter(name -> !members.contains(name)).toList(),
        gap);
  }

  /** The opening of a segment of a single batch, taken from where the next segment repeats it. */
  private static @Nullable Opened repeatedOpening(int end, ByteBuffer repeated) {
    Batch batch = repeated.limit() == end ? Batch.at(repeated, 0) : null;
    return batch == null || !batch.kind().opensSegment()
        ? null
        : new Opened(batch, Opening.read(repeated, 0, batch.kind()));
  }

  /**
   * The opening of the youngest segment. Where the copies differ, a file was put in the place of
   * another: the one counts that goes on from where its predecessor ends.
   */
  private static Opened tip(List<JournalCopy> copies, SegmentName name, List<Opened> openings)
      throws IOException {
    var fitting = new ArrayList<Opened>();
    for (Opened opening : openings) {
      SegmentName predecessor = opening.opening.predecessor();
      if (openings.size() == 1 || predecessor == null || ends(copies, predecessor, opening, null)) {
        fitting.add(opening);
      }
    }
    if (fitting.size() == 1) {
      return fitting.getFirst();
    }
    throw new LostHistoryException(
        "segment "
            + name
            + " is a different one in each of "
            + places(copies, name)
            + ", and nothing tells which of them is history: one was put there from elsewhere."
            + " Remove that one; nothing was changed");
  }

  /** Of the openings that the copies have for a segment, the one that {@code next} followed. */
  private static Opened predecessor(
      List<JournalCopy> copies, SegmentName name, List<Opened> openings, Opened next)
      throws IOException {
    ByteBuffer bytes = next.opening.lastBatch();
    Batch repeated = bytes.limit() == 0 ? null : Batch.at(bytes, 0);
    for (Opened opening : openings) {
      boolean isRepeated = repeated != null && repeated.nonce() == opening.batch.nonce();
      if (openings.size() > 1 && (isRepeated || ends(copies, name, next, opening.batch))) {
        return opening;
      }
    }
    return openings.getFirst();
  }

  /**
   * Whether some copy of a segment ends with the batch that {@code next} names as the one before.
   *
   * @param opening that the segment must begin with; null takes any
   */
  private static boolean ends(
      List<JournalCopy> copies, SegmentName name, Opened next, @Nullable Batch opening)
      throws IOException {
    for (JournalCopy copy : copies) {
      ByteBuffer content = copy.load(name);
      Batch batch = content == null ? null : Batch.at(content, 0);
      int from = 0;
      int at = 0;
      if (opening != null && !opening.equals(batch)) {
        continue;
      }
      while (content != null && batch != null && at < next.opening.end()) {
        from = at;
        at += batch.paddedLength();
        batch = Batch.at(content, at);
      }
      if (content != null
          && at == next.opening.end()
          && Digest.of(content, from, at - from).equals(next.batch.previousDigest())) {
        return true;
      }
    }
    return false;
  }

  /** The openings of a segment that any copy has, each once: normally one. */
  private static List<Opened> open(
      List<JournalCopy> copies, SegmentName name, @Nullable UUID lineage) throws IOException {
    var openings = new ArrayList<Opened>(1);
    for (JournalCopy copy : copies) {
      ByteBuffer block = copy.read(name, 0, Batch.BLOCK);
      if (block == null) {
        continue;
      }
      ByteBuffer bytes = copy.read(name, 0, Batch.claimedLength(block, Integer.MAX_VALUE / 2));
      int newer = bytes == null ? 0 : Batch.newerVersion(bytes);
      if (newer > 0) {
        throw new StorageException(
            copy.path(name)
                + " is of journal format "
                + newer
                + "; this version reads up to "
                + Batch.VERSION
                + ". Use the version that wrote it; nothing was changed");
      }
      Batch batch = bytes == null ? null : Batch.at(bytes, 0);
      if (bytes != null
          && batch != null
          && opens(batch, name)
          && (lineage == null || lineage.equals(batch.lineage()))
          && openings.stream().noneMatch(known -> known.batch.equals(batch))) {
        openings.add(new Opened(batch, Opening.read(bytes, 0, batch.kind())));
      }
    }
    return openings;
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

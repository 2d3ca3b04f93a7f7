package holdfast.adapters.file.journal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where the batch stands that holds a seq: 12 bytes for each batch. Segments that were not read at
 * the start are filled in when somebody asks for them. Batches of a segment are added in order of
 * seq. Any thread.
 */
final class BatchIndex {
  private static final int CAPACITY = 256;

  private final TreeMap<Long, Batches> segments = new TreeMap<>();

  /** A batch's place. */
  record Place(SegmentName segment, int offset) {}

  /** The batches of one segment. */
  private static final class Batches {
    private final SegmentName segment;
    private long[] firstSeqs = new long[CAPACITY];
    private int[] offsets = new int[CAPACITY];
    private int size;
    private boolean read;

    Batches(SegmentName segment, boolean read) {
      this.segment = segment;
      this.read = read;
    }

    void add(long firstSeq, int offset) {
      if (size == firstSeqs.length) {
        firstSeqs = Arrays.copyOf(firstSeqs, size * 2);
        offsets = Arrays.copyOf(offsets, size * 2);
      }
      firstSeqs[size] = firstSeq;
      offsets[size] = offset;
      size++;
    }

    @Nullable Place find(long seq) {
      int found = Arrays.binarySearch(firstSeqs, 0, size, seq);
      int at = found >= 0 ? found : -found - 2;
      return at < 0 ? null : new Place(segment, offsets[at]);
    }
  }

  /** Names a segment whose batches are not known yet. */
  synchronized void unread(SegmentName segment) {
    segments.put(segment.firstSeq(), new Batches(segment, false));
  }

  synchronized void add(long firstSeq, SegmentName segment, int offset) {
    Batches batches = segments.get(segment.firstSeq());
    if (batches == null || !batches.segment.equals(segment)) {
      batches = new Batches(segment, true);
      segments.put(segment.firstSeq(), batches);
    }
    batches.add(firstSeq, offset);
  }

  /** The segment that would hold {@code seq} if its batches are not known yet; otherwise null. */
  synchronized @Nullable SegmentName unreadHolder(long seq) {
    Map.Entry<Long, Batches> holder = segments.floorEntry(seq);
    return holder == null || holder.getValue().read ? null : holder.getValue().segment;
  }

  /** Says that all batches of a segment have been added. */
  synchronized void read(SegmentName segment) {
    Batches batches = segments.get(segment.firstSeq());
    if (batches != null && batches.segment.equals(segment)) {
      batches.read = true;
    }
  }

  /** The first seq that a known segment begins with; 0 if there is none. */
  synchronized long firstSeq() {
    return segments.isEmpty() ? 0 : segments.firstKey();
  }

  /** The place of the batch that would hold {@code seq}; null if all known ones are later. */
  synchronized @Nullable Place find(long seq) {
    Map.Entry<Long, Batches> holder = segments.floorEntry(seq);
    return holder == null ? null : holder.getValue().find(seq);
  }

  /** The segments that hold nothing beyond {@code seq} and are not the last, oldest first. */
  synchronized List<SegmentName> whollyUpTo(long seq) {
    var wholly = new ArrayList<SegmentName>();
    Batches before = null;
    for (Batches batches : segments.headMap(seq + 1, true).values()) {
      if (before != null) {
        wholly.add(before.segment);
      }
      before = batches;
    }
    return wholly;
  }

  synchronized void forget(SegmentName segment) {
    segments.remove(segment.firstSeq());
  }
}

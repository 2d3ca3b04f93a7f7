package holdfast.adapters.file.journal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the batch stands that holds a seq: 16 bytes for each batch. Batches are added in order of
 * seq. Any thread.
 */
final class BatchIndex {
  private static final int CAPACITY = 1_024;

  private final List<SegmentName> segments = new ArrayList<>();
  private long[] firstSeqs = new long[CAPACITY];
  private int[] segmentNumbers = new int[CAPACITY];
  private int[] offsets = new int[CAPACITY];
  private int size;

  /** A batch's place. */
  record Place(SegmentName segment, int offset) {}

  synchronized void add(long firstSeq, SegmentName segment, int offset) {
    if (segments.isEmpty() || !segments.getLast().equals(segment)) {
      segments.add(segment);
    }
    if (size == firstSeqs.length) {
      firstSeqs = Arrays.copyOf(firstSeqs, size * 2);
      segmentNumbers = Arrays.copyOf(segmentNumbers, size * 2);
      offsets = Arrays.copyOf(offsets, size * 2);
    }
    firstSeqs[size] = firstSeq;
    segmentNumbers[size] = segments.size() - 1;
    offsets[size] = offset;
    size++;
  }

  /** The place of the batch that would hold {@code seq}; null if all known ones are later. */
  synchronized @Nullable Place find(long seq) {
    int found = Arrays.binarySearch(firstSeqs, 0, size, seq);
    int at = found >= 0 ? found : -found - 2;
    return at < 0 ? null : new Place(segments.get(segmentNumbers[at]), offsets[at]);
  }
}

package holdfast.adapters.file.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds single changes in the segments, in whichever copy they are whole. Any thread. */
final class JournalLookup {
  private final List<JournalCopy> copies;
  private final BatchIndex index;

  JournalLookup(List<JournalCopy> copies, BatchIndex index) {
    this.copies = copies;
    this.index = index;
  }

  /**
   * The durable change with this seq, or null if it is not there any more.
   *
   * @throws LostHistoryException if it is there and damaged in every copy
   */
  @Nullable SequencedChange find(long seq) throws IOException {
    List<SequencedChange> changes = from(seq);
    return changes.isEmpty() ? null : changes.getFirst();
  }

  /**
   * The durable change with this seq and those behind it in the same batch, in order; empty if it
   * is not there any more.
   *
   * @throws LostHistoryException if it is there and damaged in every copy
   */
  List<SequencedChange> from(long seq) throws IOException {
    SegmentName unread = index.unreadHolder(seq);
    if (unread != null) {
      read(unread);
    }
    BatchIndex.Place place = index.find(seq);
    if (place == null) {
      return List.of();
    }
    for (JournalCopy copy : copies) {
      List<SequencedChange> changes = from(copy, place, seq);
      if (!changes.isEmpty()) {
        return changes;
      }
    }
    if (index.find(seq) == null) {
      // It was retired in the meantime.
      return List.of();
    }
    throw new LostHistoryException(
        "seq "
            + seq
            + " at offset "
            + place.offset()
            + " is damaged in each of "
            + SegmentChain.places(copies, place.segment()));
  }

  /** Finds the batches of a segment that the start had no need to read. */
  private synchronized void read(SegmentName name) throws IOException {
    if (index.unreadHolder(name.firstSeq()) == null) {
      return;
    }
    long next = -1;
    for (JournalCopy copy : copies) {
      ByteBuffer content = copy.load(name);
      int at = 0;
      Batch batch = content == null ? null : Batch.at(content, 0);
      while (content != null && batch != null) {
        if (batch.count() > 0 && batch.firstSeq() >= next) {
          index.add(batch.firstSeq(), name, at);
        }
        next = Math.max(next, batch.nextSeq());
        at += batch.paddedLength();
        batch = Batch.at(content, at);
      }
    }
    index.read(name);
  }

  private static List<SequencedChange> from(JournalCopy copy, BatchIndex.Place place, long seq)
      throws IOException {
    ByteBuffer block = copy.read(place.segment(), place.offset(), Batch.BLOCK);
    if (block == null) {
      return List.of();
    }
    int length = Batch.claimedLength(block, 1 << 30);
    ByteBuffer bytes =
        length == Batch.BLOCK ? block : copy.read(place.segment(), place.offset(), length);
    Batch batch = bytes == null ? null : Batch.at(bytes, 0);
    if (bytes == null || batch == null) {
      return List.of();
    }
    bytes.position(Batch.HEADER);
    var changes = new ArrayList<SequencedChange>();
    SequencedChange change = RecordCodec.read(bytes, batch.length());
    while (change != null) {
      if (change.seq() >= seq) {
        changes.add(change);
      }
      change = RecordCodec.read(bytes, batch.length());
    }
    return !changes.isEmpty() && changes.getFirst().seq() == seq ? changes : List.of();
  }
}

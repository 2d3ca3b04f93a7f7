package holdfast.adapters.file.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
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
    SegmentName unread = index.unreadHolder(seq);
    if (unread != null) {
      read(unread);
    }
    BatchIndex.Place place = index.find(seq);
    if (place == null) {
      return null;
    }
    for (JournalCopy copy : copies) {
      SequencedChange change = find(copy, place, seq);
      if (change != null) {
        return change;
      }
    }
    if (index.find(seq) == null) {
      // It was retired in the meantime.
      return null;
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

  private static @Nullable SequencedChange find(JournalCopy copy, BatchIndex.Place place, long seq)
      throws IOException {
    ByteBuffer block = copy.read(place.segment(), place.offset(), Batch.BLOCK);
    if (block == null) {
      return null;
    }
    int length = Batch.claimedLength(block, 1 << 30);
    ByteBuffer bytes =
        length == Batch.BLOCK ? block : copy.read(place.segment(), place.offset(), length);
    Batch batch = bytes == null ? null : Batch.at(bytes, 0);
    if (bytes == null || batch == null) {
      return null;
    }
    bytes.position(Batch.HEADER);
    SequencedChange change = RecordCodec.read(bytes, batch.length());
    while (change != null && change.seq() < seq) {
      change = RecordCodec.read(bytes, batch.length());
    }
    return change != null && change.seq() == seq ? change : null;
  }
}

package holdfast.adapters.file.journal;

import holdfast.adapters.file.checksum.Digest;
import holdfast.adapters.file.journal.SegmentChain.Link;
import holdfast.adapters.file.journal.SegmentReader.Position;
import holdfast.domain.port.Scrubbing.Mended;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Reads history from both copies, batch by batch whichever is valid and chains to the one before,
 * and mends the copy that is not.
 *
 * <p>Nothing is written before all of history has been read: a start that is refused has changed
 * nothing. Used once, by one thread.
 */
final class JournalReplay {
  private final List<JournalCopy> copies;
  private final JournalSink sink;
  private final BatchIndex index;
  private final Terms terms;
  private final List<Damaged> damaged = new ArrayList<>();
  private final List<Mended> mended = new ArrayList<>();

  /** A segment to be mended, and where history stood at its beginning. */
  private record Damaged(Link link, Position start) {}

  /**
   * What was found.
   *
   * @param nextSeq the seq that follows the last record
   * @param tail what the next takeover goes on from
   * @param tailDigest of the last batch of the tail
   * @param chain the segments of history, oldest first; the last one is left out of history by the
   *     next takeover if it held nothing but a takeover itself
   * @param records behind the base
   * @param lost what could not be read and was given up, or null
   */
  record Result(
      @Nullable UUID lineage,
      long epoch,
      long nextSeq,
      Opening tail,
      Digest tailDigest,
      SegmentChain chain,
      long records,
      boolean tornTail,
      @Nullable String lost,
      List<Mended> mended) {}

  /**
   * On what terms history is read.
   *
   * @param base the seq of the state that the records are added to; what they say of it is passed
   *     over
   * @param acceptLoss whether history may end where it cannot be read on, instead of refusing
   */
  record Terms(long base, boolean acceptLoss) {}

  /**
   * @param sink takes every record behind the base in order of seq
   */
  JournalReplay(List<JournalCopy> copies, BatchIndex index, Terms terms, JournalSink sink) {
    this.copies = copies;
    this.index = index;
    this.terms = terms;
    this.sink =
        new JournalSink(
            change -> {
              if (change.seq() > terms.base()) {
                sink.change(change);
              }
            },
            sink::segmentEnded);
  }

  Result run(SegmentChain chain) throws IOException {
    if (chain.links().isEmpty() && !terms.acceptLoss()) {
      refuseIfAnyBatch(chain.orphans());
    }
    String lost = null;
    int first = 0;
    try {
      first = first(chain);
    } catch (LostHistoryException e) {
      lost = accepted(e);
    }
    Position position =
        chain.links().isEmpty()
            ? new Position(terms.base() + 1, Digest.NONE)
            : chain.links().get(first).start();
    Opening tail = Opening.GENESIS;
    Digest tailDigest = position.digest();
    boolean tornTail = false;
    var room = new SegmentReader.Room();
    for (Link link : chain.links().subList(0, first)) {
      index.unread(link.name());
      noteMissing(link);
    }
    boolean readable = true;
    for (Link link : chain.links().subList(first, chain.links().size())) {
      if (!readable) {
        break;
      }
      SegmentReader segment = SegmentReader.reading(copies, link, position, room);
      try {
        segment.read(index, sink);
      } catch (LostHistoryException e) {
        lost = accepted(e);
        readable = false;
      }
      sink.segmentEnded();
      if (readable && segment.isDamaged()) {
        damaged.add(new Damaged(link, position));
      }
      boolean onlyTakeover =
          segment.end() == link.opening().paddedLength()
              && link.opening().kind() == Batch.Kind.TAKEOVER;
      // A takeover without anything behind it holds no fact of its own, so the next takeover
      // passes it over: otherwise each of a hundred starts would repeat the takeover before.
      tail =
          onlyTakeover ? link.from() : new Opening(link.name(), segment.end(), segment.lastBatch());
      tailDigest = onlyTakeover ? position.digest() : segment.position().digest();
      tornTail = segment.tornTail();
      position = segment.position();
    }
    return new Result(
        chain.links().isEmpty() ? null : chain.links().getLast().opening().lineage(),
        chain.links().isEmpty() ? 1 : chain.links().getLast().opening().epoch(),
        Math.max(position.nextSeq(), terms.base() + 1),
        tail,
        tailDigest,
        chain,
        Math.max(0, position.nextSeq() - 1 - terms.base()),
        tornTail,
        lost,
        mended);
  }

  /** The segment to begin with: the last one that goes on from the base. */
  private int first(SegmentChain chain) {
    if (chain.firstSeq() > terms.base() + 1) {
      throw new LostHistoryException(
          "history from seq "
              + (terms.base() + 1)
              + " to "
              + (chain.firstSeq() - 1)
              + " is in no snapshot that can be read and in no segment: "
              + (chain.gap() == null ? "the epoch's first snapshot is gone" : chain.gap())
              + "; nothing was changed");
    }
    int first = 0;
    for (int i = 1; i < chain.links().size(); i++) {
      if (chain.links().get(i).opening().firstSeq() <= terms.base() + 1) {
        first = i;
      }
    }
    return first;
  }

  /** What is lost, if loss is accepted. */
  private String accepted(LostHistoryException e) {
    if (!terms.acceptLoss()) {
      throw e;
    }
    return String.valueOf(e.getMessage());
  }

  /** What need not be read must still be there twice. */
  private void noteMissing(Link link) throws IOException {
    for (JournalCopy copy : copies) {
      if (copy.size(link.name()) < link.end()) {
        damaged.add(new Damaged(link, link.start()));
        return;
      }
    }
  }

  /** Rebuilds every damaged segment from what is valid. Call once the start is not refused. */
  void heal() throws IOException {
    for (Damaged segment : damaged) {
      SegmentReader again = SegmentReader.mending(copies, segment.link(), segment.start());
      again.read(new BatchIndex(), JournalSink.NOWHERE);
      again.heal(mended);
    }
  }

  /** Batches without any opening: both copies of the openings of a whole history are damaged. */
  private void refuseIfAnyBatch(List<SegmentName> names) throws IOException {
    for (SegmentName name : names) {
      for (JournalCopy copy : copies) {
        ByteBuffer bytes = copy.load(name);
        int found = bytes == null ? -1 : SegmentReader.firstBatch(bytes, 0, null);
        if (found >= 0) {
          throw new LostHistoryException(
              copy.path(name)
                  + " holds a valid batch at offset "
                  + found
                  + ", but the first batch of the segment, at offset 0, is damaged in every copy."
                  + " Restore "
                  + SegmentChain.places(copies, name)
                  + " from a backup of the same lineage; nothing was changed");
        }
      }
    }
  }
}

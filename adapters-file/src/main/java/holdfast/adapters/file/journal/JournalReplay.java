package holdfast.adapters.file.journal;

import holdfast.adapters.file.journal.SegmentChain.Link;
import holdfast.adapters.file.journal.SegmentReader.Position;
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
  private final long nextTerm;
  private final List<Damaged> damaged = new ArrayList<>();
  private final List<String> healed = new ArrayList<>();
  private final List<String> quarantined = new ArrayList<>();

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
      List<String> healed,
      List<String> quarantined) {}

  /**
   * @param nextTerm of the start that replays; names what is put aside
   * @param sink takes every record in order of seq
   */
  JournalReplay(List<JournalCopy> copies, BatchIndex index, long nextTerm, JournalSink sink) {
    this.copies = copies;
    this.index = index;
    this.nextTerm = nextTerm;
    this.sink = sink;
  }

  Result run(SegmentChain chain) throws IOException {
    if (chain.links().isEmpty()) {
      refuseIfAnyBatch(chain.orphans());
    }
    Position position = Position.START;
    Opening tail = Opening.GENESIS;
    Digest tailDigest = position.digest();
    boolean tornTail = false;
    var room = new SegmentReader.Room();
    for (Link link : chain.links()) {
      SegmentReader segment = SegmentReader.reading(copies, link, position, room);
      segment.read(index, sink);
      sink.segmentEnded();
      if (segment.isDamaged()) {
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
        position.nextSeq(),
        tail,
        tailDigest,
        chain,
        position.nextSeq() - 1,
        tornTail,
        healed,
        quarantined);
  }

  /** Rebuilds every damaged segment from what is valid. Call once the start is not refused. */
  void heal() throws IOException {
    for (Damaged segment : damaged) {
      SegmentReader again = SegmentReader.mending(copies, segment.link(), segment.start());
      again.read(new BatchIndex(), JournalSink.NOWHERE);
      again.heal(nextTerm, healed, quarantined);
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

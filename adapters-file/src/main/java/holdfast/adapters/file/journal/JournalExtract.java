package holdfast.adapters.file.journal;

import holdfast.adapters.file.journal.SegmentChain.Link;
import holdfast.adapters.file.journal.SegmentReader.Position;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Copies history as far as it goes, also while it is being written: each batch from whichever copy
 * has it valid, in order, up to the first that neither has. What is copied is a history that ended
 * there; whatever was acknowledged before the copying began is in it.
 */
public final class JournalExtract {
  /** A tip that is read while batches are added to it may seem to have a gap; not so often. */
  private static final int TIP_READS_MAX = 50;

  private JournalExtract() {}

  /**
   * Copies the segments of history, whole, into both of {@code to}.
   *
   * @param lineage whose history; null takes what is there
   * @param seen told of every change; of some more than once
   * @return the seq that follows the last one, or 0 if there is no history
   * @throws LostHistoryException if what must be there is not: it is damaged, or was retired while
   *     it was read
   */
  public static long copy(
      List<JournalCopy> from,
      @Nullable UUID lineage,
      List<JournalCopy> to,
      Consumer<SequencedChange> seen)
      throws IOException {
    var sink = new JournalSink(seen, () -> {});
    SegmentChain chain = SegmentChain.find(from, lineage);
    if (chain.links().isEmpty()) {
      return 0;
    }
    Position position = chain.links().getFirst().start();
    for (Link link : chain.links()) {
      SegmentReader segment = read(from, link, position, sink);
      for (JournalCopy copy : to) {
        copy.rebuild(link.name(), segment.whole());
      }
      position = segment.position();
    }
    return position.nextSeq();
  }

  private static SegmentReader read(
      List<JournalCopy> from, Link link, Position start, JournalSink sink) throws IOException {
    for (int attempt = 1; ; attempt++) {
      SegmentReader segment = SegmentReader.mending(from, link, start);
      try {
        segment.read(new BatchIndex(), sink);
        return segment;
      } catch (LostHistoryException e) {
        if (!link.isTip() || attempt == TIP_READS_MAX) {
          throw e;
        }
      }
    }
  }
}

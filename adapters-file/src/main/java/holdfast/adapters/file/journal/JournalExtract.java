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
   * Copies the segments of history, whole, into both of {@code to}; those that are there already
   * are left as they are.
   *
   * @param lineage whose history; null takes what is there
   * @param after only of changes behind this seq is anything told
   * @param seen told of them; of some more than once
   * @return the seq of the last one, or 0 if there is no history
   * @throws LostHistoryException if what must be there is not: it is damaged, or was retired while
   *     it was read
   */
  public static long copy(
      List<JournalCopy> from,
      @Nullable UUID lineage,
      List<JournalCopy> to,
      long after,
      Consumer<SequencedChange> seen)
      throws IOException {
    SegmentChain chain = SegmentChain.find(from, lineage);
    var sink =
        new JournalSink(
            change -> {
              if (change.seq() > after) {
                seen.accept(change);
              }
            },
            () -> {});
    long last = 0;
    for (Link link : chain.links()) {
      if (!isCopied(link, to)) {
        SegmentReader segment = read(from, link, link.start(), sink);
        for (JournalCopy copy : to) {
          copy.rebuild(link.name(), segment.whole());
        }
        last = segment.position().nextSeq() - 1;
      }
    }
    return last;
  }

  /** The tip never is: it goes on. What is there of another is a part of it, from its beginning. */
  private static boolean isCopied(Link link, List<JournalCopy> to) throws IOException {
    for (JournalCopy copy : to) {
      if (link.isTip() || copy.size(link.name()) != link.end()) {
        return false;
      }
    }
    return true;
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

package holdfast.adapters.file.journal;

import java.util.function.Consumer;

/**
 * Where the changes of a journal go at start-up, in order of seq.
 *
 * @param onChange takes the next change; the bytes behind it are gone when {@code onSegmentEnd}
 *     returns
 * @param onSegmentEnd runs when all changes of a segment were taken; the next ones overwrite the
 *     bytes behind them
 */
public record JournalSink(Consumer<SequencedChange> onChange, Runnable onSegmentEnd) {

  /** For those who read a journal for another reason than its changes. */
  static final JournalSink NOWHERE = new JournalSink(_ -> {}, () -> {});

  void change(SequencedChange change) {
    onChange.accept(change);
  }

  void segmentEnded() {
    onSegmentEnd.run();
  }
}

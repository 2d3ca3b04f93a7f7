package holdfast.adapters.file.journal;

/** Takes the changes of a journal at start-up, in order of seq. */
public interface JournalSink {

  /** The next change. The bytes behind it are gone when {@link #segmentEnded} returns. */
  void change(SequencedChange change);

  /** All changes of a segment were taken; the next ones overwrite the bytes behind them. */
  default void segmentEnded() {}
}

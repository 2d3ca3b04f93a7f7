package holdfast.adapters.file;

import holdfast.domain.port.Scrubbing;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.util.List;
import java.util.function.LongSupplier;

/** Goes through everything that is kept more than once, one kind after the other. */
final class FileScrubbing implements Scrubbing {
  private final List<Walk> walks;
  private final LongSupplier quarantined;
  private int current;

  /** Checks and mends one kind of thing, a piece at a time; the last piece of a round says so. */
  @FunctionalInterface
  interface Walk {
    Piece next() throws IOException;
  }

  /**
   * @param quarantined what was put aside since the start
   */
  FileScrubbing(List<Walk> walks, LongSupplier quarantined) {
    this.walks = List.copyOf(walks);
    this.quarantined = quarantined;
  }

  @Override
  public long quarantined() {
    return quarantined.getAsLong();
  }

  /** A walk that begins with the next kind if one fails: the others must not wait for it. */
  @Override
  public Piece next() {
    int at = current;
    boolean lastWalk = at == walks.size() - 1;
    try {
      Piece piece = walks.get(at).next();
      if (piece.last()) {
        current = (at + 1) % walks.size();
      }
      return new Piece(piece.what(), piece.bytes(), piece.mended(), piece.last() && lastWalk);
    } catch (IOException e) {
      current = (at + 1) % walks.size();
      throw new StorageException("what was to be checked again cannot be read or mended: " + e, e);
    }
  }
}

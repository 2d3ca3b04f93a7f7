package holdfast.domain.port;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads again what storage keeps more than once, bit by bit, and mends what has become unreadable
 * from what has not. One thread at a time, after {@link TaskStorage#open}; calls block on the disk.
 */
public interface Scrubbing {

  /** Checks the next piece, at most some megabytes, and mends it; begins anew after the last. */
  Piece next();

  /** Things whose bytes were put aside since the start, by whomever. Any thread. */
  default long quarantined() {
    return 0;
  }

  /**
   * What was checked.
   *
   * @param what it was, for people
   * @param bytes that were read
   * @param last whether the next call begins a new round
   */
  record Piece(String what, long bytes, List<Mended> mended, boolean last) {}

  /**
   * Something that was damaged.
   *
   * @param place where
   * @param damage what was found
   * @param source what it was rebuilt from, or null if it could not be
   * @param quarantined where its bytes were put, or null if there were none
   */
  record Mended(
      String place, String damage, @Nullable String source, @Nullable String quarantined) {}
}

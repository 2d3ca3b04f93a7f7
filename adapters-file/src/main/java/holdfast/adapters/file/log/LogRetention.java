package holdfast.adapters.file.log;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Removes old log files: those that are too many or too old in their category, and whatever is the
 * oldest of all while all of them together are too large. One thread.
 */
final class LogRetention {
  /** Of every file that is written, and of the one that is being compressed. */
  private final List<RotatedFiles> categories;

  private final int olderMax;
  private final Duration ageMax;
  private final long bytesMax;
  private final InstantSource clock;

  /**
   * @param olderMax files of each category, the one being written not counted
   * @param ageMax since a file was last written to
   * @param bytesMax of all older files together
   */
  LogRetention(
      Collection<RotatedFiles> categories,
      int olderMax,
      Duration ageMax,
      long bytesMax,
      InstantSource clock) {
    this.categories = List.copyOf(categories);
    this.olderMax = olderMax;
    this.ageMax = ageMax;
    this.bytesMax = bytesMax;
    this.clock = clock;
  }

  /** Removes what may not be kept. */
  void apply() throws IOException {
    Instant oldestKept = clock.instant().minus(ageMax);
    for (RotatedFiles category : categories) {
      boolean goes = true;
      while (goes && (category.firsts().size() > olderMax || isBefore(category, oldestKept))) {
        goes = category.removeOldest();
      }
    }
    while (bytes() > bytesMax) {
      RotatedFiles oldest = oldest();
      if (oldest == null || !oldest.removeOldest()) {
        return;
      }
    }
  }

  private static boolean isBefore(RotatedFiles category, Instant time) throws IOException {
    Instant written = category.oldestWritten();
    return written != null && written.isBefore(time);
  }

  private long bytes() throws IOException {
    long bytes = 0;
    for (RotatedFiles category : categories) {
      bytes += category.bytes();
    }
    return bytes;
  }

  /** The category with the line that was written first of all that are kept. */
  private @Nullable RotatedFiles oldest() throws IOException {
    RotatedFiles oldest = null;
    long first = Long.MAX_VALUE;
    for (RotatedFiles category : categories) {
      List<Long> firsts = category.firsts();
      if (!firsts.isEmpty() && firsts.getFirst() < first) {
        first = firsts.getFirst();
        oldest = category;
      }
    }
    return oldest;
  }
}

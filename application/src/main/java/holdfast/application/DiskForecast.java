package holdfast.application;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * When a disk will be full if it goes on filling as it does. Looks back a quarter of an hour to see
 * an hour ahead, and six hours to see a day ahead: how far one may look ahead depends on how long
 * one has looked. One thread.
 */
final class DiskForecast {
  private final List<Scale> scales =
      List.of(
          new Scale(new Trend(Duration.ofMinutes(15)), Duration.ofHours(1), Duration.ofHours(1)),
          new Scale(new Trend(Duration.ofHours(6)), Duration.ofHours(24), Duration.ofDays(30)));
  private boolean warned;

  /**
   * @param soon less than this is worth a warning
   * @param said more than this is not worth a word
   */
  private record Scale(Trend trend, Duration soon, Duration said) {}

  /**
   * What is to be expected.
   *
   * @param left until no room is left
   * @param window how far was looked back for it
   * @param isSoon whether somebody should do something about it
   */
  record Forecast(Duration left, Duration window, boolean isSoon) {}

  void add(Instant at, long usableBytes) {
    scales.forEach(scale -> scale.trend().add(at, usableBytes));
  }

  /**
   * What is to be expected, or null if the disk does not fill, or that is not known yet.
   *
   * @param roomBytes that may still be used
   */
  @Nullable Forecast forecast(long roomBytes) {
    Forecast nearest = null;
    for (Scale scale : scales) {
      double loss = scale.trend().lossPerSecond();
      double seconds = loss <= 0 ? Double.POSITIVE_INFINITY : Math.max(0, roomBytes) / loss;
      Duration soon = warned ? relaxed(scale.soon()) : scale.soon();
      Duration said = scale.said().compareTo(soon) < 0 ? soon : scale.said();
      if (seconds <= said.toSeconds()) {
        Duration left = Duration.ofSeconds((long) seconds);
        var found = new Forecast(left, scale.trend().window(), left.compareTo(soon) <= 0);
        nearest = nearest == null || left.compareTo(nearest.left()) < 0 ? found : nearest;
      }
    }
    warned = nearest != null && nearest.isSoon();
    return nearest;
  }

  /** A warning is not taken back for a trifle, lest it come and go. */
  private static Duration relaxed(Duration soon) {
    return soon.multipliedBy(5).dividedBy(4);
  }
}

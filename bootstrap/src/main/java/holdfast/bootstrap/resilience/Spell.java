package holdfast.bootstrap.resilience;

import java.time.Duration;
import java.util.Locale;

/** Durations and sizes as people read them. */
final class Spell {
  private Spell() {}

  /** Seconds with one digit behind the point. */
  static String of(Duration duration) {
    return String.format(Locale.ROOT, "%.1f s", duration.toMillis() / 1_000.0);
  }

  /** The time since a {@link System#nanoTime}. */
  static String since(long nanoTime) {
    return of(Duration.ofNanos(System.nanoTime() - nanoTime));
  }

  /** Mebibytes. */
  static String mebibytes(long bytes) {
    return (bytes >> 20) + " MiB";
  }

  /** A count with its noun. */
  static String count(long count, String noun) {
    return count + " " + noun + (count == 1 ? "" : "s");
  }
}

package holdfast.domain.task;

import java.time.Duration;

/**
 * How often and after what pause a failed attempt is followed by another.
 *
 * @param maxAttempts attempts in all, the first included; 1 means no automatic retry
 * @param backoff pause before the second attempt; doubles before each further one
 * @param maxBackoff the longest pause
 */
public record RetryPolicy(int maxAttempts, Duration backoff, Duration maxBackoff) {
  public static final RetryPolicy NONE =
      new RetryPolicy(1, Duration.ofSeconds(1), Duration.ofMinutes(5));

  /** The pause after {@code failures} failed attempts in a row, at least one. */
  public Duration pauseAfter(int failures) {
    Duration pause = backoff;
    for (int i = 1; i < failures && pause.compareTo(maxBackoff) < 0; i++) {
      pause = pause.multipliedBy(2);
    }
    return pause.compareTo(maxBackoff) < 0 ? pause : maxBackoff;
  }
}

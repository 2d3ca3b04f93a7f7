package holdfast.application;

import java.time.Duration;
import java.time.Instant;

/**
 * How many refusals are noted singly: a flood of them must neither fill the disk nor push out what
 * was noted before. The others are counted. Not for several threads.
 */
final class RefusalBudget {
  static final int AT_ONCE = 100;
  static final int A_SECOND = 10;

  private Instant filledAt = Instant.MIN;
  private long tokens = AT_ONCE;
  private long lost;

  /** Whether a refusal at this time is noted; it is counted if not. */
  boolean take(Instant now) {
    if (filledAt.isAfter(now) || filledAt.equals(Instant.MIN)) {
      filledAt = now;
    }
    long seconds = Duration.between(filledAt, now).toSeconds();
    if (seconds > 0) {
      tokens = Math.min(AT_ONCE, tokens + seconds * A_SECOND);
      filledAt = filledAt.plusSeconds(seconds);
    }
    if (tokens == 0) {
      lost++;
      return false;
    }
    tokens--;
    return true;
  }

  /** Counts one that could not be noted for another reason. */
  void lose(long count) {
    lost += count;
  }

  /** How many were counted since this was last asked. */
  long lost() {
    long count = lost;
    lost = 0;
    return count;
  }
}

package holdfast.adapters.web;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.function.LongSupplier;

/**
 * Slows down whoever guesses. Only wrong guesses are counted and only wrong guesses are turned
 * away, so nobody can use it to lock out those who know. Any thread.
 */
final class Throttle {
  static final int GUESSES_MAX = 100;
  private static final long WINDOW_NANOS = Duration.ofMinutes(1).toNanos();

  private final LongSupplier nanoTime;
  private final ArrayDeque<Long> guesses = new ArrayDeque<>(GUESSES_MAX);

  /**
   * @param nanoTime as {@link System#nanoTime}
   */
  Throttle(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /**
   * Takes note of a wrong guess.
   *
   * @return whether there were too many within the last minute
   */
  synchronized boolean wrongGuess() {
    long now = nanoTime.getAsLong();
    while (!guesses.isEmpty() && now - guesses.getFirst() >= WINDOW_NANOS) {
      guesses.removeFirst();
    }
    if (guesses.size() >= GUESSES_MAX) {
      return true;
    }
    guesses.addLast(now);
    return false;
  }
}

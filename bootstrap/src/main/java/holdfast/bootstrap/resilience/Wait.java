package holdfast.bootstrap.resilience;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.Predicate;

/** Waits for a condition, with a limit. */
final class Wait {
  /** Longer than anything takes on a machine that is not hopelessly busy. */
  static final Duration USUAL = Duration.ofSeconds(30);

  private static final long PAUSE_MILLIS = 15;

  private Wait() {}

  /**
   * Asks again and again until the answer is the one that is wanted, and returns it.
   *
   * @param what is waited for, for the message
   * @throws BrokenPromiseException after {@link #USUAL}, with what was seen last
   */
  static <T> T until(String what, Callable<T> ask, Predicate<T> wanted)
      throws IOException, InterruptedException {
    return within(USUAL, what, ask, wanted);
  }

  /** The same with another limit. */
  static <T> T within(Duration limit, String what, Callable<T> ask, Predicate<T> wanted)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    while (true) {
      T answer = call(ask);
      if (wanted.test(answer)) {
        return answer;
      }
      if (System.nanoTime() - deadline > 0) {
        throw new BrokenPromiseException(
            what + ": not within " + Spell.of(limit) + ", last seen " + Checks.shortened(answer));
      }
      Thread.sleep(PAUSE_MILLIS);
    }
  }

  private static <T> T call(Callable<T> ask) throws IOException, InterruptedException {
    try {
      return ask.call();
    } catch (IOException | InterruptedException | RuntimeException passedOn) {
      throw passedOn;
    } catch (Exception impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}

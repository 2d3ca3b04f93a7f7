package holdfast.bootstrap;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/** Waits for a condition, with a limit. */
final class Await {
  private Await() {}

  /** Asks again and again until the answer satisfies {@code wanted}. */
  static <T> T until(ThrowingSupplier<T> ask, Predicate<T> wanted, Duration limit)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    while (true) {
      T answer = ask.get();
      if (wanted.test(answer)) {
        return answer;
      }
      if (System.nanoTime() > deadline) {
        throw new AssertionError("not within " + limit + "; last seen: " + answer);
      }
      LockSupport.parkNanos(10_000_000);
    }
  }

  /** Asks a server. */
  interface ThrowingSupplier<T> {
    T get() throws IOException, InterruptedException;
  }
}

package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertFalse;

import holdfast.domain.task.Attempt;
import java.time.Instant;

/** Claims about times. */
final class Instants {
  private Instants() {}

  static void assertNotBefore(Instant later, Instant earlier, long millis) {
    assertFalse(
        later.isBefore(earlier.plusMillis(millis)),
        () -> later + " is less than " + millis + " ms after " + earlier);
  }

  /** When the pause behind a failed attempt began; its recorded end may lie further back. */
  static Instant end(Attempt attempt) {
    return attempt.startedAt();
  }
}

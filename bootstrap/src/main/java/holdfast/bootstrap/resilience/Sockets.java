package holdfast.bootstrap.resilience;

import jakarta.json.JsonObject;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Lets what arrives on a socket be taken by a follower. */
final class Sockets {
  private static final Duration LOOK = Duration.ofMillis(50);

  private Sockets() {}

  /** Takes until {@code enough}, or the connection ends; whether it is still open. */
  static boolean takeUntil(LiveSocket socket, Following following, BooleanSupplier enough)
      throws InterruptedException {
    long deadline = System.nanoTime() + Wait.USUAL.toNanos();
    while (!enough.getAsBoolean()) {
      LiveSocket.@Nullable Frame frame = socket.next(LOOK);
      if (frame instanceof LiveSocket.Frame.Closed) {
        return false;
      }
      if (frame != null) {
        @Nullable JsonObject answer = following.take(frame);
        if (answer != null) {
          socket.send(answer);
        }
      }
      if (System.nanoTime() - deadline > 0) {
        throw new BrokenPromiseException(
            "nothing more within "
                + Spell.of(Wait.USUAL)
                + " behind seq "
                + following.position()
                + " and byte "
                + following.outputBytes());
      }
    }
    return true;
  }

  /** Takes until the connection ends; the close code, or -1 if it does not end. */
  static int takeUntilClosed(LiveSocket socket, Following following) throws InterruptedException {
    long deadline = System.nanoTime() + Wait.USUAL.toNanos();
    while (System.nanoTime() - deadline < 0) {
      switch (socket.next(LOOK)) {
        case LiveSocket.Frame.Closed(int code) -> {
          return code;
        }
        case LiveSocket.Frame frame -> following.take(frame);
        case null -> {
          // Nothing yet.
        }
      }
    }
    return -1;
  }
}

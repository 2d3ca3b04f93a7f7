package holdfast.adapters.file;

import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Replacement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Another state on its way into the place of the present one. The journal's thread completes it;
 * any thread waits.
 *
 * @param presentSeq of the state that {@code next} was made from
 */
record QueuedReplacement(long presentSeq, StateImage next, CompletableFuture<Replacement> result) {

  QueuedReplacement(long presentSeq, StateImage next) {
    this(presentSeq, next, new CompletableFuture<>());
  }

  /** Completes it, unless it is complete. */
  void complete(Replacement outcome) {
    result.complete(outcome);
  }

  Replacement await() throws InterruptedException {
    try {
      return result.get();
    } catch (ExecutionException e) {
      throw new AssertionError("is never completed with an exception", e);
    }
  }
}

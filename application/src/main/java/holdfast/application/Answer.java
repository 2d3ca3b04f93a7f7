package holdfast.application;

import holdfast.domain.port.CommitResult;
import holdfast.domain.port.EntityKey;
import holdfast.domain.task.Rejection;

/**
 * What became of a request to change something. Every answer is final: it rests on durable facts
 * only, also when it is a refusal.
 */
public sealed interface Answer<T> {

  /**
   * Done and durable.
   *
   * @param replayed whether an earlier request with the same idempotency key had done it
   */
  record Done<T>(T value, boolean replayed) implements Answer<T> {}

  /** There never was such an entity. */
  record NotFound<T>(EntityKey key) implements Answer<T> {}

  /** There was, and it has been purged. */
  record Gone<T>(EntityKey key) implements Answer<T> {}

  /** The domain refused. */
  record Refused<T>(Rejection rejection) implements Answer<T> {}

  /**
   * Understood, but it cannot be.
   *
   * @param pointer JSON pointer to the member that makes it so, or empty for the request as a whole
   */
  record Impossible<T>(String pointer, String detail) implements Answer<T> {}

  /** An initiative cannot go while tasks belong to it. */
  record InUse<T>(EntityKey key, int tasks) implements Answer<T> {}

  /** The entity is not at the revision that the caller had seen. */
  record Stale<T>(long revision) implements Answer<T> {}

  /** Storage takes no such change at present. */
  record Unavailable<T>(CommitResult.Reason reason, String detail) implements Answer<T> {}

  /** Whether it was done will be known after the next start. */
  record DurabilityUnknown<T>(String detail) implements Answer<T> {}

  /** The same answer to a caller who expects another value; only for answers without one. */
  static <T> Answer<T> withoutValue(Answer<?> answer) {
    return switch (answer) {
      case Done<?> done -> throw new IllegalStateException("has a value: " + done);
      case NotFound<?>(EntityKey key) -> new NotFound<>(key);
      case Gone<?>(EntityKey key) -> new Gone<>(key);
      case Refused<?>(Rejection rejection) -> new Refused<>(rejection);
      case Impossible<?>(String pointer, String detail) -> new Impossible<>(pointer, detail);
      case InUse<?>(EntityKey key, int tasks) -> new InUse<>(key, tasks);
      case Stale<?>(long revision) -> new Stale<>(revision);
      case Unavailable<?>(CommitResult.Reason reason, String detail) ->
          new Unavailable<>(reason, detail);
      case DurabilityUnknown<?>(String detail) -> new DurabilityUnknown<>(detail);
    };
  }
}

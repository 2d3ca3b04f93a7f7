package holdfast.application;

import java.time.Instant;

/** What is known under an id. */
public sealed interface Lookup<T> {
  record Found<T>(T value) implements Lookup<T> {}

  /** Nothing, and there never was. */
  record Missing<T>() implements Lookup<T> {}

  /** Nothing any more. */
  record Purged<T>(long seq, Instant at) implements Lookup<T> {}
}

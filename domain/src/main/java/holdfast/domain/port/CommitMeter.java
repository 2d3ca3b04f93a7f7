package holdfast.domain.port;

/** Is told what it takes to make changes durable. */
@FunctionalInterface
public interface CommitMeter {
  /** Counts nothing. */
  CommitMeter NONE = (_, _) -> {};

  /**
   * Called on the storage's thread after each batch; must neither block nor throw.
   *
   * @param changes that became durable together
   * @param nanos that it took to make them so
   */
  void committed(int changes, long nanos);

  /** Tells this one, then another. */
  default CommitMeter and(CommitMeter other) {
    return (changes, nanos) -> {
      committed(changes, nanos);
      other.committed(changes, nanos);
    };
  }
}

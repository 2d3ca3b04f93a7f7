package holdfast.domain.port;

import java.util.List;

/** Where storage delivers what has become durable. */
@FunctionalInterface
public interface CommitFeed {

  /**
   * Takes the next changes of the global order: consecutive, each delivered exactly once, all of
   * one commit in one call.
   *
   * <p>Called on the storage's own thread, one call at a time, before the {@link PendingCommit}s of
   * these changes complete. Must not block on the storage, and must not throw.
   */
  void committed(List<Committed> changes);
}

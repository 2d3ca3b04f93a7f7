package holdfast.domain.port;

import java.util.List;

/** Keeps conflicts across restarts, a bounded number of them. Any thread. */
public interface ConflictStorage {
  /** So many at most. */
  int KEPT_MAX = 1_000;

  /**
   * Keeps {@code conflict} durably, replacing one with the same id. If there are too many, the
   * oldest settled ones go, and only then the oldest of all.
   *
   * @throws StorageException if it cannot be written
   */
  void save(Conflict conflict);

  /** All that are kept, newest first. */
  List<Conflict> all();
}

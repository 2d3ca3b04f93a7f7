package holdfast.domain.port;

import java.util.List;
import java.util.TreeMap;

/** Conflicts for tests: a map that outlives nothing. */
public final class InMemoryConflicts implements ConflictStorage {
  private final TreeMap<String, Conflict> all = new TreeMap<>();

  @Override
  public synchronized void save(Conflict conflict) {
    all.put(conflict.id(), conflict);
  }

  @Override
  public synchronized List<Conflict> all() {
    return List.copyOf(all.descendingMap().values());
  }
}

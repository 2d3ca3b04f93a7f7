package holdfast.domain.port;

import java.util.List;
import java.util.TreeMap;

/** Conflicts for tests: a map that outlives nothing. */
public final class InMemoryConflicts implements ConflictStorage {
  private final TreeMap<String, Conflict> all = new TreeMap<>();

  @Override
  public synchronized void save(Conflict conflict) {
    all.put(conflict.id(), conflict);
    if (all.size() > KEPT_MAX) {
      all.remove(
          all.values().stream()
              .filter(Conflict::resolved)
              .findFirst()
              .map(Conflict::id)
              .orElseGet(all::firstKey));
    }
  }

  @Override
  public synchronized List<Conflict> all() {
    return List.copyOf(all.descendingMap().values());
  }
}

package holdfast.domain.port;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** State files for tests: a map that outlives nothing. */
public final class InMemoryStateFiles implements StateFiles {
  private final Map<EntityKey, Stored<?>> copies = new HashMap<>();
  private final Map<EntityKey, Edit> edits = new HashMap<>();
  private final ConflictStorage conflicts = new InMemoryConflicts();
  private long checkpoint;
  private boolean failing;

  @Override
  public synchronized long checkpoint() {
    return checkpoint;
  }

  /** What is kept, by entity. */
  public synchronized Map<EntityKey, Stored<?>> copies() {
    return Map.copyOf(copies);
  }

  /** Lets every further write fail, or not any more. */
  public synchronized void fail(boolean fails) {
    failing = fails;
  }

  /** Has somebody edited a copy. */
  public synchronized void edit(EntityKey key, Edit edit) {
    edits.put(key, edit);
  }

  /** Damages or removes copies, as a test wants it. */
  public synchronized void lose(EntityKey key) {
    copies.remove(key);
  }

  @Override
  public synchronized Reconciled reconcile(
      List<Stored<Task>> tasks, List<Stored<Initiative>> initiatives, List<EntityKey> gone) {
    if (failing) {
      throw new StorageException("no room");
    }
    var findings = new ArrayList<Finding>();
    int written = 0;
    for (Stored<Task> task : tasks) {
      written += put(EntityKey.of(task.entity().id()), task, findings);
    }
    for (Stored<Initiative> initiative : initiatives) {
      written += put(EntityKey.of(initiative.entity().id()), initiative, findings);
    }
    gone.forEach(copies::remove);
    return new Reconciled(written, findings);
  }

  private int put(EntityKey key, Stored<?> stored, List<Finding> findings) {
    Edit edit = edits.get(key);
    if (edit != null) {
      findings.add(new Finding(key, Condition.EDITED, key.id(), "was edited", null, edit));
      return 0;
    }
    Stored<?> before = copies.put(key, stored);
    if (before == null && stored.seq() <= checkpoint) {
      findings.add(new Finding(key, Condition.MISSING, key.id(), "there was no copy", null));
    }
    return stored.equals(before) ? 0 : 1;
  }

  @Override
  public synchronized Swept sweep(Predicate<EntityKey> exists) {
    var findings = new ArrayList<Finding>();
    int looked = copies.size();
    for (EntityKey key : List.copyOf(copies.keySet())) {
      if (!exists.test(key)) {
        copies.remove(key);
        findings.add(new Finding(key, Condition.UNKNOWN, key.id(), "no such entity", null));
      }
    }
    return new Swept(looked, true, findings);
  }

  @Override
  public synchronized List<EntityKey> touched(
      List<Stored<Task>> tasks, List<Stored<Initiative>> initiatives) {
    var missing = new ArrayList<EntityKey>();
    tasks.forEach(task -> missing.add(EntityKey.of(task.entity().id())));
    initiatives.forEach(initiative -> missing.add(EntityKey.of(initiative.entity().id())));
    missing.removeIf(key -> copies.containsKey(key) && !edits.containsKey(key));
    return missing;
  }

  @Override
  public synchronized void judged(EntityKey key) {
    edits.remove(key);
  }

  @Override
  public synchronized @Nullable String putAside(EntityKey key, String why) {
    copies.remove(key);
    return null;
  }

  @Override
  public Watch watch(Consumer<EntityKey> heard) {
    return new Watch() {
      @Override
      public @Nullable String obstacle() {
        return null;
      }

      @Override
      public void close() {
        // Nothing was opened.
      }
    };
  }

  @Override
  public ConflictStorage conflicts() {
    return conflicts;
  }

  @Override
  public synchronized void checkpoint(long seq) {
    checkpoint = Math.max(checkpoint, seq);
  }
}

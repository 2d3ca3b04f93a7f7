package holdfast.domain.restoration;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.restoration.RestorationDiff.Line;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Plans the return to a snapshot: from the present state and that one, the state to go on with.
 *
 * <pre>
 *  present        snapshot        restored
 *  active         the same        as it is
 *  active         anything else   as it is, if that is allowed; else nothing is restored
 *  not active     none            gone, without a tombstone: its outputs stay
 *  none, or not   over, or HELD   as in the snapshot
 *    active       anything else   HELD; an attempt without an end gets one
 * </pre>
 *
 * <p>A seq or a revision that was given out once is never given out again: what comes back as
 * something else than it is today gets a seq beyond every other, and a higher revision. Idempotency
 * keys are kept from both: a request that was answered before must not be carried out again.
 *
 * <p>Pure. Used once.
 */
public final class Restoration {
  private static final String CAUSE = "restored";

  private final StateImage present;
  private final String snapshot;
  private final Instant now;
  private final Map<EntityKey, Stored<Task>> tasks = new LinkedHashMap<>();
  private final Map<EntityKey, Stored<Initiative>> initiatives = new LinkedHashMap<>();
  private final List<Line> created = new ArrayList<>();
  private final List<Line> changed = new ArrayList<>();
  private final List<Line> removed = new ArrayList<>();
  private final List<Line> running;
  private int unchanged;
  private long seq;

  /** What is to become of tasks that are active and that the snapshot knows otherwise. */
  public enum Running {
    /** Nothing is restored while there are any. */
    REFUSE,
    /** They stay as they are. */
    ADOPT
  }

  /** What came of planning. */
  public sealed interface Plan {
    /**
     * It may be done.
     *
     * @param image to go on with; its seq is beyond every one that was given out
     */
    record Granted(StateImage image, RestorationDiff diff) implements Plan {}

    /**
     * It may not be done now.
     *
     * @param running the active tasks that it would forget or change
     */
    record Refused(List<Line> running) implements Plan {}
  }

  private Restoration(StateImage present, String snapshot, StateImage then, Instant now) {
    this.present = present;
    this.snapshot = snapshot;
    this.now = now;
    running = atStake(present, then);
    seq = Math.max(present.seq(), then.seq());
  }

  /**
   * The active tasks that a return to {@code then} would forget or change, in order of ids: what a
   * plan that refuses names. Costs little when few are active.
   */
  public static List<Line> atStake(StateImage present, StateImage then) {
    Map<EntityKey, Stored<Task>> active =
        byTaskId(present.tasks().stream().filter(Restoration::isActive).toList());
    if (!active.isEmpty()) {
      then.tasks().forEach(was -> active.remove(EntityKey.of(was.entity().id()), was));
    }
    return active.values().stream()
        .sorted(Comparator.comparing((Stored<Task> is) -> is.entity().id().value()))
        .map(
            is ->
                new Line(
                    EntityKey.of(is.entity().id()),
                    is.entity().spec().title(),
                    name(is) + ", attempt " + is.entity().attempts().size()))
        .toList();
  }

  /**
   * Plans the return to {@code then}.
   *
   * @param snapshot its id
   */
  public static Plan plan(
      StateImage present, String snapshot, StateImage then, Running running, Instant now) {
    var restoration = new Restoration(present, snapshot, then, now);
    if (running == Running.REFUSE && !restoration.running.isEmpty()) {
      return new Plan.Refused(restoration.running);
    }
    restoration.tasks(byTaskId(then.tasks()));
    restoration.initiatives(byInitiativeId(then.initiatives()));
    return restoration.granted(then);
  }

  private static Map<EntityKey, Stored<Task>> byTaskId(List<Stored<Task>> tasks) {
    var byId = new LinkedHashMap<EntityKey, Stored<Task>>();
    tasks.forEach(task -> byId.put(EntityKey.of(task.entity().id()), task));
    return byId;
  }

  private static Map<EntityKey, Stored<Initiative>> byInitiativeId(
      List<Stored<Initiative>> initiatives) {
    var byId = new LinkedHashMap<EntityKey, Stored<Initiative>>();
    initiatives.forEach(one -> byId.put(EntityKey.of(one.entity().id()), one));
    return byId;
  }

  /** The keys of both, in order of ids, so that the same two states give the same plan. */
  private static List<EntityKey> keys(
      Map<EntityKey, ? extends Stored<?>> one, Map<EntityKey, ? extends Stored<?>> other) {
    var keys = new ArrayList<EntityKey>(one.keySet());
    other.keySet().stream().filter(key -> !one.containsKey(key)).forEach(keys::add);
    keys.sort(Comparator.comparing(EntityKey::id));
    return keys;
  }

  private void tasks(Map<EntityKey, Stored<Task>> then) {
    Map<EntityKey, Stored<Task>> today = byTaskId(present.tasks());
    Map<EntityKey, Tombstone> gone = tombstones(present.tombstones());
    for (EntityKey key : keys(today, then)) {
      Stored<Task> is = today.get(key);
      Stored<Task> was = then.get(key);
      if (is == null && was != null) {
        comesBack(key, was, gone.containsKey(key));
      } else if (is != null && was == null && !isActive(is)) {
        String outputs = is.entity().attempts().isEmpty() ? "" : "; its outputs stay on the disk";
        removed.add(new Line(key, is.entity().spec().title(), name(is) + outputs));
      } else if (is != null && isActive(is)) {
        tasks.put(key, is);
        unchanged += is.equals(was) ? 1 : 0;
      } else if (is != null && was != null) {
        becomes(key, is, was.entity());
      }
    }
  }

  private static boolean isActive(Stored<Task> task) {
    return task.entity().state().name().isActive();
  }

  private void comesBack(EntityKey key, Stored<Task> was, boolean isPurged) {
    seq++;
    // No revision of an entity is higher than the seq of its change: this one was never given out.
    Task task = was.entity().restored(snapshot, null, seq, now);
    tasks.put(key, new Stored<>(task, seq, CAUSE));
    created.add(
        new Line(
            key,
            task.spec().title(),
            task.state().name()
                + (isPurged
                    ? "; it was purged since, so its outputs are gone"
                    : "; it had been removed")));
  }

  private void becomes(EntityKey key, Stored<Task> is, Task was) {
    Task today = is.entity();
    if (was.restored(snapshot, today, today.revision(), today.updatedAt()).equals(today)) {
      tasks.put(key, is);
      unchanged++;
      return;
    }
    seq++;
    long revision = Math.max(today.revision(), was.revision()) + 1;
    Task task = was.restored(snapshot, today, revision, now);
    tasks.put(key, new Stored<>(task, seq, CAUSE));
    changed.add(new Line(key, task.spec().title(), transition(today, task)));
  }

  private static String transition(Task today, Task task) {
    TaskState.Name from = today.state().name();
    TaskState.Name to = task.state().name();
    int forgotten = today.attempts().size() - task.attempts().size();
    return (from == to ? to.name() : from + " -> " + to)
        + (forgotten > 0 ? "; attempts that are forgotten: " + forgotten : "");
  }

  private static String name(Stored<Task> task) {
    return task.entity().state().name().name();
  }

  private void initiatives(Map<EntityKey, Stored<Initiative>> then) {
    Map<EntityKey, Stored<Initiative>> today = byInitiativeId(present.initiatives());
    for (EntityKey key : keys(today, then)) {
      Stored<Initiative> is = today.get(key);
      Stored<Initiative> was = then.get(key);
      if (was == null && is != null) {
        removeOrKeep(key, is);
      } else if (was != null) {
        becomes(key, is, was.entity());
      }
    }
  }

  /** An initiative goes, unless a task that goes on belongs to it. */
  private void removeOrKeep(EntityKey key, Stored<Initiative> is) {
    boolean isNeeded =
        tasks.values().stream()
            .anyMatch(task -> key.id().equals(task.entity().spec().initiative()));
    if (isNeeded) {
      initiatives.put(key, is);
      unchanged++;
    } else {
      removed.add(new Line(key, is.entity().spec().title(), "initiative"));
    }
  }

  private void becomes(EntityKey key, @Nullable Stored<Initiative> is, Initiative was) {
    if (is != null
        && is.entity().spec().equals(was.spec())
        && is.entity().createdAt().equals(was.createdAt())) {
      initiatives.put(key, is);
      unchanged++;
      return;
    }
    seq++;
    long revision = is == null ? seq : Math.max(is.entity().revision(), was.revision()) + 1;
    var initiative = new Initiative(was.id(), was.spec(), revision, was.createdAt(), now);
    initiatives.put(key, new Stored<>(initiative, seq, CAUSE));
    (is == null ? created : changed).add(new Line(key, was.spec().title(), "initiative"));
  }

  private Plan.Granted granted(StateImage then) {
    long beyond = Math.max(present.seq(), then.seq()) + 1;
    var image =
        new StateImage(
            Math.max(seq, beyond),
            now,
            List.copyOf(tasks.values()),
            List.copyOf(initiatives.values()),
            stillGone(then),
            keysOfBoth(then));
    return new Plan.Granted(
        image, new RestorationDiff(created, changed, removed, running, unchanged));
  }

  private static Map<EntityKey, Tombstone> tombstones(List<Tombstone> all) {
    var byKey = new LinkedHashMap<EntityKey, Tombstone>();
    all.forEach(tombstone -> byKey.put(tombstone.key(), tombstone));
    return byKey;
  }

  /**
   * The tombstones of both, except for what exists: now, or until now. A start removes what is left
   * of an entity that has a tombstone, and the outputs of what is removed here must stay.
   */
  private List<Tombstone> stillGone(StateImage then) {
    Map<EntityKey, Tombstone> gone = tombstones(then.tombstones());
    gone.putAll(tombstones(present.tombstones()));
    gone.keySet().removeAll(tasks.keySet());
    gone.keySet().removeAll(initiatives.keySet());
    removed.forEach(line -> gone.remove(line.key()));
    return List.copyOf(gone.values());
  }

  private List<IdempotencyRecord> keysOfBoth(StateImage then) {
    var keys = new LinkedHashMap<String, IdempotencyRecord>();
    then.idempotency().forEach(key -> keys.put(key.key(), key));
    present.idempotency().forEach(key -> keys.put(key.key(), key));
    keys.values().removeIf(key -> !key.expiresAt().isAfter(now));
    return List.copyOf(keys.values());
  }
}

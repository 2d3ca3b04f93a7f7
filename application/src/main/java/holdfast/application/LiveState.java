package holdfast.application;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.initiative.InitiativeState;
import holdfast.domain.port.Change;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The state as of the last committed change: a fold over the storage's feed, and nothing else.
 *
 * <p>Reads may come from any thread and never wait for writes. Only {@link EventFeed} writes, one
 * change at a time.
 */
public final class LiveState {
  private final String instanceId;
  private String epoch;
  private final long term;

  private final ImagedMap<TaskId, Stored<Task>> tasks =
      new ImagedMap<>(stored -> stored.entity().id());
  private final NavigableSet<Position> taskOrder = new ConcurrentSkipListSet<>();
  private final ImagedMap<InitiativeId, InitiativeView> initiatives =
      new ImagedMap<>(view -> view.initiative().id());

  /** Initiatives with their own last change, which that of their tasks does not touch. */
  private final ImagedMap<InitiativeId, Stored<Initiative>> storedInitiatives =
      new ImagedMap<>(stored -> stored.entity().id());

  private final NavigableSet<Position> initiativeOrder = new ConcurrentSkipListSet<>();
  private final ImagedMap<EntityKey, Tombstone> tombstones = new ImagedMap<>(Tombstone::key);
  private final ImagedMap<String, IdempotencyRecord> keys = new ImagedMap<>(IdempotencyRecord::key);
  private final ConcurrentSkipListMap<LastChange, EntityKey> changes =
      new ConcurrentSkipListMap<>();
  private final Map<TaskState.Name, Integer> counts = new ConcurrentHashMap<>();
  private volatile long seq;

  /** Orders what changed last; an initiative may share the seq of the task that moved it. */
  private record LastChange(long seq, EntityKey.Kind kind) implements Comparable<LastChange> {
    @Override
    public int compareTo(LastChange other) {
      int bySeq = Long.compare(seq, other.seq);
      return bySeq != 0 ? bySeq : kind.compareTo(other.kind);
    }
  }

  /** Takes over the state that storage recovered. */
  public LiveState(Opened opened) {
    this(opened.instanceId(), opened.epoch(), opened.term(), image(opened));
  }

  private LiveState(String instanceId, String epoch, long term, StateImage image) {
    this.instanceId = instanceId;
    this.epoch = epoch;
    this.term = term;
    for (Stored<Initiative> stored : image.initiatives()) {
      storedInitiatives.put(stored);
      putInitiative(
          new InitiativeView(
              stored.entity(), InitiativeState.OPEN, Map.of(), stored.seq(), stored.cause()));
    }
    for (Stored<Task> stored : image.tasks()) {
      putTask(stored, null);
    }
    for (Tombstone tombstone : image.tombstones()) {
      bury(tombstone);
    }
    for (IdempotencyRecord key : image.idempotency()) {
      keys.put(key);
    }
    seq = image.seq();
  }

  private static StateImage image(Opened opened) {
    return new StateImage(
        opened.seq(),
        Instant.EPOCH,
        opened.tasks(),
        opened.initiatives(),
        opened.tombstones(),
        opened.idempotency());
  }

  /**
   * Another state of the same storage, for an epoch that has no name yet: nobody may see it before
   * {@link #begin}.
   */
  LiveState replacedBy(StateImage image) {
    return new LiveState(instanceId, "", term, image);
  }

  /** Names the epoch that begins with this state. */
  LiveState begin(String next) {
    epoch = next;
    return this;
  }

  /** The lineage of the storage. */
  public String instanceId() {
    return instanceId;
  }

  /** The lineage of history; see {@link Opened}. */
  public String epoch() {
    return epoch;
  }

  /** Of this start. */
  public long term() {
    return term;
  }

  /** Of the last committed change. */
  public long seq() {
    return seq;
  }

  public Lookup<Stored<Task>> task(TaskId id) {
    Stored<Task> stored = tasks.get(id);
    return stored != null ? new Lookup.Found<>(stored) : missing(EntityKey.of(id));
  }

  public Lookup<InitiativeView> initiative(InitiativeId id) {
    InitiativeView view = initiatives.get(id);
    return view != null ? new Lookup.Found<>(view) : missing(EntityKey.of(id));
  }

  private <T> Lookup<T> missing(EntityKey key) {
    Tombstone tombstone = tombstones.get(key);
    return tombstone == null
        ? new Lookup.Missing<>()
        : new Lookup.Purged<>(tombstone.seq(), tombstone.at());
  }

  /** Tasks, newest first, from behind {@code after} or from the start. */
  public Page<Stored<Task>> tasks(TaskQuery query, @Nullable Position after, int limit) {
    return page(
        taskOrder,
        after,
        limit,
        position -> tasks.get(new TaskId(position.id())),
        stored -> query.matches(stored.entity()));
  }

  /** Initiatives, newest first, from behind {@code after} or from the start. */
  public Page<InitiativeView> initiatives(@Nullable Position after, int limit) {
    return page(
        initiativeOrder,
        after,
        limit,
        position -> initiatives.get(new InitiativeId(position.id())),
        _ -> true);
  }

  private <T> Page<T> page(
      NavigableSet<Position> order,
      @Nullable Position after,
      int limit,
      Function<Position, @Nullable T> find,
      Predicate<T> wanted) {
    // Read before the items: whatever changes while they are gathered has a greater seq.
    long seqBefore = seq;
    NavigableSet<Position> newestFirst =
        (after == null ? order : order.headSet(after, false)).descendingSet();
    var items = new ArrayList<T>(Math.min(limit, 100));
    Position last = null;
    for (Position position : newestFirst) {
      T item = find.apply(position);
      if (item == null || !wanted.test(item)) {
        continue;
      }
      if (items.size() == limit) {
        return new Page<>(items, last, epoch, seqBefore);
      }
      items.add(item);
      last = position;
    }
    return new Page<>(items, null, epoch, seqBefore);
  }

  /** How many tasks are in each state, every state named. */
  public Map<TaskState.Name, Integer> counts() {
    var result = new EnumMap<TaskState.Name, Integer>(TaskState.Name.class);
    for (TaskState.Name name : TaskState.Name.values()) {
      result.put(name, counts.getOrDefault(name, 0));
    }
    return result;
  }

  /** Every task that satisfies {@code wanted}, in no particular order. */
  List<Stored<Task>> select(Predicate<Task> wanted) {
    return tasks.values().stream().filter(stored -> wanted.test(stored.entity())).toList();
  }

  /** Initiatives as storage has them. */
  List<Stored<Initiative>> storedInitiatives() {
    return List.copyOf(storedInitiatives.values());
  }

  Optional<Stored<Initiative>> storedInitiative(InitiativeId id) {
    return Optional.ofNullable(storedInitiatives.get(id));
  }

  /** Whether there is such an entity. */
  boolean exists(EntityKey key) {
    return switch (key.kind()) {
      case TASK -> tasks.containsKey(new TaskId(key.id()));
      case INITIATIVE -> storedInitiatives.containsKey(new InitiativeId(key.id()));
    };
  }

  /** Begins an image of all of it as of the last change. Nothing may be applied meanwhile. */
  OpenImage open() {
    return new OpenImage(
        seq, tasks.open(), storedInitiatives.open(), tombstones.open(), keys.open());
  }

  /** Begins an image of all tasks, on the same terms. */
  ImagedMap<TaskId, Stored<Task>>.Image openTasks() {
    return tasks.open();
  }

  /** Begins an image of all initiatives, on the same terms. */
  ImagedMap<InitiativeId, InitiativeView>.Image openInitiatives() {
    return initiatives.open();
  }

  List<Tombstone> tombstones() {
    return List.copyOf(tombstones.values());
  }

  @Nullable IdempotencyRecord idempotency(String key, Instant now) {
    IdempotencyRecord known = keys.get(key);
    return known == null || expired(known, now) ? null : known;
  }

  /** Forgets idempotency keys that have expired. */
  void expireKeys(Instant now) {
    keys.drop(key -> expired(key, now));
  }

  private static boolean expired(IdempotencyRecord key, Instant now) {
    return !now.isBefore(key.expiresAt());
  }

  /** What changed last behind {@code since}, oldest first, one event for each entity. */
  List<FeedEvent> changedSince(long since) {
    var events = new ArrayList<FeedEvent>();
    long lastPurge = 0;
    var from = new LastChange(since + 1, EntityKey.Kind.TASK);
    for (Map.Entry<LastChange, EntityKey> entry : changes.tailMap(from).entrySet()) {
      FeedEvent event = lastEvent(entry.getKey().seq(), entry.getValue());
      if (event != null) {
        events.add(event);
        lastPurge =
            event.value() == null && event.key().kind() == EntityKey.Kind.TASK
                ? event.seq()
                : lastPurge;
      }
    }
    if (lastPurge > 0) {
      addInitiativesOlderThan(since, lastPurge, events);
    }
    return events;
  }

  /** A tombstone does not tell which initiative lost the task, so all are reported again. */
  private void addInitiativesOlderThan(long since, long reportedAt, List<FeedEvent> events) {
    for (InitiativeView view : initiatives.values()) {
      if (view.seq() <= since) {
        events.add(
            new FeedEvent(
                reportedAt,
                EntityKey.of(view.initiative().id()),
                new FeedItem.InitiativeItem(view),
                "tasks-changed"));
      }
    }
    events.sort(Comparator.comparingLong(FeedEvent::seq));
  }

  private @Nullable FeedEvent lastEvent(long at, EntityKey key) {
    if (tombstones.containsKey(key)) {
      String cause = key.kind() == EntityKey.Kind.TASK ? "purged" : "deleted";
      return new FeedEvent(at, key, null, cause);
    }
    return switch (key.kind()) {
      case TASK -> {
        Stored<Task> stored = tasks.get(new TaskId(key.id()));
        yield stored == null ? null : taskEvent(stored);
      }
      case INITIATIVE -> {
        InitiativeView view = initiatives.get(new InitiativeId(key.id()));
        yield view == null ? null : initiativeEvent(view);
      }
    };
  }

  /** What one change did. */
  record Applied(@Nullable Task before, @Nullable Task after, List<FeedEvent> events) {}

  /** Folds in the next change of the feed. Called by one thread at a time. */
  Applied apply(Committed committed) {
    Change change = committed.change();
    IdempotencyRecord key = change.idempotency();
    if (key != null) {
      keys.put(key);
    }
    Applied applied =
        switch (change) {
          case Change.PutTask put ->
              putTask(new Stored<>(put.task(), committed.seq(), put.cause()), committed);
          case Change.PutInitiative put -> changeInitiative(put, committed);
          case Change.PurgeTask purge -> purgeTask(purge, committed);
          case Change.DeleteInitiative delete -> deleteInitiative(delete, committed);
        };
    seq = committed.seq();
    return applied;
  }

  private Applied putTask(Stored<Task> stored, @Nullable Committed committed) {
    Task task = stored.entity();
    Stored<Task> previous = tasks.put(stored);
    Task before = previous == null ? null : previous.entity();
    if (previous == null) {
      taskOrder.add(new Position(task.createdAt(), task.id().value()));
    } else {
      changes.remove(new LastChange(previous.seq(), EntityKey.Kind.TASK));
    }
    changes.put(new LastChange(stored.seq(), EntityKey.Kind.TASK), EntityKey.of(task.id()));
    var events = new ArrayList<FeedEvent>(2);
    events.add(taskEvent(stored));
    recount(before, task, stored.seq(), committed != null, events);
    return new Applied(before, task, events);
  }

  private Applied purgeTask(Change.PurgeTask purge, Committed committed) {
    Stored<Task> previous = tasks.remove(purge.id());
    Task before = previous == null ? null : previous.entity();
    if (previous != null) {
      taskOrder.remove(new Position(previous.entity().createdAt(), purge.id().value()));
      changes.remove(new LastChange(previous.seq(), EntityKey.Kind.TASK));
    }
    bury(new Tombstone(purge.key(), committed.seq(), purge.at()));
    var events = new ArrayList<FeedEvent>(2);
    events.add(new FeedEvent(committed.seq(), purge.key(), null, purge.cause()));
    recount(before, null, committed.seq(), true, events);
    return new Applied(before, null, events);
  }

  private void bury(Tombstone tombstone) {
    tombstones.put(tombstone);
    changes.put(new LastChange(tombstone.seq(), tombstone.key().kind()), tombstone.key());
  }

  private Applied changeInitiative(Change.PutInitiative put, Committed committed) {
    InitiativeView known = initiatives.get(put.initiative().id());
    Map<TaskState.Name, Integer> knownCounts = known == null ? Map.of() : known.counts();
    var view =
        new InitiativeView(
            put.initiative(),
            InitiativeState.of(knownCounts),
            knownCounts,
            committed.seq(),
            put.cause());
    storedInitiatives.put(new Stored<>(put.initiative(), committed.seq(), put.cause()));
    putInitiative(view);
    return new Applied(null, null, List.of(initiativeEvent(view)));
  }

  private Applied deleteInitiative(Change.DeleteInitiative delete, Committed committed) {
    storedInitiatives.remove(delete.id());
    InitiativeView known = initiatives.remove(delete.id());
    if (known != null) {
      Initiative gone = known.initiative();
      initiativeOrder.remove(new Position(gone.createdAt(), gone.id().value()));
      changes.remove(new LastChange(known.seq(), EntityKey.Kind.INITIATIVE));
    }
    bury(new Tombstone(delete.key(), committed.seq(), delete.at()));
    return new Applied(
        null, null, List.of(new FeedEvent(committed.seq(), delete.key(), null, delete.cause())));
  }

  private void putInitiative(InitiativeView view) {
    Initiative initiative = view.initiative();
    InitiativeView previous = initiatives.put(view);
    if (previous == null) {
      initiativeOrder.add(new Position(initiative.createdAt(), initiative.id().value()));
    } else {
      changes.remove(new LastChange(previous.seq(), EntityKey.Kind.INITIATIVE));
    }
    changes.put(
        new LastChange(view.seq(), EntityKey.Kind.INITIATIVE), EntityKey.of(initiative.id()));
  }

  /** Moves a task from one state's count to another's, also in its initiative. */
  private void recount(
      @Nullable Task before, @Nullable Task after, long at, boolean live, List<FeedEvent> events) {
    TaskState.Name left = before == null ? null : before.state().name();
    TaskState.Name entered = after == null ? null : after.state().name();
    if (left == entered) {
      return;
    }
    if (left != null) {
      counts.merge(left, -1, Integer::sum);
    }
    if (entered != null) {
      counts.merge(entered, 1, Integer::sum);
    }
    Task either = after != null ? after : before;
    String owner = either == null ? null : either.spec().initiative();
    InitiativeView view = owner == null ? null : initiatives.get(new InitiativeId(owner));
    if (view != null) {
      InitiativeView moved = moved(view, left, entered, Math.max(at, view.seq()));
      putInitiative(moved);
      if (live) {
        events.add(initiativeEvent(moved));
      }
    }
  }

  private static InitiativeView moved(
      InitiativeView view,
      TaskState.@Nullable Name left,
      TaskState.@Nullable Name entered,
      long at) {
    var counts = new EnumMap<TaskState.Name, Integer>(TaskState.Name.class);
    counts.putAll(view.counts());
    if (left != null) {
      counts.computeIfPresent(left, (_, n) -> n > 1 ? n - 1 : null);
    }
    if (entered != null) {
      counts.merge(entered, 1, Integer::sum);
    }
    String cause = at == view.seq() ? view.cause() : "tasks-changed";
    return new InitiativeView(
        view.initiative(), InitiativeState.of(counts), Map.copyOf(counts), at, cause);
  }

  private static FeedEvent taskEvent(Stored<Task> stored) {
    return new FeedEvent(
        stored.seq(),
        EntityKey.of(stored.entity().id()),
        new FeedItem.TaskItem(stored),
        stored.cause());
  }

  private static FeedEvent initiativeEvent(InitiativeView view) {
    return new FeedEvent(
        view.seq(),
        EntityKey.of(view.initiative().id()),
        new FeedItem.InitiativeItem(view),
        view.cause());
  }
}

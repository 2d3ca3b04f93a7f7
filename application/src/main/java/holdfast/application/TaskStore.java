package holdfast.application;

import holdfast.application.PendingChanges.Pending;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeEvent;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.initiative.InitiativeSpec;
import holdfast.domain.port.Change;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Decision;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskEvent;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The single writer: decides one command after another against what is durable and what is about to
 * be, hands the result to storage, and answers when it is durable.
 *
 * <p>Thousands of threads may call at once; they are meant to be virtual. Deciding takes
 * microseconds under one lock; all of them share the storage's next sync. Nobody is answered from a
 * change that could still vanish: also a refusal waits for the pending change it looked at.
 */
public final class TaskStore {
  /** How long an idempotency key is kept. */
  public static final Duration IDEMPOTENCY_KEPT = Duration.ofHours(24);

  private final Ports ports;
  private final LiveState state;
  private final InstantSource clock;
  private final RandomIds ids;
  private final PendingChanges pending = new PendingChanges();
  private final SingleWriter writer;
  private volatile boolean ending;

  /**
   * @param random cryptographically strong outside of tests, and safe for several threads
   */
  public TaskStore(Ports ports, LiveState state, InstantSource clock, RandomGenerator random) {
    this.ports = ports;
    this.state = state;
    this.clock = clock;
    this.ids = new RandomIds(random);
    this.writer = new SingleWriter(ports.tasks(), state, pending);
  }

  /** Submits a task; it waits in the queue, or is held. */
  public Answer<Stored<Task>> submit(TaskSpec spec, boolean hold, @Nullable IdempotencyKey key)
      throws InterruptedException {
    return ending ? nothingNew() : writer.settle(() -> decideSubmit(ids.task(), spec, hold, key));
  }

  /**
   * Asks something of a task.
   *
   * @param ifMatch the revision the caller has seen, or null if any will do
   */
  public Answer<Stored<Task>> command(TaskId id, TaskCommand command, @Nullable Long ifMatch)
      throws InterruptedException {
    boolean isNewWork =
        command instanceof TaskCommand.Release || command instanceof TaskCommand.Retry;
    return ending && isNewWork
        ? nothingNew()
        : writer.settle(() -> decideCommand(id, command, ifMatch, Origin.CLIENT));
  }

  /** Takes over a task that somebody brought in under an id of its own; it is held. */
  Answer<Stored<Task>> bringIn(TaskId id, TaskSpec spec) throws InterruptedException {
    return writer.settle(
        () -> {
          EntityKey key = EntityKey.of(id);
          boolean isNew =
              pending.last(key) == null && state.task(id) instanceof Lookup.Missing<Stored<Task>>;
          return isNew
              ? decideSubmit(id, spec, true, null)
              : Step.answer(pending.last(key), new Answer.Gone<>(key));
        });
  }

  /** Takes over an initiative that somebody brought in under an id of its own. */
  Answer<InitiativeView> bringIn(InitiativeId id, InitiativeSpec spec) throws InterruptedException {
    return writer.settle(
        () -> {
          EntityKey key = EntityKey.of(id);
          boolean isNew =
              pending.last(key) == null
                  && state.initiative(id) instanceof Lookup.Missing<InitiativeView>;
          return isNew
              ? decideCreate(id, spec, null)
              : Step.answer(pending.last(key), new Answer.Gone<>(key));
        });
  }

  /** Records a fact about a task, or a step the server itself takes. Never refused for load. */
  Answer<Stored<Task>> record(TaskId id, TaskCommand command) throws InterruptedException {
    return writer.settle(() -> decideCommand(id, command, null, Origin.INTERNAL));
  }

  /**
   * Changes a task's specification.
   *
   * @param change pure; what it throws is passed on, and nothing has changed
   */
  public Answer<Stored<Task>> patch(
      TaskId id, UnaryOperator<TaskSpec> change, @Nullable Long ifMatch)
      throws InterruptedException {
    return writer.settle(
        () ->
            onTask(
                id,
                ifMatch,
                task -> {
                  TaskSpec present = task.entity().spec();
                  TaskSpec wanted = change.apply(present);
                  return Objects.equals(wanted.initiative(), present.initiative())
                      ? decided(task, new TaskCommand.Patch(wanted), Origin.CLIENT)
                      : Step.answer(
                          task.pending(),
                          new Answer.Impossible<>(
                              "/initiativeId",
                              "a task stays in the initiative it was submitted to"));
                }));
  }

  /**
   * Forgets a finished task and removes what it wrote. The task is gone for good once this is
   * committed; files that cannot be removed then are removed at a later start.
   */
  public Answer<EntityKey> purge(TaskId id, @Nullable Long ifMatch) throws InterruptedException {
    Answer<Stored<Task>> answer =
        writer.settle(() -> decideCommand(id, new TaskCommand.Purge(), ifMatch, Origin.CLIENT));
    if (!(answer instanceof Answer.Done<Stored<Task>>)) {
      return Answer.withoutValue(answer);
    }
    try {
      ports.outputs().purge(id);
    } catch (StorageException failure) {
      ports.log(
          clock.instant(),
          Category.ERROR,
          "purged-files-left",
          Map.of("taskId", id.value(), "error", String.valueOf(failure.getMessage())));
    }
    return new Answer.Done<>(EntityKey.of(id), false);
  }

  public Answer<InitiativeView> createInitiative(InitiativeSpec spec, @Nullable IdempotencyKey key)
      throws InterruptedException {
    return ending ? nothingNew() : writer.settle(() -> decideCreate(ids.initiative(), spec, key));
  }

  /**
   * Changes an initiative.
   *
   * @param change pure; what it throws is passed on, and nothing has changed
   */
  public Answer<InitiativeView> patchInitiative(
      InitiativeId id, UnaryOperator<InitiativeSpec> change, @Nullable Long ifMatch)
      throws InterruptedException {
    return writer.settle(
        () -> onInitiative(id, ifMatch, initiative -> decidePatch(initiative, change)));
  }

  /** Deletes an initiative that no task belongs to. */
  public Answer<EntityKey> deleteInitiative(InitiativeId id, @Nullable Long ifMatch)
      throws InterruptedException {
    return writer.settle(() -> onInitiative(id, ifMatch, this::decideDelete));
  }

  /**
   * From now on clients are refused whatever would be new work: submissions, retries, releases.
   * Everything else is decided as ever.
   */
  void beginNothingNew() {
    ending = true;
  }

  private static <T> Answer<T> nothingNew() {
    return new Answer.Unavailable<>(
        CommitResult.Reason.STOPPING,
        "the server is shutting down and begins nothing new; send it again after the restart");
  }

  /** Lets go of a pending change that the state now shows; called for every committed change. */
  void settled(Committed committed) {
    pending.settle(committed);
  }

  RandomIds ids() {
    return ids;
  }

  /** Whether nothing is on its way to the disk. */
  boolean idle() {
    return pending.isEmpty();
  }

  /**
   * An entity as it will be when everything pending is durable.
   *
   * @param pending the change that makes it so, or null if it is so already
   */
  private record Seen<E>(E entity, @Nullable Pending pending) {}

  private Step<Stored<Task>> decideSubmit(
      TaskId id, TaskSpec spec, boolean hold, @Nullable IdempotencyKey key) {
    Instant now = clock.instant();
    if (key != null) {
      Seen<IdempotencyRecord> known = known("task:" + key.key(), now);
      if (known != null) {
        return replay(known, key, this::storedTask);
      }
    }
    if (spec.initiative() != null) {
      var initiative = new InitiativeId(spec.initiative());
      Pending last = pending.last(EntityKey.of(initiative));
      if (present(initiative, last) == null) {
        return Step.answer(
            last,
            new Answer.Impossible<>(
                "/initiativeId", "there is no initiative " + spec.initiative()));
      }
    }
    var event = new TaskEvent.Submitted(now, spec, hold);
    Task task = Task.submitted(id, event);
    var change = new Change.PutTask(task, event, remember(key, "task:", EntityKey.of(id), now));
    return Step.commit(change, Origin.CLIENT_NEW, null, done(task, change));
  }

  private Step<Stored<Task>> decideCommand(
      TaskId id, TaskCommand command, @Nullable Long ifMatch, Origin origin) {
    return onTask(id, ifMatch, task -> decided(task, command, origin));
  }

  private Step<Stored<Task>> decided(Seen<Task> seen, TaskCommand command, Origin origin) {
    Task task = seen.entity();
    return switch (task.decide(command, clock.instant())) {
      case Decision.Rejected(var rejection) ->
          Step.answer(seen.pending(), new Answer.Refused<>(rejection));
      case Decision.Accepted(List<TaskEvent> events) when events.isEmpty() ->
          Step.answer(seen.pending(), (long _) -> storedTask(task.id()));
      case Decision.Accepted(List<TaskEvent> events) -> commitEvent(seen, events, origin);
    };
  }

  private static Step<Stored<Task>> commitEvent(
      Seen<Task> seen, List<TaskEvent> events, Origin origin) {
    if (events.size() != 1) {
      throw new IllegalStateException("a command leads to one event, not " + events);
    }
    Task task = seen.entity();
    TaskEvent event = events.getFirst();
    if (event instanceof TaskEvent.Purged(Instant at)) {
      var purge = new Change.PurgeTask(task.id(), task.revision(), at);
      return Step.commit(purge, origin, seen.pending(), done(task, purge));
    }
    Task after = task.apply(event);
    var put = new Change.PutTask(after, event, null);
    return Step.commit(put, origin, seen.pending(), done(after, put));
  }

  private static LongFunction<Answer<Stored<Task>>> done(Task task, Change change) {
    return seq -> new Answer.Done<>(new Stored<>(task, seq, change.cause()), false);
  }

  private Step<InitiativeView> decideCreate(
      InitiativeId id, InitiativeSpec spec, @Nullable IdempotencyKey key) {
    Instant now = clock.instant();
    if (key != null) {
      Seen<IdempotencyRecord> known = known("initiative:" + key.key(), now);
      if (known != null) {
        return replay(known, key, made -> viewOf(new InitiativeId(made.value())));
      }
    }
    var change =
        new Change.PutInitiative(
            Initiative.created(id, spec, now),
            new InitiativeEvent.Created(now),
            remember(key, "initiative:", EntityKey.of(id), now));
    return Step.commit(change, Origin.CLIENT_NEW, null, (long _) -> viewOf(id));
  }

  private Step<InitiativeView> decidePatch(
      Seen<Initiative> seen, UnaryOperator<InitiativeSpec> change) {
    Initiative initiative = seen.entity();
    InitiativeSpec wanted = change.apply(initiative.spec());
    if (wanted.equals(initiative.spec())) {
      return Step.answer(seen.pending(), (long _) -> viewOf(initiative.id()));
    }
    Instant now = clock.instant();
    var put =
        new Change.PutInitiative(
            initiative.patched(wanted, now), new InitiativeEvent.Patched(now), null);
    return Step.commit(put, Origin.CLIENT, seen.pending(), (long _) -> viewOf(initiative.id()));
  }

  private Step<EntityKey> decideDelete(Seen<Initiative> seen) {
    InitiativeId id = seen.entity().id();
    EntityKey key = EntityKey.of(id);
    // In this order: a member that becomes durable in between is seen at least once.
    Pending member = pending.memberOf(id.value());
    int members = membersOf(id);
    if (members > 0 || member != null) {
      return Step.answer(
          members > 0 ? null : member,
          (long _) -> new Answer.InUse<>(key, Math.max(1, membersOf(id))));
    }
    var delete = new Change.DeleteInitiative(id, seen.entity().revision(), clock.instant());
    return Step.commit(
        delete, Origin.CLIENT, seen.pending(), (long _) -> new Answer.Done<>(key, false));
  }

  private int membersOf(InitiativeId id) {
    return state.initiative(id) instanceof Lookup.Found<InitiativeView>(InitiativeView view)
        ? view.counts().values().stream().mapToInt(Integer::intValue).sum()
        : 0;
  }

  /** Decides about a task as it will be when everything pending is durable. */
  private <T> Step<T> onTask(
      TaskId id, @Nullable Long ifMatch, Function<Seen<Task>, Step<T>> decide) {
    EntityKey key = EntityKey.of(id);
    Pending last = pending.last(key);
    if (last == null) {
      return switch (state.task(id)) {
        case Lookup.Found<Stored<Task>>(Stored<Task> stored) ->
            matching(
                stored.entity().revision(),
                ifMatch,
                null,
                () -> decide.apply(new Seen<>(stored.entity(), null)));
        case Lookup.Missing<Stored<Task>> _ -> Step.answer(null, new Answer.NotFound<>(key));
        case Lookup.Purged<Stored<Task>> _ -> Step.answer(null, new Answer.Gone<>(key));
      };
    }
    return last.change() instanceof Change.PutTask put
        ? matching(
            put.task().revision(), ifMatch, last, () -> decide.apply(new Seen<>(put.task(), last)))
        : Step.answer(last, new Answer.Gone<>(key));
  }

  private <T> Step<T> onInitiative(
      InitiativeId id, @Nullable Long ifMatch, Function<Seen<Initiative>, Step<T>> decide) {
    EntityKey key = EntityKey.of(id);
    Pending last = pending.last(key);
    Initiative present = present(id, last);
    if (present == null) {
      boolean gone = last != null || state.initiative(id) instanceof Lookup.Purged<InitiativeView>;
      return Step.answer(last, gone ? new Answer.Gone<>(key) : new Answer.NotFound<>(key));
    }
    return matching(
        present.revision(), ifMatch, last, () -> decide.apply(new Seen<>(present, last)));
  }

  private static <T> Step<T> matching(
      long revision, @Nullable Long ifMatch, @Nullable Pending seen, Supplier<Step<T>> decide) {
    return ifMatch != null && ifMatch != revision
        ? Step.answer(seen, new Answer.Stale<>(revision))
        : decide.get();
  }

  private @Nullable Initiative present(InitiativeId id, @Nullable Pending last) {
    if (last != null) {
      return last.change() instanceof Change.PutInitiative put ? put.initiative() : null;
    }
    return state.initiative(id) instanceof Lookup.Found<InitiativeView>(InitiativeView view)
        ? view.initiative()
        : null;
  }

  /** What an idempotency key stands for, or null if it is free. */
  private @Nullable Seen<IdempotencyRecord> known(String key, Instant now) {
    Pending undurable = pending.ofIdempotencyKey(key);
    if (undurable != null && undurable.change().idempotency() != null) {
      return new Seen<>(undurable.change().idempotency(), undurable);
    }
    IdempotencyRecord durable = state.idempotency(key, now);
    return durable == null ? null : new Seen<>(durable, null);
  }

  private static <T> Step<T> replay(
      Seen<IdempotencyRecord> known, IdempotencyKey key, Function<TaskId, Answer<T>> find) {
    IdempotencyRecord first = known.entity();
    if (!first.bodySha256().equals(key.bodySha256())) {
      return Step.answer(
          known.pending(),
          new Answer.Impossible<>(
              "", "the idempotency key \"" + key.key() + "\" was used with another request body"));
    }
    return Step.answer(
        known.pending(),
        (long _) ->
            find.apply(new TaskId(first.created().id())) instanceof Answer.Done<T>(T value, _)
                ? new Answer.Done<>(value, true)
                : new Answer.Gone<>(first.created()));
  }

  private static @Nullable IdempotencyRecord remember(
      @Nullable IdempotencyKey key, String kind, EntityKey created, Instant now) {
    return key == null
        ? null
        : new IdempotencyRecord(
            kind + key.key(), key.bodySha256(), created, now.plus(IDEMPOTENCY_KEPT));
  }

  private Answer<Stored<Task>> storedTask(TaskId id) {
    return switch (state.task(id)) {
      case Lookup.Found<Stored<Task>>(Stored<Task> stored) -> new Answer.Done<>(stored, false);
      case Lookup.Missing<Stored<Task>> _ -> new Answer.NotFound<>(EntityKey.of(id));
      case Lookup.Purged<Stored<Task>> _ -> new Answer.Gone<>(EntityKey.of(id));
    };
  }

  private Answer<InitiativeView> viewOf(InitiativeId id) {
    return switch (state.initiative(id)) {
      case Lookup.Found<InitiativeView>(InitiativeView view) -> new Answer.Done<>(view, false);
      case Lookup.Missing<InitiativeView> _ -> new Answer.NotFound<>(EntityKey.of(id));
      case Lookup.Purged<InitiativeView> _ -> new Answer.Gone<>(EntityKey.of(id));
    };
  }
}

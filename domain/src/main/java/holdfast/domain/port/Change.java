package holdfast.domain.port;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeEvent;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskEvent;
import holdfast.domain.task.TaskId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** One change of one entity: its after-image or its removal, and what happened. */
public sealed interface Change {

  EntityKey key();

  /** When it was decided. */
  Instant at();

  /** The type of the event behind it, kebab-case. */
  String cause();

  /** The entity's revision before this change; 0 if it did not exist. */
  long revisionBefore();

  /** What the change made known of an idempotency key, or null. */
  default @Nullable IdempotencyRecord idempotency() {
    return null;
  }

  /** On whose behalf it is made, or null if it is the server's own doing. */
  @Nullable Attribution by();

  /** The same change on somebody's behalf. */
  Change by(Attribution whose);

  /** A task's after-image. */
  record PutTask(
      Task task, TaskEvent event, @Nullable IdempotencyRecord idempotency, @Nullable Attribution by)
      implements Change {
    public PutTask(Task task, TaskEvent event, @Nullable IdempotencyRecord idempotency) {
      this(task, event, idempotency, null);
    }

    @Override
    public PutTask by(Attribution whose) {
      return new PutTask(task, event, idempotency, whose);
    }

    @Override
    public EntityKey key() {
      return EntityKey.of(task.id());
    }

    @Override
    public Instant at() {
      return event.at();
    }

    @Override
    public String cause() {
      return event.type();
    }

    @Override
    public long revisionBefore() {
      return task.revision() - 1;
    }
  }

  /** An initiative's after-image. */
  record PutInitiative(
      Initiative initiative,
      InitiativeEvent event,
      @Nullable IdempotencyRecord idempotency,
      @Nullable Attribution by)
      implements Change {
    public PutInitiative(
        Initiative initiative, InitiativeEvent event, @Nullable IdempotencyRecord idempotency) {
      this(initiative, event, idempotency, null);
    }

    @Override
    public PutInitiative by(Attribution whose) {
      return new PutInitiative(initiative, event, idempotency, whose);
    }

    @Override
    public EntityKey key() {
      return EntityKey.of(initiative.id());
    }

    @Override
    public Instant at() {
      return event.at();
    }

    @Override
    public String cause() {
      return event.type();
    }

    @Override
    public long revisionBefore() {
      return initiative.revision() - 1;
    }
  }

  /** The end of a task and of its files; leaves a tombstone. */
  record PurgeTask(TaskId id, long revisionBefore, Instant at, @Nullable Attribution by)
      implements Change {
    public PurgeTask(TaskId id, long revisionBefore, Instant at) {
      this(id, revisionBefore, at, null);
    }

    @Override
    public PurgeTask by(Attribution whose) {
      return new PurgeTask(id, revisionBefore, at, whose);
    }

    @Override
    public EntityKey key() {
      return EntityKey.of(id);
    }

    @Override
    public String cause() {
      return "purged";
    }
  }

  /** The end of an initiative; leaves a tombstone. */
  record DeleteInitiative(
      InitiativeId id, long revisionBefore, Instant at, @Nullable Attribution by)
      implements Change {
    public DeleteInitiative(InitiativeId id, long revisionBefore, Instant at) {
      this(id, revisionBefore, at, null);
    }

    @Override
    public DeleteInitiative by(Attribution whose) {
      return new DeleteInitiative(id, revisionBefore, at, whose);
    }

    @Override
    public EntityKey key() {
      return EntityKey.of(id);
    }

    @Override
    public String cause() {
      return "deleted";
    }
  }
}

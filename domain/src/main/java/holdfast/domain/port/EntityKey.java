package holdfast.domain.port;

import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.task.TaskId;

/** Names an entity across kinds. */
public record EntityKey(Kind kind, String id) {

  /** The kinds of entity that storage keeps. */
  public enum Kind {
    TASK,
    INITIATIVE
  }

  public static EntityKey of(TaskId id) {
    return new EntityKey(Kind.TASK, id.value());
  }

  public static EntityKey of(InitiativeId id) {
    return new EntityKey(Kind.INITIATIVE, id.value());
  }
}

package holdfast.domain.task;

import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an edit of a task's readable copy may not touch: everything that a client could not have
 * asked for. What a started task may no longer change is {@link Task}'s own rule.
 */
final class EditRules {
  private EditRules() {}

  /** Why {@code wanted} cannot follow {@code present}, as a clause, or null if it can. */
  static @Nullable String refusal(Task present, Task wanted) {
    if (!wanted.id().equals(present.id())) {
      return "its id is " + wanted.id() + ", where " + present.id() + " is expected";
    }
    if (!wanted.createdAt().equals(present.createdAt())) {
      return "createdAt was changed";
    }
    if (wanted.revision() > present.revision()) {
      return "its revision "
          + wanted.revision()
          + " was never given; the present one is "
          + present.revision();
    }
    if (wanted.retries() != present.retries() || wanted.reruns() != present.reruns()) {
      return "retries or reruns were changed, which the server counts";
    }
    if (!wanted.attempts().equals(present.attempts())) {
      return "its attempts are not those of the task: what has happened cannot be edited";
    }
    return ofState(present, wanted);
  }

  private static @Nullable String ofState(Task present, Task wanted) {
    TaskState.Name from = present.state().name();
    TaskState.Name to = wanted.state().name();
    if (from != to && !movesFrom(from).contains(to)) {
      return "a task in state "
          + from
          + " cannot become "
          + to
          + " by an edit"
          + (movesFrom(from).isEmpty() ? "" : "; possible: " + movesFrom(from));
    }
    if (from == to && !present.state().equals(wanted.state())) {
      return "the details of its state were changed, which the server keeps";
    }
    if (from == to && !Objects.equals(present.stateReason(), wanted.stateReason())) {
      return "stateReason was changed, which the server writes";
    }
    return ofSpec(present.spec(), wanted.spec());
  }

  private static Set<TaskState.Name> movesFrom(TaskState.Name from) {
    return switch (from) {
      case HELD -> Set.of(TaskState.Name.QUEUED, TaskState.Name.CANCELED);
      case QUEUED -> Set.of(TaskState.Name.HELD, TaskState.Name.CANCELED);
      case BACKING_OFF -> Set.of(TaskState.Name.CANCELED);
      case STARTING,
          RUNNING,
          PAUSED,
          STOPPING,
          SUCCEEDED,
          FAILED,
          CANCELED,
          TIMED_OUT,
          LOST,
          SKIPPED ->
          Set.of();
    };
  }

  private static @Nullable String ofSpec(TaskSpec present, TaskSpec wanted) {
    if (!Objects.equals(present.initiative(), wanted.initiative())) {
      return "a task stays in the initiative it was submitted to";
    }
    return refusal(present, wanted);
  }

  /** Why these variables cannot be: a mark that stands for a secret would take its place. */
  private static @Nullable String refusal(TaskSpec present, TaskSpec wanted) {
    for (var variable : wanted.env().entrySet()) {
      boolean isMark = variable.getValue().equals(TaskCommand.Edit.NOT_SHOWN);
      if (isMark && !isMarkOf(present, variable.getKey())) {
        return "the variable "
            + variable.getKey()
            + " is the mark that stands for a value not shown; write the value itself";
      }
    }
    return null;
  }

  private static boolean isMarkOf(TaskSpec present, String name) {
    return TaskCommand.Edit.NOT_SHOWN.equals(present.env().get(name));
  }
}

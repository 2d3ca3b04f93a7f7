package holdfast.domain.task;

import java.util.List;

/** Why a command was refused. Nothing changed. */
public sealed interface Rejection {

  /** One sentence for people: what was refused, why, and what is possible instead. */
  String detail();

  /**
   * The task is in a state that does not allow the command.
   *
   * @param possible the verbs a user could use now
   */
  record WrongState(String verb, TaskState.Name state, List<String> possible) implements Rejection {
    @Override
    public String detail() {
      return "cannot "
          + verb
          + " a task in state "
          + state
          + (possible.isEmpty()
              ? "; nothing can be done to it now"
              : "; possible now: " + String.join(", ", possible));
    }
  }

  /** The task was started before, and only title, priority and labels may still change. */
  record Frozen(List<String> members) implements Rejection {
    @Override
    public String detail() {
      return "cannot change "
          + String.join(", ", members)
          + " of a task that has started; title, priority and labels can still be changed";
    }
  }

  /**
   * The task's readable copy was edited into something that no client could have asked for.
   *
   * @param reason a clause with its subject
   */
  record IllegalEdit(String reason) implements Rejection {
    @Override
    public String detail() {
      return "the edit cannot be taken over: " + reason;
    }
  }

  /** An internal command spoke of a run that is no longer in force. */
  record StaleRun(RunRef run) implements Rejection {
    @Override
    public String detail() {
      return "run " + run + " is not the one in force";
    }
  }
}

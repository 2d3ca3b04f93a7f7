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

  /** Recovery left nothing about the task for a person to decide. */
  record NothingToDecide(TaskState.Name state, List<String> possible) implements Rejection {
    @Override
    public String detail() {
      return "recovery asks for no decision about a task in state "
          + state
          + (possible.isEmpty() ? "" : "; possible now: " + String.join(", ", possible));
    }
  }

  /**
   * A run that goes on must not be repeated beside itself.
   *
   * @param reason how it is known to go on, as a sentence
   */
  record RunGoesOn(TaskState.Name state, String reason) implements Rejection {
    @Override
    public String detail() {
      return "cannot retry a task in state "
          + state
          + " whose run goes on: "
          + reason
          + ". End it where it runs, or decide \"fail\" or \"ignore\"";
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

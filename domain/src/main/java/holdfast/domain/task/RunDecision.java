package holdfast.domain.task;

import java.time.Instant;

/** What a person decides about a run whose fate cannot be found out. */
public enum RunDecision {
  /** The attempt is given up, and the task waits for another one. */
  RETRY("to retry"),
  /** The attempt is given up, and so is the task. */
  FAIL("to give up"),
  /** The task stays as it is. */
  IGNORE("to leave it as it is");

  private final String words;

  RunDecision(String words) {
    this.words = words;
  }

  /** The decision as a sentence with its grounds. */
  String sentence(String grounds) {
    return "a person decided " + words + ": " + grounds;
  }

  /** The state that follows {@code present}, which is an active one. */
  TaskState next(TaskState present, Instant now) {
    return switch (this) {
      case RETRY -> new TaskState.Queued(now);
      case FAIL ->
          new TaskState.Ended(
              present instanceof TaskState.Stopping
                  ? TaskState.Name.CANCELED
                  : TaskState.Name.LOST);
      case IGNORE -> present;
    };
  }
}

package holdfast.domain.initiative;

import holdfast.domain.task.TaskState;
import java.util.EnumMap;
import java.util.Map;

/** Where an initiative stands, derived from the states of its tasks. */
public enum InitiativeState {
  /** No task has been let loose yet: there is none, or all are held. */
  OPEN,
  /** At least one task is on its way. */
  RUNNING,
  /** Every task is over, at least one succeeded and none failed. */
  COMPLETED,
  /** Every task is over, and at least one failed, timed out or was lost. */
  FAILED,
  /** Every task is over, and all were canceled or skipped. */
  CANCELED;

  /** The state of an initiative with so many tasks in each state; absent means none. */
  public static InitiativeState of(Map<TaskState.Name, Integer> counts) {
    var tally = new EnumMap<TaskState.Name, Integer>(TaskState.Name.class);
    tally.putAll(counts);
    int total = 0;
    int terminal = 0;
    for (Map.Entry<TaskState.Name, Integer> entry : tally.entrySet()) {
      total += entry.getValue();
      terminal += entry.getKey().isTerminal() ? entry.getValue() : 0;
    }
    if (total == count(tally, TaskState.Name.HELD)) {
      return OPEN;
    }
    if (terminal < total) {
      return RUNNING;
    }
    int failed =
        count(tally, TaskState.Name.FAILED)
            + count(tally, TaskState.Name.TIMED_OUT)
            + count(tally, TaskState.Name.LOST);
    if (failed > 0) {
      return FAILED;
    }
    return count(tally, TaskState.Name.SUCCEEDED) > 0 ? COMPLETED : CANCELED;
  }

  private static int count(Map<TaskState.Name, Integer> tally, TaskState.Name name) {
    return tally.getOrDefault(name, 0);
  }
}

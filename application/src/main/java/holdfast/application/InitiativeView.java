package holdfast.application;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeState;
import holdfast.domain.task.TaskState;
import java.util.Map;

/**
 * An initiative with what its tasks make of it.
 *
 * @param counts tasks in each state; absent means none
 * @param seq of the last change to the initiative or to the states of its tasks
 */
public record InitiativeView(
    Initiative initiative,
    InitiativeState state,
    Map<TaskState.Name, Integer> counts,
    long seq,
    String cause) {}

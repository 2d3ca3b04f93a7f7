package holdfast.application;

import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which tasks a subscriber wants to hear of. A task that leaves the filter is reported once more,
 * so that the subscriber sees it go.
 *
 * @param states any of these; empty for all
 */
public record FeedFilter(
    @Nullable TaskId task, @Nullable InitiativeId initiative, Set<TaskState.Name> states) {
  public static final FeedFilter ALL = new FeedFilter(null, null, Set.of());

  public FeedFilter {
    states = Set.copyOf(states);
  }

  boolean matches(@Nullable Task candidate) {
    return candidate != null
        && (task == null || task.equals(candidate.id()))
        && (initiative == null || initiative.value().equals(candidate.spec().initiative()))
        && (states.isEmpty() || states.contains(candidate.state().name()));
  }

  /** Whether a replayed change may concern the subscriber: what a task was before is not known. */
  boolean mayHaveMatched(Task candidate) {
    return new FeedFilter(task, initiative, Set.of()).matches(candidate);
  }
}

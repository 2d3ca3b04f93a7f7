package holdfast.application;

import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskState;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which tasks to list.
 *
 * @param states any of these; empty for all
 * @param text found in title or command, whatever the case
 */
public record TaskQuery(
    Set<TaskState.Name> states, @Nullable InitiativeId initiative, @Nullable String text) {
  public static final TaskQuery ALL = new TaskQuery(Set.of(), null, null);

  public TaskQuery {
    states = Set.copyOf(states);
    text = text == null ? null : text.toLowerCase(Locale.ROOT);
  }

  boolean matches(Task task) {
    return (states.isEmpty() || states.contains(task.state().name()))
        && (initiative == null || initiative.value().equals(task.spec().initiative()))
        && (text == null || mentions(task, text));
  }

  private static boolean mentions(Task task, String wanted) {
    return task.spec().title().toLowerCase(Locale.ROOT).contains(wanted)
        || String.join(" ", task.spec().command()).toLowerCase(Locale.ROOT).contains(wanted);
  }
}

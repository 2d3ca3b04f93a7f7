package holdfast.application;

import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskState;
import java.time.Duration;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a shutdown would do to every task that is not over.
 *
 * @param fates how many tasks share each fate, every fate named
 * @param items the first of them, those with a process first, then by age
 * @param omitted how many more there are
 */
public record ShutdownPreview(
    ShutdownTasks policy, Map<Fate, Integer> fates, List<Item> items, int omitted) {

  /** What becomes of a task. */
  public enum Fate {
    /** Its process runs on and is adopted by the next start. */
    RUNS_ON,
    /** Its end is waited for; if that takes too long, it runs on. */
    AWAITED,
    /** It is stopped, and its end recorded. */
    STOPPED,
    /** It has no process, and waits on for the next start. */
    WAITS
  }

  /**
   * One task's fate.
   *
   * @param detail the same as a sentence
   */
  public record Item(Task task, Fate fate, String detail) {}

  /**
   * @param all tasks, those that are over included
   * @param limit of the shutdown
   * @param readOnly why nothing is done to any task, or null
   */
  static ShutdownPreview of(
      List<Stored<Task>> all,
      ShutdownTasks policy,
      Duration limit,
      int itemsMax,
      @Nullable String readOnly) {
    List<Item> items =
        all.stream()
            .map(Stored::entity)
            .filter(task -> !task.state().name().isTerminal())
            .sorted(
                Comparator.comparing((Task task) -> !task.state().name().isActive())
                    .thenComparing(Task::createdAt)
                    .thenComparing(Task::id))
            .map(task -> readOnly == null ? item(task, policy, limit) : foreign(task))
            .toList();
    var fates = new EnumMap<Fate, Integer>(Fate.class);
    for (Fate fate : Fate.values()) {
      fates.put(fate, 0);
    }
    items.forEach(item -> fates.merge(item.fate(), 1, Integer::sum));
    List<Item> shown = items.subList(0, Math.min(itemsMax, items.size()));
    return new ShutdownPreview(policy, fates, shown, items.size() - shown.size());
  }

  private static Item foreign(Task task) {
    boolean active = task.state().name().isActive();
    return new Item(
        task,
        active ? Fate.RUNS_ON : Fate.WAITS,
        "the directory is a copy that is not accepted: what it says of this task is left alone");
  }

  private static Item item(Task task, ShutdownTasks policy, Duration limit) {
    if (!task.state().name().isActive()) {
      return new Item(
          task, Fate.WAITS, "it is " + task.state().name() + " and has no process; it waits on");
    }
    return switch (policy) {
      case KEEP -> new Item(task, Fate.RUNS_ON, "its process runs on; the next start adopts it");
      case DRAIN ->
          task.state() instanceof TaskState.Paused
              ? new Item(task, Fate.RUNS_ON, "it is paused, so its end is not waited for")
              : new Item(
                  task,
                  Fate.AWAITED,
                  "its end is waited for as long as the timeout of "
                      + limit
                      + " allows; after that it runs on");
      case STOP -> new Item(task, Fate.STOPPED, stopped(task.spec().stopGrace(), limit));
    };
  }

  private static String stopped(Duration grace, Duration limit) {
    return "SIGTERM, and SIGKILL after "
        + grace
        + (grace.compareTo(limit.dividedBy(2)) < 0
            ? ""
            : ", which may be longer than the shutdown can wait: then the next start goes on with"
                + " it");
  }
}

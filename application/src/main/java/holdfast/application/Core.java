package holdfast.application;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.time.InstantSource;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What the services share: the ports, the state, the one writer, and the time. */
record Core(
    Ports ports,
    Supplier<LiveState> inForce,
    TaskStore store,
    Settlement settlement,
    Audit audit,
    InstantSource clock,
    Timers timers) {

  /** The state in force. It is replaced as a whole, so nobody keeps it. */
  LiveState state() {
    return inForce.get();
  }

  /** The task as last committed, or null if there is none. */
  @Nullable Task current(TaskId id) {
    return state().task(id) instanceof Lookup.Found<Stored<Task>>(Stored<Task> stored)
        ? stored.entity()
        : null;
  }

  void log(Category category, String type, Map<String, Object> data) {
    ports.log(clock.instant(), category, type, data);
  }
}

package holdfast.application;

import holdfast.domain.task.TaskState;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** How the server is, in its own words. Any thread; never touches the disk. */
public final class HealthReport {
  private final Ports ports;
  private final LiveState state;
  private final BooleanSupplier draining;

  /**
   * One part of the server.
   *
   * @param up whether it does its work
   * @param message what it does, or why not and what to do
   */
  public record Check(String name, boolean up, String message) {}

  HealthReport(Ports ports, LiveState state, BooleanSupplier draining) {
    this.ports = ports;
    this.state = state;
    this.draining = draining;
  }

  /** Whether new work is taken: storage is sound and no shutdown has begun. */
  public boolean ready() {
    return checks().stream().allMatch(Check::up);
  }

  /** Every part, in a fixed order. */
  public List<Check> checks() {
    Map<TaskState.Name, Integer> counts = state.counts();
    int total = counts.values().stream().mapToInt(Integer::intValue).sum();
    int active =
        counts.entrySet().stream()
            .filter(entry -> entry.getKey().isActive())
            .mapToInt(Map.Entry::getValue)
            .sum();
    return List.of(
        check("persistence", ports.tasks().impairment(), "committed up to seq " + state.seq()),
        check("processes", ports.processes().impairment(), "processes can be started and found"),
        new Check("tasks", true, active + " active, " + total + " total tasks"),
        new Check(
            "lifecycle",
            !draining.getAsBoolean(),
            draining.getAsBoolean() ? "the server is shutting down" : "the server takes work"));
  }

  private static Check check(String name, @Nullable String impairment, String otherwise) {
    return new Check(name, impairment == null, impairment == null ? otherwise : impairment);
  }
}

package holdfast.application;

import holdfast.domain.task.TaskState;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** How the server is, in its own words. Any thread; never touches the disk. */
public final class HealthReport {
  private final Ports ports;
  private final Supplier<LiveState> state;
  private final BooleanSupplier draining;
  private final Maintenance maintenance;

  /**
   * One part of the server.
   *
   * @param up whether it does its work
   * @param vital whether no work can be taken without it
   * @param message what it does, or why not and what to do
   */
  public record Check(String name, boolean up, boolean vital, String message) {}

  HealthReport(
      Ports ports, Supplier<LiveState> state, BooleanSupplier draining, Maintenance maintenance) {
    this.ports = ports;
    this.state = state;
    this.draining = draining;
    this.maintenance = maintenance;
  }

  /** Whether new work is taken: storage is sound and no shutdown has begun. */
  public boolean ready() {
    return checks().stream().allMatch(check -> check.up() || !check.vital());
  }

  /** Every part, in a fixed order. */
  public List<Check> checks() {
    Map<TaskState.Name, Integer> counts = state.get().counts();
    int total = counts.values().stream().mapToInt(Integer::intValue).sum();
    int active =
        counts.entrySet().stream()
            .filter(entry -> entry.getKey().isActive())
            .mapToInt(Map.Entry::getValue)
            .sum();
    return List.of(
        check(
            "persistence", ports.tasks().impairment(), "committed up to seq " + state.get().seq()),
        besides("sync", maintenance.sync().trouble(), synced()),
        besides("snapshots", maintenance.snapshots().trouble(), "made as configured"),
        besides("outputs", maintenance.outputs().trouble(), copied()),
        besides("scrub", maintenance.scrub().trouble(), scrubbed()),
        check("processes", ports.processes().impairment(), "processes can be started and found"),
        new Check("tasks", true, false, active + " active, " + total + " total tasks"),
        new Check(
            "lifecycle",
            !draining.getAsBoolean(),
            true,
            draining.getAsBoolean() ? "the server is shutting down" : "the server takes work"));
  }

  private String synced() {
    SyncService.Status status = maintenance.sync().status();
    return "state files are up to seq "
        + status.checkpoint()
        + "; "
        + status.dirty()
        + " to write"
        + (maintenance.sync().watchObstacle() == null
            ? ""
            : "; " + maintenance.sync().watchObstacle())
        + (status.findings() == 0
            ? ""
            : "; "
                + status.findings()
                + " were not as they were written since the start, see the error log");
  }

  private String copied() {
    OutputKeeper.Status status = maintenance.outputs().status();
    return status.live()
        + " being written, their copies "
        + status.lag()
        + " bytes behind; "
        + status.unsealed()
        + " to seal";
  }

  private String scrubbed() {
    Scrub.Progress progress = maintenance.scrub().progress();
    return "round "
        + progress.round()
        + ", "
        + progress.pieces()
        + " pieces read, "
        + progress.mended()
        + " mended and "
        + progress.unmendable()
        + " unmendable since the start, last whole round: "
        + (progress.completedAt() == null ? "none yet" : progress.completedAt())
        + "; "
        + maintenance.scrub().pace();
  }

  private static Check check(String name, @Nullable String impairment, String otherwise) {
    return new Check(name, impairment == null, true, impairment == null ? otherwise : impairment);
  }

  private static Check besides(String name, @Nullable String impairment, String otherwise) {
    return new Check(name, impairment == null, false, impairment == null ? otherwise : impairment);
  }
}

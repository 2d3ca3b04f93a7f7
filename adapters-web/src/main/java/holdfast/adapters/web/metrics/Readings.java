package holdfast.adapters.web.metrics;

import holdfast.application.HealthReport;
import holdfast.application.Holdfast;
import holdfast.application.OutputKeeper;
import holdfast.application.Scrub;
import holdfast.application.SyncService;
import holdfast.domain.port.TaskStorage.Room;
import holdfast.domain.task.TaskState;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleSupplier;

/** What is read off the server whenever somebody asks. Any thread. */
final class Readings {
  private static final double MILLIS = 1e3;

  /** By the names that reports give them. */
  private static final List<String> VERDICTS =
      List.of(
          "ADOPTED", "EXITED_WHILE_DOWN", "START_FAILED", "NEVER_STARTED", "LOST", "UNDECIDABLE");

  private final Holdfast server;

  Readings(Holdfast server) {
    this.server = server;
  }

  void register(PrometheusRegistry registry) {
    tasks(registry);
    sync(registry);
    upkeep(registry);
    recovery(registry);
    GaugeWithCallback.builder()
        .name("holdfast_healthy")
        .help("Whether a component is healthy: 1 or 0. GET /api/health says why not.")
        .labelNames("component")
        .callback(
            readings -> {
              for (HealthReport.Check check : server.health().checks()) {
                readings.call(check.up() ? 1 : 0, check.name());
              }
            })
        .register(registry);
    GaugeWithCallback.builder()
        .name("holdfast_health_status")
        .help("How a component is: 0 healthy, 1 degraded, 2 unhealthy.")
        .labelNames("component")
        .callback(
            readings -> {
              for (HealthReport.Check check : server.health().checks()) {
                readings.call(level(check.status()), check.name());
              }
            })
        .register(registry);
    GaugeWithCallback.builder()
        .name("holdfast_disk_free_bytes")
        .help("Bytes that are free where a copy of the journal is, and where event logs are.")
        .labelNames("copy")
        .callback(
            readings -> {
              for (Room room : server.rooms()) {
                readings.call((double) room.usableBytes(), room.name());
              }
            })
        .register(registry);
  }

  private static int level(HealthReport.Status status) {
    return switch (status) {
      case HEALTHY -> 0;
      case DEGRADED -> 1;
      case UNHEALTHY -> 2;
    };
  }

  private void tasks(PrometheusRegistry registry) {
    GaugeWithCallback.builder()
        .name("holdfast_tasks")
        .help("Tasks by state.")
        .labelNames("state")
        .callback(
            readings -> {
              Map<TaskState.Name, Integer> counts = server.state().counts();
              for (TaskState.Name state : TaskState.Name.values()) {
                readings.call(counts.getOrDefault(state, 0), state.name());
              }
            })
        .register(registry);
    gauge(
        registry,
        "holdfast_journal_seq",
        "Sequence number of the last durable change.",
        () -> server.state().seq());
    gauge(
        registry,
        "holdfast_outputs_live",
        "Outputs that are being written.",
        () -> outputs().live());
    gauge(
        registry,
        "holdfast_output_copy_lag_bytes",
        "Bytes of outputs that are in one file only.",
        () -> outputs().lag());
  }

  private OutputKeeper.Status outputs() {
    return server.outputKeeper().status();
  }

  private void sync(PrometheusRegistry registry) {
    gauge(
        registry,
        "holdfast_sync_dirty",
        "Entities whose state files are behind.",
        () -> sync().dirty());
    gauge(
        registry,
        "holdfast_sync_lag_changes",
        "Changes since the last that is known to be in the state files.",
        () -> Math.max(0, sync().seq() - sync().checkpoint()));
    gauge(
        registry,
        "holdfast_sync_last_duration_seconds",
        "How long the last round of writing state files took.",
        () -> sync().lastDuration().toMillis() / MILLIS);
    gauge(
        registry,
        "holdfast_sync_conflicts_open",
        "Edits of state files that lost and wait to be settled.",
        () ->
            server.sync().edits().conflicts().stream()
                .filter(conflict -> !conflict.resolved())
                .count());
    gauge(
        registry,
        "holdfast_sync_conflicts_kept",
        "Edits of state files that are listed, settled ones included.",
        () -> server.sync().edits().conflicts().size());
    counter(
        registry,
        "holdfast_state_file_findings_total",
        "State files that were not as they had been written.",
        () -> sync().findings());
  }

  private SyncService.Status sync() {
    return server.sync().status();
  }

  private void upkeep(PrometheusRegistry registry) {
    counter(
        registry,
        "holdfast_quarantined_total",
        "Files whose bytes were put aside.",
        server::quarantined);
    gauge(
        registry,
        "holdfast_scrub_rounds",
        "Number of the round of the scrub.",
        scrubbing(Scrub.Progress::round));
    gauge(
        registry,
        "holdfast_scrub_round_pieces",
        "Pieces read in this round of the scrub.",
        scrubbing(Scrub.Progress::pieces));
    counter(
        registry,
        "holdfast_scrub_mended_total",
        "Damaged things that the scrub has mended.",
        scrubbing(Scrub.Progress::mended));
    counter(
        registry,
        "holdfast_scrub_unmendable_total",
        "Things that the scrub has found damaged in every copy.",
        scrubbing(Scrub.Progress::unmendable));
    GaugeWithCallback.builder()
        .name("holdfast_scrub_completed_timestamp_seconds")
        .help("When the last whole round of the scrub ended; absent before the first.")
        .callback(
            readings -> {
              Instant at = server.scrub().progress().completedAt();
              if (at != null) {
                readings.call(at.toEpochMilli() / MILLIS);
              }
            })
        .register(registry);
    GaugeWithCallback.builder()
        .name("holdfast_snapshot_timestamp_seconds")
        .help("When the newest snapshot was made; absent before the first.")
        .callback(
            readings ->
                server
                    .snapshots()
                    .newest()
                    .ifPresent(at -> readings.call(at.toEpochMilli() / MILLIS)))
        .register(registry);
  }

  private DoubleSupplier scrubbing(java.util.function.ToDoubleFunction<Scrub.Progress> reading) {
    return () -> reading.applyAsDouble(server.scrub().progress());
  }

  /** Of this start: it does not change any more, but for what a person decides. */
  private void recovery(PrometheusRegistry registry) {
    CounterWithCallback.builder()
        .name("holdfast_recovery_tasks_total")
        .help("Tasks that were active when this server started, by verdict.")
        .labelNames("verdict")
        .callback(
            readings ->
                server
                    .recovery()
                    .report()
                    .ifPresent(
                        report -> {
                          var verdicts = new TreeMap<String, Integer>();
                          VERDICTS.forEach(verdict -> verdicts.put(verdict, 0));
                          report
                              .tasks()
                              .forEach(task -> verdicts.merge(task.verdict(), 1, Integer::sum));
                          verdicts.forEach((verdict, count) -> readings.call(count, verdict));
                        }))
        .register(registry);
    GaugeWithCallback.builder()
        .name("holdfast_recovery_duration_seconds")
        .help("Time from the start of this server until it was ready.")
        .callback(
            readings ->
                server
                    .recovery()
                    .report()
                    .ifPresent(
                        report -> {
                          Instant readyAt = report.readyAt();
                          if (readyAt != null) {
                            readings.call(
                                Duration.between(report.startedAt(), readyAt).toMillis() / MILLIS);
                          }
                        }))
        .register(registry);
  }

  static void gauge(PrometheusRegistry registry, String name, String help, DoubleSupplier reading) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(readings -> readings.call(reading.getAsDouble()))
        .register(registry);
  }

  private static void counter(
      PrometheusRegistry registry, String name, String help, DoubleSupplier reading) {
    CounterWithCallback.builder()
        .name(name)
        .help(help)
        .callback(readings -> readings.call(reading.getAsDouble()))
        .register(registry);
  }
}

package holdfast.application;

import holdfast.application.CommitTimes.Minute;
import holdfast.application.HealthReport.Check;
import holdfast.application.HealthReport.Status;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.TaskStorage.Condition;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What each component says of itself, and what to do if it is not healthy. Any thread; never
 * touches the disk.
 */
final class ComponentChecks {
  /** From here on clients notice. */
  static final Duration SLOW_SYNC = Duration.ofMillis(500);

  /** A disk that has not answered for so long may never do so. */
  static final Duration STUCK = Duration.ofSeconds(5);

  /** So long after lines were lost, the log is as before. */
  static final Duration LOSS_SHOWN = Duration.ofMinutes(10);

  /** So long after SIGKILL a process ought to be gone. */
  static final Duration OVERDUE = Duration.ofMinutes(1);

  private static final String FAILED =
      "The server ends by itself with exit code 70: start it again, as a supervisor does, and it"
          + " finds out what is durable. If it happens again, replace the disk";

  private final Core core;
  private final Maintenance maintenance;
  private final Recovery recovery;
  private final DiskHealth disk;
  private final CommitTimes times;
  private final BooleanSupplier draining;
  private final @Nullable String readOnly;

  ComponentChecks(
      Core core,
      Maintenance maintenance,
      Recovery recovery,
      Watched watched,
      @Nullable String readOnly) {
    this.core = core;
    this.maintenance = maintenance;
    this.recovery = recovery;
    this.disk = watched.disk();
    this.times = watched.times();
    this.draining = watched.draining();
    this.readOnly = readOnly;
  }

  /** What is looked at beside the services. */
  record Watched(DiskHealth disk, CommitTimes times, BooleanSupplier draining) {}

  /** All of them, in the order in which they are shown. */
  List<Supplier<Check>> all() {
    return List.of(
        guarded("persistence", this::persistence),
        guarded("sync", this::sync),
        guarded("recovery", this::recovery),
        guarded("tasks", this::tasks),
        guarded("journal", this::journal),
        guarded("disk", disk::check),
        guarded("scrub", this::scrub),
        guarded("logs", this::logs),
        guarded("snapshots", this::snapshots),
        guarded("outputs", this::outputs),
        guarded("processes", this::processes),
        guarded("lifecycle", this::lifecycle));
  }

  /** A component that cannot say how it is must not keep the others from doing so. */
  private static Supplier<Check> guarded(String name, Supplier<Check> check) {
    return () -> {
      try {
        return check.get();
      } catch (RuntimeException e) {
        return new Check(
            name,
            Status.UNHEALTHY,
            false,
            "cannot say how it is: " + e,
            "See the error log; restart the server if it stays so: tasks go on meanwhile");
      }
    };
  }

  private Check persistence() {
    String failure = core.ports().tasks().condition().failure();
    if (failure != null) {
      return unhealthy(
          "persistence", true, "nothing can be made durable any more: " + failure, FAILED);
    }
    if (readOnly != null) {
      return unhealthy(
          "persistence",
          true,
          readOnly,
          "If the original is gone for good, stop this server and start it once with --accept-copy;"
              + " otherwise use the original");
    }
    return healthy(
        "persistence", "committed up to seq " + core.state().seq() + "; " + snapshotsAvailable());
  }

  private String snapshotsAvailable() {
    int count = maintenance.snapshots().count();
    return count < 0
        ? "snapshots are being counted"
        : count == 0 ? "no snapshots available yet" : count + " snapshots available";
  }

  private Check sync() {
    SyncService sync = maintenance.sync();
    Trouble ahead = sync.ahead();
    return ahead != null
        ? unhealthy("sync", false, ahead.why(), ahead.remedy())
        : Check.of("sync", sync.trouble(), synced(sync));
  }

  private static String synced(SyncService sync) {
    SyncService.Status status = sync.status();
    return "Sync service running normally: state files are up to seq "
        + status.checkpoint()
        + "; "
        + status.dirty()
        + " to write"
        + (sync.watchObstacle() == null ? "" : "; " + sync.watchObstacle())
        + (status.findings() == 0
            ? ""
            : "; "
                + status.findings()
                + " were not as they were written since the start, see the error log");
  }

  private Check recovery() {
    RecoveryReport report = recovery.report().orElse(null);
    if (report == null) {
      return degraded(
          "recovery",
          "nothing was recovered in this start",
          readOnly == null ? "See the error log" : "See persistence: this directory is a copy");
    }
    long open = report.tasks().stream().filter(RecoveryReport.TaskVerdict::needsDecision).count();
    if (open > 0) {
      return degraded(
          "recovery",
          open + " tasks need a decision: whether they still run cannot be seen from here",
          "GET /api/recovery shows the evidence; POST /api/recovery/tasks/{id}/decision decides");
    }
    if (report.degraded()) {
      return degraded(
          "recovery",
          "a copy that ought to exist was missing at the start, and was rebuilt",
          "GET /api/recovery says which; see to the disk that it was on");
    }
    return healthy(
        "recovery",
        snapshotsAvailable()
            + " for recovery; "
            + report.tasks().size()
            + " active tasks were accounted for at the start");
  }

  private Check tasks() {
    Map<TaskState.Name, Integer> counts = core.state().counts();
    int total = counts.values().stream().mapToInt(Integer::intValue).sum();
    int active =
        counts.entrySet().stream()
            .filter(entry -> entry.getKey().isActive())
            .mapToInt(Map.Entry::getValue)
            .sum();
    long overdue = counts.getOrDefault(TaskState.Name.STOPPING, 0) == 0 ? 0 : overdue();
    String counted = active + " active, " + total + " total tasks";
    return overdue == 0
        ? healthy("tasks", counted)
        : degraded(
            "tasks",
            counted + "; " + overdue + " have been killed and do not end",
            "GET /api/tasks?state=STOPPING names them. Their processes wait for a disk or a device"
                + " (state D in ps) and end when that answers");
  }

  private long overdue() {
    Instant latest = core.clock().instant().minus(OVERDUE);
    return core.state()
        .select(
            task ->
                task.state() instanceof TaskState.Stopping stopping
                    && stopping.killAt().isBefore(latest))
        .size();
  }

  private Check journal() {
    Condition condition = core.ports().tasks().condition();
    if (condition.failure() != null) {
      return unhealthy("journal", true, condition.failure(), FAILED);
    }
    if (condition.waiting().compareTo(STUCK) > 0) {
      return unhealthy(
          "journal",
          false,
          "what is to be made durable has been waiting for the disk for "
              + condition.waiting().toSeconds()
              + " seconds",
          "Look at the disks of " + copies(condition) + " (dmesg, iostat); nothing is lost");
    }
    if (condition.trouble() != null) {
      return degraded(
          "journal",
          condition.trouble(),
          "See that the directory is there and can be written: " + copies(condition));
    }
    Minute minute = times.lastMinute();
    return minute.meanNanos() > SLOW_SYNC.toNanos()
        ? degraded(
            "journal",
            "making changes durable is slow: " + measured(minute),
            "See what else writes to the disks of " + copies(condition) + ", or move them")
        : healthy("journal", "durable in " + copies(condition) + "; " + measured(minute));
  }

  private static String copies(Condition condition) {
    return condition.copies().isEmpty() ? "memory" : String.join(" and ", condition.copies());
  }

  private static String measured(Minute minute) {
    return minute.syncs() == 0
        ? "no syncs in the last minute"
        : String.format(
            Locale.ROOT,
            "%d syncs in the last minute, %.1f ms on average, %.1f ms at most",
            minute.syncs(),
            millis(minute.meanNanos()),
            millis(minute.mostNanos()));
  }

  private static double millis(long nanos) {
    return (double) nanos / TimeUnit.MILLISECONDS.toNanos(1);
  }

  private Check scrub() {
    Trouble loss = maintenance.scrub().loss();
    return loss != null
        ? degraded("scrub", loss.why(), loss.remedy())
        : Check.of("scrub", maintenance.scrub().trouble(), scrubbed());
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

  private Check logs() {
    EventLog.Condition condition = core.ports().events().condition();
    String lost = lost(condition);
    if (condition.refusal() != null) {
      return degraded(
          "logs",
          "the disk takes no lines: " + condition.refusal() + "; " + lost,
          "Free some space, or see that logs/ belongs to the server's user. What tasks did is in"
              + " GET /api/tasks/{id}/events all the same");
    }
    Instant last = condition.lastLostAt();
    boolean isRecent = last != null && last.isAfter(core.clock().instant().minus(LOSS_SHOWN));
    return isRecent
        ? degraded(
            "logs",
            lost,
            "Look at the disk's load: lines come faster than it takes them. The log has a line gap"
                + " in their place")
        : healthy("logs", lost);
  }

  private static String lost(EventLog.Condition condition) {
    if (condition.lost().isEmpty()) {
      return "no line was lost since the start";
    }
    var counts = new ArrayList<String>();
    condition.lost().forEach((category, count) -> counts.add(category.label() + " " + count));
    counts.sort(null);
    return "lines lost since "
        + Objects.requireNonNull(condition.firstLostAt())
        + ": "
        + String.join(", ", counts)
        + ", the last at "
        + condition.lastLostAt();
  }

  private Check snapshots() {
    return Check.of(
        "snapshots",
        maintenance.snapshots().trouble(),
        snapshotsAvailable() + ", made as configured");
  }

  private Check outputs() {
    OutputKeeper.Status status = maintenance.outputs().status();
    return Check.of(
        "outputs",
        maintenance.outputs().trouble(),
        status.live()
            + " being written, their copies "
            + status.lag()
            + " bytes behind; "
            + status.unsealed()
            + " to seal");
  }

  private Check processes() {
    String impairment = core.ports().processes().impairment();
    return impairment == null
        ? healthy("processes", "processes can be started and found")
        : degraded(
            "processes",
            impairment,
            "Tasks are started and followed all the same, with less certainty or later: remove the"
                + " cause that is named, and restart the server");
  }

  private Check lifecycle() {
    return draining.getAsBoolean()
        ? unhealthy(
            "lifecycle",
            true,
            "the server is shutting down",
            "Wait for the next start: tasks that run are adopted by it")
        : healthy("lifecycle", "the server takes work");
  }

  private static Check healthy(String name, String message) {
    return new Check(name, Status.HEALTHY, false, message, null);
  }

  private static Check degraded(String name, String message, String remedy) {
    return new Check(name, Status.DEGRADED, false, message, remedy);
  }

  private static Check unhealthy(String name, boolean blocking, String message, String remedy) {
    return new Check(name, Status.UNHEALTHY, blocking, message, remedy);
  }
}

package holdfast.adapters.web.metrics;

import holdfast.application.TaskChange;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskState;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Counts what becomes of tasks. Any thread. */
final class TaskMeter {
  private static final double NANOS = 1e9;

  /** From {@code true} to a night's batch. */
  private static final double[] RUN_SECONDS = {
    0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200
  };

  private static final double[] QUEUE_SECONDS = {0.001, 0.01, 0.1, 1, 10, 60, 600, 3_600, 43_200};

  private static final List<String> KINDS =
      List.of("exited", "signaled", "start-failed", "unknown");

  private final Counter submissions;
  private final Counter starts;
  private final Counter ends;
  private final Counter outputBytes;
  private final Histogram durations;
  private final Histogram queued;

  TaskMeter(PrometheusRegistry registry) {
    submissions =
        Counter.builder()
            .name("holdfast_task_submissions_total")
            .help("Tasks that were submitted.")
            .register(registry);
    starts =
        Counter.builder()
            .name("holdfast_task_starts_total")
            .help("Attempts that were started.")
            .register(registry);
    ends =
        Counter.builder()
            .name("holdfast_task_outcomes_total")
            .help("Tasks that came to an end, by the state they ended in.")
            .labelNames("state")
            .register(registry);
    outputBytes =
        Counter.builder()
            .name("holdfast_output_bytes_total")
            .help("Bytes of output, counted at the end of each attempt.")
            .register(registry);
    durations =
        Histogram.builder()
            .name("holdfast_task_duration_seconds")
            .help("Time from the start of an attempt to its end, by how it ended.")
            .labelNames("outcome")
            .classicOnly()
            .classicUpperBounds(RUN_SECONDS)
            .register(registry);
    queued =
        Histogram.builder()
            .name("holdfast_task_queue_seconds")
            .help("Time that tasks waited for a place before an attempt was started.")
            .classicOnly()
            .classicUpperBounds(QUEUE_SECONDS)
            .register(registry);
    for (TaskState.Name state : TaskState.Name.values()) {
      if (state.isTerminal()) {
        ends.initLabelValues(state.name());
      }
    }
    KINDS.forEach(durations::initLabelValues);
  }

  void observe(TaskChange change) {
    Task before = change.before();
    Task after = change.after();
    if (after == null) {
      return;
    }
    if (before == null) {
      submissions.inc();
      return;
    }
    TaskState.Name from = before.state().name();
    TaskState.Name to = after.state().name();
    if (after.attempts().size() > before.attempts().size()) {
      starts.inc();
      if (before.state() instanceof TaskState.Queued(Instant since)) {
        queued.observe(seconds(since, change.at()));
      }
    }
    if (to.isTerminal() && !from.isTerminal()) {
      ends.labelValues(to.name()).inc();
    }
    observeEnd(last(before), last(after));
  }

  private void observeEnd(@Nullable Attempt before, @Nullable Attempt after) {
    if (after == null || after.outcome() == null || before == null) {
      return;
    }
    if (before.outcome() == null) {
      Instant endedAt = after.endedAt();
      if (endedAt != null) {
        durations.labelValues(kind(after.outcome())).observe(seconds(after.startedAt(), endedAt));
      }
    }
    // Late output adds to what was counted at the end.
    outputBytes.inc(Math.max(0, bytes(after) - bytes(before)));
  }

  private static String kind(Outcome outcome) {
    return KINDS.get(
        switch (outcome) {
          case Outcome.Exited _ -> 0;
          case Outcome.Signaled _ -> 1;
          case Outcome.StartFailed _ -> 2;
          case Outcome.Unknown _ -> 3;
        });
  }

  private static @Nullable Attempt last(Task task) {
    return task.attempts().isEmpty() ? null : task.attempts().getLast();
  }

  private static long bytes(Attempt attempt) {
    return attempt.outputBytes().values().stream().mapToLong(Long::longValue).sum();
  }

  /** A clock that was set back makes no negative times. */
  private static double seconds(Instant from, Instant to) {
    return Math.max(0, Duration.between(from, to).toNanos() / NANOS);
  }
}

package holdfast.adapters.web.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import holdfast.application.TaskChange;
import holdfast.domain.port.Change;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.task.Task;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class TaskMeterTest {
  @Test
  void aLifeWithRetriesAndLateOutputCountsEachStartAndEachEndOnce() {
    var registry = new PrometheusRegistry();
    var meter = new TaskMeter(registry);
    Task before = null;
    long seq = 0;
    for (Change change : SampleTasks.wholeLife(1)) {
      Task after = ((Change.PutTask) change).task();
      meter.observe(new TaskChange(++seq, change.cause(), change.at(), before, after));
      before = after;
    }
    var ended =
        Map.of(
            "TIMED_OUT",
            1.0,
            "FAILED",
            1.0,
            "LOST",
            1.0,
            "CANCELED",
            1.0,
            "SUCCEEDED",
            0.0,
            "SKIPPED",
            0.0);
    assertEquals(new TreeMap<>(ended), values(registry, "holdfast_task_outcomes"));
    assertEquals(Map.of("", 1.0), values(registry, "holdfast_task_submissions"));
    assertEquals(Map.of("", 5.0), values(registry, "holdfast_task_starts"));
    assertEquals(Map.of("", 15_000_000_001.0), values(registry, "holdfast_output_bytes"));
  }

  private static Map<String, Double> values(PrometheusRegistry registry, String name) {
    var values = new TreeMap<String, Double>();
    registry.scrape().stream()
        .filter(metric -> metric.getMetadata().getName().equals(name))
        .map(CounterSnapshot.class::cast)
        .flatMap(counter -> counter.getDataPoints().stream())
        .forEach(point -> values.put(label(point), point.getValue()));
    return values;
  }

  private static String label(CounterSnapshot.CounterDataPointSnapshot point) {
    return point.getLabels().isEmpty() ? "" : point.getLabels().getValue(0);
  }
}

package holdfast.adapters.web.wire;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How the server is.
 *
 * @param status {@code healthy}, {@code degraded} or {@code unhealthy}: the worst of the components
 */
@JsonbPropertyOrder({"status", "components", "metrics"})
public record HealthBody(
    String status, Map<String, ComponentBody> components, MetricsBody metrics) {

  /** One part of the server. */
  @JsonbPropertyOrder({"status", "message"})
  public record ComponentBody(String status, String message) {}

  /**
   * Figures.
   *
   * @param uptime seconds since the start
   */
  @JsonbPropertyOrder({"activeTasks", "totalTasks", "uptime", "memoryUsage"})
  public record MetricsBody(int activeTasks, int totalTasks, long uptime, MemoryBody memoryUsage) {}

  /** Bytes of the Java heap. */
  @JsonbPropertyOrder({"heapUsed", "heapTotal", "heapMax"})
  public record MemoryBody(long heapUsed, long heapTotal, long heapMax) {}

  /**
   * The answer of one probe.
   *
   * @param status {@code UP} or {@code DOWN}
   */
  @JsonbPropertyOrder({"status", "checks"})
  public record ProbeBody(String status, List<CheckBody> checks) {}

  /** One check of a probe. */
  @JsonbPropertyOrder({"name", "status", "message"})
  public record CheckBody(String name, String status, @Nullable String message) {}
}

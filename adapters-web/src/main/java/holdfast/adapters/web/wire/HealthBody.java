package holdfast.adapters.web.wire;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import java.time.Instant;
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

  /**
   * One part of the server.
   *
   * @param message what it does, or why it is not healthy
   * @param remedy what to do if it is not healthy, else null
   * @param since when its status last changed, as far as this start knows
   */
  @JsonbPropertyOrder({"status", "message", "remedy", "since"})
  public record ComponentBody(
      String status, String message, @Nullable String remedy, Instant since) {}

  /** The same with its name, for whoever follows. */
  @JsonbPropertyOrder({"name", "status", "message", "remedy", "since"})
  public record NamedComponentBody(
      String name, String status, String message, @Nullable String remedy, Instant since) {}

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

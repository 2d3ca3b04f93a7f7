package holdfast.adapters.web;

import holdfast.adapters.web.wire.HealthBody;
import holdfast.adapters.web.wire.HealthBody.CheckBody;
import holdfast.adapters.web.wire.HealthBody.ComponentBody;
import holdfast.adapters.web.wire.HealthBody.MemoryBody;
import holdfast.adapters.web.wire.HealthBody.MetricsBody;
import holdfast.adapters.web.wire.HealthBody.ProbeBody;
import holdfast.application.HealthReport;
import holdfast.application.Holdfast;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.task.TaskState;
import io.helidon.health.HealthCheck;
import io.helidon.health.HealthCheckResponse;
import io.helidon.health.HealthCheckType;
import io.helidon.http.Status;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * {@code /api/health}. The probes answer from the first moment on, also while tasks are recovered:
 * live means that the process answers, started that recovery is done, ready that work is taken.
 */
final class HealthRoutes {
  private static final String BASE = "/api/health";
  private static final String MESSAGE = "message";

  private final Supplier<@Nullable Holdfast> application;
  private final BooleanSupplier draining;
  private final IntSupplier sockets;
  private final Supplier<String> closedBecause;

  /**
   * @param closedBecause why there is no application as yet
   */
  HealthRoutes(
      Supplier<@Nullable Holdfast> application,
      BooleanSupplier draining,
      IntSupplier sockets,
      Supplier<String> closedBecause) {
    this.application = application;
    this.draining = draining;
    this.sockets = sockets;
    this.closedBecause = closedBecause;
  }

  List<Route> probes() {
    return List.of(
        probe("live", () -> List.of(check("server", HealthCheckType.LIVENESS, true, "answers"))),
        probe("started", () -> List.of(recovery(HealthCheckType.STARTUP))),
        probe("ready", this::readiness));
  }

  Route overview() {
    return new Route("GET", BASE, Access.TOKEN, Set.of(), _ -> overviewNow());
  }

  private static Route probe(String name, Supplier<List<HealthCheck>> checks) {
    return new Route("GET", BASE + "/" + name, Access.ANYBODY, Set.of(), _ -> answer(checks.get()));
  }

  private static Response answer(List<HealthCheck> checks) {
    boolean up = true;
    var bodies = new ArrayList<CheckBody>();
    for (HealthCheck check : checks) {
      HealthCheckResponse response = check.call();
      up &= response.status() == HealthCheckResponse.Status.UP;
      bodies.add(
          new CheckBody(
              check.name(),
              response.status().name(),
              String.valueOf(response.details().get(MESSAGE))));
    }
    return Answers.json(
        up ? Status.OK_200 : Status.SERVICE_UNAVAILABLE_503,
        Rendering.json(new ProbeBody(up ? "UP" : "DOWN", bodies)));
  }

  private List<HealthCheck> readiness() {
    var checks = new ArrayList<HealthCheck>();
    checks.add(recovery(HealthCheckType.READINESS));
    boolean going = draining.getAsBoolean();
    checks.add(
        check(
            "connections",
            HealthCheckType.READINESS,
            !going,
            going ? "the server is going away" : "requests are taken"));
    Holdfast running = application.get();
    if (running != null) {
      for (HealthReport.Check check : running.health().checks()) {
        if (check.vital()) {
          checks.add(check(check.name(), HealthCheckType.READINESS, check.up(), check.message()));
        }
      }
    }
    return checks;
  }

  private HealthCheck recovery(HealthCheckType type) {
    boolean done = application.get() != null;
    return check(
        "recovery", type, done, done ? "every task is accounted for" : closedBecause.get());
  }

  private static HealthCheck check(String name, HealthCheckType type, boolean up, String message) {
    return new HealthCheck() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public HealthCheckType type() {
        return type;
      }

      @Override
      public HealthCheckResponse call() {
        return HealthCheckResponse.builder().status(up).detail(MESSAGE, message).build();
      }
    };
  }

  private Response overviewNow() {
    Holdfast running = application.get();
    if (running == null) {
      throw new IllegalStateException("served before the application was there");
    }
    Map<String, ComponentBody> components = new LinkedHashMap<>();
    boolean healthy = true;
    boolean degraded = false;
    for (HealthReport.Check check : running.health().checks()) {
      healthy &= check.up() || !check.vital();
      degraded |= !check.up();
      String without = check.vital() ? "unhealthy" : "degraded";
      components.put(
          check.name(), new ComponentBody(check.up() ? "healthy" : without, check.message()));
    }
    ComponentBody recovery = recovered(running.recovery().report().orElse(null));
    components.put("recovery", recovery);
    components.put(
        "websocket", new ComponentBody("healthy", sockets.getAsInt() + " active connections"));
    degraded |= !recovery.status().equals("healthy");
    var body =
        new HealthBody(
            !healthy ? "unhealthy" : degraded ? "degraded" : "healthy",
            components,
            metrics(running.state().counts()));
    return Answers.json(
        healthy ? Status.OK_200 : Status.SERVICE_UNAVAILABLE_503, Rendering.json(body));
  }

  private static ComponentBody recovered(@Nullable RecoveryReport report) {
    if (report == null) {
      return new ComponentBody("degraded", "no report of this start; look into the log");
    }
    long open = report.tasks().stream().filter(RecoveryReport.TaskVerdict::needsDecision).count();
    if (open > 0) {
      return new ComponentBody(
          "degraded", open + " tasks need a decision; see GET /api/recovery for the evidence");
    }
    if (report.degraded()) {
      return new ComponentBody(
          "degraded", "a copy that ought to exist was missing; see GET /api/recovery");
    }
    return new ComponentBody(
        "healthy", report.tasks().size() + " active tasks were accounted for at the start");
  }

  private static MetricsBody metrics(Map<TaskState.Name, Integer> counts) {
    int total = 0;
    int active = 0;
    for (Map.Entry<TaskState.Name, Integer> entry : counts.entrySet()) {
      total += entry.getValue();
      active += entry.getKey().isActive() ? entry.getValue() : 0;
    }
    Runtime runtime = Runtime.getRuntime();
    return new MetricsBody(
        active,
        total,
        ManagementFactory.getRuntimeMXBean().getUptime() / 1_000,
        new MemoryBody(
            runtime.totalMemory() - runtime.freeMemory(),
            runtime.totalMemory(),
            runtime.maxMemory()));
  }
}

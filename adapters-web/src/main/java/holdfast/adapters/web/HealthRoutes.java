package holdfast.adapters.web;

import holdfast.adapters.web.wire.HealthBody;
import holdfast.adapters.web.wire.HealthBody.CheckBody;
import holdfast.adapters.web.wire.HealthBody.ComponentBody;
import holdfast.adapters.web.wire.HealthBody.MemoryBody;
import holdfast.adapters.web.wire.HealthBody.MetricsBody;
import holdfast.adapters.web.wire.HealthBody.ProbeBody;
import holdfast.application.HealthReport;
import holdfast.application.HealthReport.Component;
import holdfast.application.Holdfast;
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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * {@code /api/health}. The probes answer from the first moment on, also while tasks are recovered:
 * live means that the process answers, started that recovery is done, ready that work is taken.
 */
final class HealthRoutes {
  private static final String BASE = "/api/health";

  /**
   * Without these nothing can be done here; with a full disk tasks can be looked at and stopped.
   */
  private static final Set<String> READINESS = Set.of("persistence", "journal", "lifecycle");

  private final Supplier<@Nullable Holdfast> application;
  private final BooleanSupplier draining;
  private final Supplier<String> closedBecause;

  /**
   * @param closedBecause why there is no application as yet
   */
  HealthRoutes(
      Supplier<@Nullable Holdfast> application,
      BooleanSupplier draining,
      Supplier<String> closedBecause) {
    this.application = application;
    this.draining = draining;
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
              String.valueOf(response.details().get(ProbeCheck.MESSAGE))));
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
      running.health().look().stream()
          .filter(component -> READINESS.contains(component.check().name()))
          .forEach(component -> checks.add(new ComponentCheck(component)));
    }
    return checks;
  }

  private HealthCheck recovery(HealthCheckType type) {
    boolean done = application.get() != null;
    return check(
        "recovery", type, done, done ? "every task is accounted for" : closedBecause.get());
  }

  private static HealthCheck check(String name, HealthCheckType type, boolean up, String message) {
    return new ProbeCheck(name, type, up, message);
  }

  private Response overviewNow() {
    Holdfast running = application.get();
    if (running == null) {
      throw new IllegalStateException("served before the application was there");
    }
    List<Component> all = running.health().look();
    Map<String, ComponentBody> components = new LinkedHashMap<>();
    for (Component component : all) {
      components.put(component.check().name(), new ComponentCheck(component).body());
    }
    HealthReport.Status worst = HealthReport.worst(all);
    var body = new HealthBody(worst.label(), components, metrics(running.state().counts()));
    return Answers.json(
        worst == HealthReport.Status.UNHEALTHY ? Status.SERVICE_UNAVAILABLE_503 : Status.OK_200,
        Rendering.json(body));
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

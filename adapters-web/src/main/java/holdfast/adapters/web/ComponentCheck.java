package holdfast.adapters.web;

import holdfast.adapters.web.wire.HealthBody.ComponentBody;
import holdfast.adapters.web.wire.HealthBody.NamedComponentBody;
import holdfast.application.HealthReport.Check;
import holdfast.application.HealthReport.Component;
import io.helidon.health.HealthCheck;
import io.helidon.health.HealthCheckResponse;
import io.helidon.health.HealthCheckType;

/**
 * A component of the server as a health check: DOWN while the server is not ready because of it.
 */
final class ComponentCheck implements HealthCheck {
  private final Component component;

  ComponentCheck(Component component) {
    this.component = component;
  }

  @Override
  public String name() {
    return component.check().name();
  }

  @Override
  public HealthCheckType type() {
    return HealthCheckType.READINESS;
  }

  @Override
  public HealthCheckResponse call() {
    Check check = component.check();
    return HealthCheckResponse.builder()
        .status(!check.blocking())
        .detail("status", check.status().label())
        .detail(ProbeCheck.MESSAGE, check.message())
        .build();
  }

  ComponentBody body() {
    Check check = component.check();
    return new ComponentBody(
        check.status().label(), check.message(), check.remedy(), component.since());
  }

  /** The same with its name. */
  static NamedComponentBody named(Component component) {
    Check check = component.check();
    return new NamedComponentBody(
        check.name(), check.status().label(), check.message(), check.remedy(), component.since());
  }
}

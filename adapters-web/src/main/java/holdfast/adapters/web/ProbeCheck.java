package holdfast.adapters.web;

import io.helidon.health.HealthCheck;
import io.helidon.health.HealthCheckResponse;
import io.helidon.health.HealthCheckType;

/**
 * What a probe asks, and its answer.
 *
 * @param message says it to people
 */
record ProbeCheck(String name, HealthCheckType type, boolean up, String message)
    implements HealthCheck {
  /** The detail of a response that people read. */
  static final String MESSAGE = "message";

  @Override
  public HealthCheckResponse call() {
    return HealthCheckResponse.builder().status(up).detail(MESSAGE, message).build();
  }
}

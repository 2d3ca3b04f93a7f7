package holdfast.adapters.web;

import holdfast.adapters.web.metrics.Metrics;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import java.util.List;
import java.util.Set;

/** {@code /metrics}: for a Prometheus that has a token. */
final class MetricsRoute {
  private MetricsRoute() {}

  static Route of(Metrics metrics) {
    var type = HeaderValues.createCached(HeaderNames.CONTENT_TYPE, Metrics.TEXT);
    return new Route(
        "GET",
        "/metrics",
        Access.TOKEN,
        Set.of(),
        "text/plain",
        _ -> new Response.Whole(Status.OK_200, metrics.text(), List.of(type)));
  }
}

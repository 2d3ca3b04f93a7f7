package holdfast.adapters.web;

import holdfast.adapters.web.wire.RecoveryBody;
import holdfast.adapters.web.wire.RecoveryBody.VerdictBody;
import holdfast.application.Recovery;
import holdfast.domain.recovery.RecoveryReport;
import io.helidon.http.Status;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** {@code /api/recovery}: what the starts of the server found and did. */
final class RecoveryRoutes {
  private static final int REPORTS_MAX = 100;
  private static final int REPORTS_USUAL = 20;

  private final Recovery recovery;

  RecoveryRoutes(Recovery recovery) {
    this.recovery = recovery;
  }

  List<Route> routes() {
    return List.of(
        new Route("GET", "/api/recovery", Access.TOKEN, Set.of(), _ -> last()),
        new Route("GET", "/api/recovery/reports", Access.TOKEN, Set.of("limit"), this::reports));
  }

  private Response last() {
    RecoveryReport report =
        recovery
            .report()
            .orElseThrow(
                () ->
                    new RefusedException(
                        Problem.of(ProblemCode.NOT_FOUND, "this start has no report yet")));
    return Answers.json(Status.OK_200, Rendering.json(body(report)));
  }

  private Response reports(Call call) {
    int limit = call.query().number("limit", 1, REPORTS_MAX, REPORTS_USUAL);
    List<RecoveryBody> items = recovery.reports(limit).stream().map(RecoveryRoutes::body).toList();
    return Answers.json(Status.OK_200, Rendering.json(new RecoveryBody.Reports(items)));
  }

  private static RecoveryBody body(RecoveryReport report) {
    return new RecoveryBody(
        report.id(),
        report.startedAt(),
        report.readyAt(),
        report.cause().name().toLowerCase(Locale.ROOT).replace('_', '-'),
        report.degraded(),
        report.replayed(),
        report.tornTail(),
        report.healed(),
        report.quarantined(),
        report.tasks().stream()
            .map(
                verdict ->
                    new VerdictBody(
                        verdict.id().value(),
                        verdict.attempt(),
                        verdict.verdict(),
                        verdict.reason(),
                        verdict.evidence(),
                        verdict.decision(),
                        verdict.needsDecision()))
            .toList());
  }
}

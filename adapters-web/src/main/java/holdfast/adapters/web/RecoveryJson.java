package holdfast.adapters.web;

import holdfast.adapters.web.wire.RecoveryBody;
import holdfast.adapters.web.wire.RecoveryBody.DecidedBody;
import holdfast.adapters.web.wire.RecoveryBody.VerdictBody;
import holdfast.adapters.web.wire.RehearsalBody;
import holdfast.application.Holdfast.Rehearsal;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryReport.Decided;
import holdfast.domain.recovery.RecoveryReport.TaskVerdict;
import holdfast.domain.task.TaskState;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Recovery reports as clients see them. */
public final class RecoveryJson {
  private RecoveryJson() {}

  /** The cause by its name in the API. */
  public static String cause(RecoveryReport report) {
    return report.cause().name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  static byte[] report(RecoveryReport report) {
    return Rendering.json(body(report));
  }

  /**
   * A start that was only rehearsed, UTF-8.
   *
   * @param heldBack why it would not even be tried now, or null
   */
  public static byte[] rehearsal(Rehearsal rehearsal, @Nullable String heldBack) {
    Map<String, Integer> states = new LinkedHashMap<>();
    for (TaskState.Name name : TaskState.Name.values()) {
      states.put(name.name(), rehearsal.states().getOrDefault(name, 0));
    }
    return Rendering.json(
        new RehearsalBody(true, rehearsal.readOnly(), heldBack, body(rehearsal.report()), states));
  }

  private static RecoveryBody body(RecoveryReport report) {
    return new RecoveryBody(
        report.id(),
        report.startedAt(),
        report.readyAt(),
        cause(report),
        report.degraded(),
        report.replayed(),
        report.tornTail(),
        report.healed(),
        report.quarantined(),
        report.tasks().stream().map(RecoveryJson::body).toList());
  }

  private static VerdictBody body(TaskVerdict verdict) {
    return new VerdictBody(
        verdict.id().value(),
        verdict.attempt(),
        verdict.verdict(),
        verdict.reason(),
        verdict.evidence(),
        verdict.decision(),
        verdict.needsDecision(),
        body(verdict.decided()));
  }

  private static @Nullable DecidedBody body(@Nullable Decided decided) {
    return decided == null
        ? null
        : new DecidedBody(decided.decision().name().toLowerCase(Locale.ROOT), decided.at());
  }
}

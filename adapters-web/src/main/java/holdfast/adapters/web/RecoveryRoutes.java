package holdfast.adapters.web;

import holdfast.application.Holdfast;
import holdfast.application.Recovery;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.task.RunDecision;
import holdfast.domain.task.TaskId;
import io.helidon.http.Status;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * {@code /api/recovery}: what the starts of the server found and did, and decisions about what they
 * could not find out.
 */
final class RecoveryRoutes {
  private static final String BASE = "/api/recovery";
  private static final String REPORTS = BASE + "/reports";
  private static final int PAGE_BYTES_MAX = 8 << 20;
  private static final Map<String, RunDecision> DECISIONS =
      Map.of("retry", RunDecision.RETRY, "fail", RunDecision.FAIL, "ignore", RunDecision.IGNORE);

  private final Holdfast application;
  private final TaskCalls calls;

  RecoveryRoutes(Holdfast application, TaskCalls calls) {
    this.application = application;
    this.calls = calls;
  }

  List<Route> routes() {
    return List.of(
        new Route("GET", BASE, Access.TOKEN, Set.of(), _ -> last()),
        new Route("GET", REPORTS, Access.TOKEN, Set.of("limit", "cursor"), this::reports),
        new Route("GET", REPORTS + "/" + Route.PARAMETER, Access.TOKEN, Set.of(), this::report),
        new Route(
            "POST",
            BASE + "/tasks/" + Route.PARAMETER + "/decision",
            Access.TOKEN,
            Set.of(),
            this::decide));
  }

  private Recovery recovery() {
    return application.recovery();
  }

  private Response last() {
    RecoveryReport report =
        recovery()
            .report()
            .orElseThrow(
                () ->
                    new RefusedException(
                        Problem.of(ProblemCode.NOT_FOUND, "this start has no report yet")));
    return Answers.json(Status.OK_200, RecoveryJson.report(report));
  }

  private Response report(Call call) {
    RecoveryReport report =
        recovery()
            .report(call.id())
            .orElseThrow(
                () ->
                    new RefusedException(
                        Problem.of(
                            ProblemCode.NOT_FOUND,
                            "there is no recovery report "
                                + call.id()
                                + "; GET "
                                + REPORTS
                                + " lists those that are kept")));
    return Answers.json(Status.OK_200, RecoveryJson.report(report));
  }

  private Response reports(Call call) {
    int limit = call.query().number("limit", 1, TaskRoutes.PAGE_MAX, TaskRoutes.PAGE_USUAL);
    String cursor = call.query().text("cursor");
    List<RecoveryReport> found =
        Upkeep.orRefuse(
            () -> recovery().reports(cursor == null ? null : Cursor.report(cursor), limit + 1));
    var body = new JsonBytes(4_096);
    body.ascii("{\"items\":[");
    int shown = 0;
    while (shown < Math.min(limit, found.size())
        && (shown == 0 || body.length() < PAGE_BYTES_MAX)) {
      body.ascii(shown == 0 ? "" : ",").raw(RecoveryJson.report(found.get(shown)));
      shown++;
    }
    boolean isMore = shown < found.size();
    body.ascii("],\"nextCursor\":")
        .text(isMore ? Cursor.ofReport(found.get(shown - 1).id()) : null)
        .ascii("}");
    return Answers.json(Status.OK_200, body.toBytes());
  }

  private Response decide(Call call) throws InterruptedException {
    TaskId task = TaskCalls.taskId(call.id());
    RunDecision decision = decision(call);
    Precondition ifMatch = call.ifMatch();
    try {
      return calls.withTask(
          Status.OK_200,
          application.recoveryDecisions().decide(task, decision, calls.expected(task, ifMatch)));
    } catch (StorageException e) {
      throw Upkeep.refused(e);
    }
  }

  private static RunDecision decision(Call call) {
    var violations = new Violations();
    var reader = new BodyReader(StrictJson.object(call.json()), "", violations);
    RunDecision decision = reader.choice("decision", DECISIONS);
    if (decision == null && violations.all().isEmpty()) {
      violations.add("/decision", "is required: retry, fail or ignore");
    }
    reader.finish();
    violations.refuseIfAny();
    return Objects.requireNonNull(decision, "refused otherwise");
  }
}

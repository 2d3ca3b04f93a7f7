package holdfast.adapters.web;

import holdfast.application.Answer;
import holdfast.application.ExternalEdits.Settled;
import holdfast.application.Holdfast;
import holdfast.application.SyncService;
import holdfast.domain.port.Conflict;
import holdfast.domain.port.Conflict.Kept;
import holdfast.domain.port.StorageException;
import io.helidon.http.Status;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** {@code /api/sync}: how far the state files are, and what became of edits in them. */
final class SyncRoutes {
  private static final String BASE = "/api/sync";
  private static final String CONFLICTS = BASE + "/conflicts";
  private static final int PAGE_BYTES_MAX = 8 << 20;

  private final Holdfast application;
  private final SyncJson json;

  SyncRoutes(Holdfast application, SyncJson json) {
    this.application = application;
    this.json = json;
  }

  List<Route> routes() {
    return List.of(
        new Route(
            "GET", BASE, Access.TOKEN, Set.of(), _ -> Answers.json(Status.OK_200, json.status())),
        new Route("POST", BASE + "/force", Access.TOKEN, Set.of(), this::force),
        new Route("GET", CONFLICTS, Access.TOKEN, Set.of("limit", "cursor"), this::conflicts),
        new Route(
            "POST",
            CONFLICTS + "/" + Route.PARAMETER + "/resolve",
            Access.TOKEN,
            Set.of(),
            this::resolve));
  }

  private Response force(Call call) {
    Upkeep.requireNothingIn(call);
    Upkeep.requireWritable(application);
    try {
      SyncService.Forced forced = application.sync().force();
      return Answers.json(Status.OK_200, SyncJson.round(forced));
    } catch (StorageException e) {
      throw Upkeep.refused(e);
    }
  }

  private Response conflicts(Call call) {
    int limit = call.query().number("limit", 1, TaskRoutes.PAGE_MAX, TaskRoutes.PAGE_USUAL);
    String cursor = call.query().text("cursor");
    String before = cursor == null ? null : Cursor.conflict(cursor);
    List<Conflict> left =
        application.sync().edits().conflicts().stream()
            .filter(conflict -> before == null || conflict.id().compareTo(before) < 0)
            .toList();
    var body = new JsonBytes(4_096);
    body.ascii("{\"items\":[");
    int shown = 0;
    while (shown < Math.min(limit, left.size()) && (shown == 0 || body.length() < PAGE_BYTES_MAX)) {
      body.ascii(shown == 0 ? "" : ",").raw(json.conflict(left.get(shown)));
      shown++;
    }
    boolean more = shown < left.size();
    body.ascii("],\"nextCursor\":")
        .text(more ? Cursor.ofConflict(left.get(shown - 1).id()) : null)
        .ascii("}");
    return Answers.json(Status.OK_200, body.toBytes());
  }

  private Response resolve(Call call) throws InterruptedException {
    Json.Members body = StrictJson.object(call.json());
    var violations = new Violations();
    var reader = new BodyReader(body, "", violations);
    Kept keep = reader.choice("keep", Map.of("memory", Kept.MEMORY, "persistent", Kept.PERSISTENT));
    if (keep == null && violations.all().isEmpty()) {
      violations.add("/keep", "is required: memory or persistent");
    }
    reader.finish();
    violations.refuseIfAny();
    Kept chosen = Objects.requireNonNull(keep, "refused otherwise");
    Upkeep.requireWritable(application);
    try {
      Settled settled = application.sync().edits().resolve(call.id(), chosen);
      return switch (settled) {
        case Settled.Done(Conflict conflict) ->
            Answers.json(Status.OK_200, json.conflict(conflict));
        case Settled.NotFound() ->
            throw new RefusedException(
                Problem.of(ProblemCode.NOT_FOUND, "there is no conflict " + call.id()));
        case Settled.Refused(String reason) ->
            throw new RefusedException(Problem.of(ProblemCode.WRONG_STATE, reason));
        case Settled.Unavailable(Answer<?> answer) -> throw Answers.refusal(answer);
      };
    } catch (StorageException e) {
      throw Upkeep.refused(e);
    }
  }
}

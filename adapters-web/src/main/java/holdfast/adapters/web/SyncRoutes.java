package holdfast.adapters.web;

import holdfast.application.Answer;
import holdfast.application.ExternalEdits.Settled;
import holdfast.application.Holdfast;
import holdfast.application.InitiativeView;
import holdfast.application.Lookup;
import holdfast.application.SyncService;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeState;
import holdfast.domain.port.Conflict;
import holdfast.domain.port.Conflict.Kept;
import holdfast.domain.port.Conflict.Side;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Stored;
import io.helidon.http.Status;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code /api/sync}: how far the state files are, and what became of edits in them. */
final class SyncRoutes {
  private static final String BASE = "/api/sync";
  private static final String CONFLICTS = BASE + "/conflicts";
  private static final int PAGE_BYTES_MAX = 8 << 20;

  private final Holdfast application;
  private final Rendering rendering;

  SyncRoutes(Holdfast application, Rendering rendering) {
    this.application = application;
    this.rendering = rendering;
  }

  List<Route> routes() {
    return List.of(
        new Route("GET", BASE, Access.TOKEN, Set.of(), _ -> status()),
        new Route("POST", BASE + "/force", Access.TOKEN, Set.of(), this::force),
        new Route("GET", CONFLICTS, Access.TOKEN, Set.of("limit", "cursor"), this::conflicts),
        new Route(
            "POST",
            CONFLICTS + "/" + Route.PARAMETER + "/resolve",
            Access.TOKEN,
            Set.of(),
            this::resolve));
  }

  private Response status() {
    SyncService sync = application.sync();
    SyncService.Status status = sync.status();
    List<Conflict> conflicts = sync.edits().conflicts();
    long open = conflicts.stream().filter(conflict -> !conflict.resolved()).count();
    Instant last = status.lastSync();
    var body = new JsonBytes(512);
    body.ascii("{\"strategy\":").text(sync.edits().strategy().label());
    body.ascii(",\"intervalMs\":").number(sync.interval().toMillis());
    body.ascii(",\"lastSync\":").text(last == null ? null : last.toString());
    body.ascii(",\"lastDurationMs\":").number(status.lastDuration().toMillis());
    body.ascii(",\"dirty\":").number(status.dirty());
    body.ascii(",\"checkpointSeq\":").number(status.checkpoint());
    body.ascii(",\"seq\":").number(status.seq());
    body.ascii(",\"lag\":").number(Math.max(0, status.seq() - status.checkpoint()));
    body.ascii(",\"delayed\":").ascii(String.valueOf(status.delayed()));
    body.ascii(",\"watch\":").text(sync.watchObstacle() == null ? "on" : sync.watchObstacle());
    body.ascii(",\"conflicts\":{\"open\":").number(open);
    body.ascii(",\"total\":").number(conflicts.size()).ascii("}}");
    return Answers.json(Status.OK_200, body.toBytes());
  }

  private Response force(Call call) {
    Upkeep.requireNothingIn(call);
    Upkeep.requireWritable(application);
    try {
      SyncService.Forced forced = application.sync().force();
      var body = new JsonBytes(256);
      body.ascii("{\"seq\":").number(forced.seq());
      body.ascii(",\"written\":").number(forced.written());
      body.ascii(",\"adopted\":").number(forced.adopted());
      body.ascii(",\"quarantined\":").number(forced.quarantined());
      body.ascii(",\"durationMs\":").number(forced.duration().toMillis()).ascii("}");
      return Answers.json(Status.OK_200, body.toBytes());
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
      body.ascii(shown == 0 ? "" : ",").raw(render(left.get(shown)));
      shown++;
    }
    boolean more = shown < left.size();
    body.ascii("],\"nextCursor\":")
        .text(more ? Cursor.ofConflict(left.get(shown - 1).id()) : null)
        .ascii("}");
    return Answers.json(Status.OK_200, body.toBytes());
  }

  private Response resolve(Call call) throws InterruptedException {
    Json.Members json = StrictJson.object(call.json());
    var violations = new Violations();
    var reader = new BodyReader(json, "", violations);
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
        case Settled.Done(Conflict conflict) -> Answers.json(Status.OK_200, render(conflict));
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

  private byte[] render(Conflict conflict) {
    var body = new JsonBytes(2_048);
    body.ascii("{\"id\":").text(conflict.id());
    body.ascii(",\"entity\":").text(lower(conflict.key().kind()));
    body.ascii(",\"key\":").text(conflict.key().id());
    body.ascii(",\"at\":").text(conflict.at().toString());
    body.ascii(",\"strategy\":").text(conflict.strategy().label());
    body.ascii(",\"kept\":").text(lower(conflict.kept()));
    body.ascii(",\"resolved\":").ascii(String.valueOf(conflict.resolved()));
    body.ascii(",\"memory\":").raw(render(conflict.memory()));
    body.ascii(",\"persistent\":").raw(render(conflict.persistent()));
    body.ascii(",\"quarantine\":").text(conflict.quarantine());
    body.ascii(",\"reason\":").text(conflict.reason()).ascii("}");
    return body.toBytes();
  }

  private byte[] render(@Nullable Side side) {
    return switch (side) {
      case null -> "null".getBytes(StandardCharsets.US_ASCII);
      case Side.OfTask(var task) -> rendering.task(task);
      case Side.OfInitiative(var initiative) -> Rendering.initiative(view(initiative));
    };
  }

  private InitiativeView view(Stored<Initiative> stored) {
    Initiative initiative = stored.entity();
    return application.state().initiative(initiative.id())
            instanceof Lookup.Found<InitiativeView>(InitiativeView now)
        ? new InitiativeView(initiative, now.state(), now.counts(), stored.seq(), stored.cause())
        : new InitiativeView(
            initiative, InitiativeState.OPEN, Map.of(), stored.seq(), stored.cause());
  }

  private static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}

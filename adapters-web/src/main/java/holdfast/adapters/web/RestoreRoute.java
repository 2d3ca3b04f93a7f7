package holdfast.adapters.web;

import holdfast.application.Answer;
import holdfast.application.Holdfast;
import holdfast.application.RestoreService.Result;
import holdfast.domain.restoration.Restoration.Running;
import holdfast.domain.restoration.RestorationDiff;
import holdfast.domain.restoration.RestorationDiff.Line;
import holdfast.domain.task.InvalidSpecException.Violation;
import io.helidon.http.Status;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code POST /api/snapshots/{id}/restore}: the state returns to a snapshot, or it is said what
 * that would do.
 *
 * <p>The body of a restore repeats the snapshot's id, so that none is done by a slip.
 */
final class RestoreRoute {
  private static final String PATH = "/api/snapshots/" + Route.PARAMETER + "/restore";
  private static final Duration RETRY = Duration.ofSeconds(10);

  /** What is more is counted, not shown. */
  private static final int SHOWN_MAX = 1_000;

  private static final int TITLE_CHARS_MAX = 200;
  private static final int NAMED_MAX = 100;
  private static final int NAMED_IN_DETAIL_MAX = 5;

  private final Holdfast application;

  RestoreRoute(Holdfast application) {
    this.application = application;
  }

  Route route() {
    return new Route("POST", PATH, Access.TOKEN, Set.of("dryRun"), this::restore);
  }

  /** What is asked for; {@code confirm} is null in a dry run that does without. */
  private record Order(@Nullable String confirm, Running running) {}

  private Response restore(Call call) throws InterruptedException {
    boolean isDryRun = call.query().truth("dryRun");
    Order order = order(call, isDryRun);
    Upkeep.requireWritable(application);
    Result result =
        isDryRun
            ? application.restore().plan(call.id())
            : application.restore().restore(call.id(), order.running());
    return answer(call.id(), result);
  }

  private Order order(Call call, boolean isDryRun) {
    byte[] body = call.json();
    if (body.length == 0 && isDryRun) {
      return new Order(null, Running.REFUSE);
    }
    var violations = new Violations();
    var reader = new BodyReader(StrictJson.object(body), "", violations);
    String confirm = reader.text("confirm");
    Running running = reader.choice("running", Map.of("adopt", Running.ADOPT));
    reader.finish();
    if (confirm == null && !isDryRun && violations.isEmpty()) {
      violations.add(
          "/confirm",
          "is required: repeat the snapshot's id, \""
              + call.id()
              + "\". ?dryRun=true shows first"
              + " what a restore would do");
    }
    violations.refuseIfAny();
    if (confirm != null && !confirm.equals(call.id())) {
      if (application.snapshots().find(call.id()).isEmpty()) {
        throw SnapshotRoutes.missing(call.id());
      }
      throw Answers.refusal(
          new Answer.Impossible<>(
              "/confirm",
              "is not the id of the snapshot to be restored: it must be \"" + call.id() + "\""));
    }
    return new Order(confirm, running == null ? Running.REFUSE : running);
  }

  private static Response answer(String snapshot, Result result) {
    return switch (result) {
      case Result.Restored(var diff, String before, String epoch, long seq) ->
          rendered(snapshot, diff, new Done(before, epoch, seq));
      case Result.Planned(var diff) -> rendered(snapshot, diff, null);
      case Result.Refused(List<Line> active) -> throw new RefusedException(active(active));
      case Result.NoSuchSnapshot() -> throw SnapshotRoutes.missing(snapshot);
      case Result.Unusable(String detail) ->
          throw new RefusedException(Problem.of(ProblemCode.IMPOSSIBLE, detail));
      case Result.ShuttingDown() ->
          throw new RefusedException(
              Problem.retryAfter(
                  ProblemCode.STOPPING, "the server is going away; nothing was changed", RETRY));
      case Result.Unavailable(var reason, String detail) ->
          throw Answers.refusal(new Answer.Unavailable<>(reason, detail));
      case Result.DurabilityUnknown(String detail) ->
          throw Answers.refusal(new Answer.DurabilityUnknown<>(detail));
    };
  }

  private static Problem active(List<Line> active) {
    List<Violation> errors =
        active.stream()
            .limit(NAMED_MAX)
            .map(line -> new Violation("/running", sentence(line)))
            .toList();
    String named =
        String.join(
            "; ", active.stream().limit(NAMED_IN_DETAIL_MAX).map(RestoreRoute::sentence).toList());
    String detail =
        active.size()
            + (active.size() == 1 ? " task is" : " tasks are")
            + " active that a restore would forget or change: "
            + named
            + (active.size() > NAMED_IN_DETAIL_MAX ? "; and more, see errors" : "")
            + ". Let them end, stop them, or send \"running\":\"adopt\" to keep them as they are."
            + " Nothing was changed";
    return new Problem(ProblemCode.TASKS_ACTIVE, detail, errors, List.of());
  }

  private static String sentence(Line line) {
    return "task " + line.key().id() + " \"" + shortened(line.title()) + "\": " + line.detail();
  }

  private static String shortened(String title) {
    if (title.length() <= TITLE_CHARS_MAX) {
      return title;
    }
    int end = Character.isHighSurrogate(title.charAt(TITLE_CHARS_MAX - 1)) ? 1 : 0;
    return title.substring(0, TITLE_CHARS_MAX - end) + "…";
  }

  /** What a restore has led to. */
  private record Done(String before, String epoch, long seq) {}

  private static Response rendered(String snapshot, RestorationDiff diff, @Nullable Done done) {
    var json = new JsonBytes(4_096);
    json.ascii("{\"snapshot\":").text(snapshot);
    json.ascii(",\"dryRun\":").ascii(done == null ? "true" : "false");
    json.ascii(",\"before\":").text(done == null ? null : done.before());
    json.ascii(",\"epoch\":").text(done == null ? null : done.epoch());
    json.ascii(",\"seq\":").ascii(done == null ? "null" : Long.toString(done.seq()));
    lines(json, "created", diff.created());
    lines(json, "changed", diff.changed());
    lines(json, "removed", diff.removed());
    lines(json, "running", diff.running());
    json.ascii(",\"unchanged\":").number(diff.unchanged()).ascii("}");
    return Answers.json(Status.OK_200, json.toBytes());
  }

  private static void lines(JsonBytes json, String name, List<Line> lines) {
    json.ascii(",\"").ascii(name).ascii("\":{\"count\":").number(lines.size());
    json.ascii(",\"items\":[");
    String separator = "";
    for (Line line : lines.subList(0, Math.min(SHOWN_MAX, lines.size()))) {
      json.ascii(separator).ascii("{\"entity\":");
      json.text(line.key().kind().name().toLowerCase(Locale.ROOT));
      json.ascii(",\"id\":").text(line.key().id());
      json.ascii(",\"title\":").text(shortened(line.title()));
      json.ascii(",\"detail\":").text(line.detail()).ascii("}");
      separator = ",";
    }
    json.ascii("]}");
  }
}

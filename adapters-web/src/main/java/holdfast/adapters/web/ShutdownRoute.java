package holdfast.adapters.web;

import holdfast.application.GracefulShutdown;
import holdfast.application.GracefulShutdown.Begun;
import holdfast.application.Holdfast;
import holdfast.application.ShutdownPreview;
import holdfast.application.ShutdownPreview.Fate;
import holdfast.application.ShutdownPreview.Item;
import holdfast.application.ShutdownTasks;
import io.helidon.http.Status;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * {@code POST /api/shutdown}: what SIGTERM does, asked for by the API. With {@code preview=true}
 * only says what would become of each task.
 *
 * <p>A shutdown that has begun is not begun again or changed: 409 says who began it, and how.
 */
final class ShutdownRoute {
  private static final String PATH = "/api/shutdown";
  private static final int ITEMS_MAX = 1_000;
  private static final Map<String, ShutdownTasks> POLICIES =
      Map.of("keep", ShutdownTasks.KEEP, "drain", ShutdownTasks.DRAIN, "stop", ShutdownTasks.STOP);

  private final Holdfast application;
  private final GracefulShutdown shutdown;

  ShutdownRoute(Holdfast application, GracefulShutdown shutdown) {
    this.application = application;
    this.shutdown = shutdown;
  }

  Route route() {
    return new Route("POST", PATH, Access.TOKEN, Set.of("preview"), this::answer);
  }

  private Response answer(Call call) {
    boolean preview = call.query().truth("preview");
    ShutdownTasks policy = policy(call);
    if (preview) {
      return Answers.json(
          Status.OK_200, render(application.previewShutdown(policy, shutdown.limit(), ITEMS_MAX)));
    }
    if (!shutdown.begin("POST " + PATH, policy)) {
      throw alreadyBegun(Objects.requireNonNull(shutdown.begun(), "it has begun"));
    }
    var body = new JsonBytes(128);
    body.ascii("{\"tasks\":").text(lower(policy));
    body.ascii(",\"timeout\":").text(shutdown.limit().toString()).ascii("}");
    return Answers.json(Status.ACCEPTED_202, body.toBytes());
  }

  private ShutdownTasks policy(Call call) {
    byte[] body = call.json();
    if (body.length == 0) {
      return shutdown.usual();
    }
    var violations = new Violations();
    var reader = new BodyReader(StrictJson.object(body), "", violations);
    ShutdownTasks chosen = reader.choice("tasks", POLICIES);
    reader.finish();
    violations.refuseIfAny();
    return chosen == null ? shutdown.usual() : chosen;
  }

  private static RefusedException alreadyBegun(Begun begun) {
    return new RefusedException(
        Problem.of(
            ProblemCode.WRONG_STATE,
            "a shutdown was begun at "
                + begun.at()
                + " by "
                + begun.cause()
                + " with tasks "
                + lower(begun.tasks())
                + " and goes on; tasks can still be stopped one by one, and a signal hastens it"));
  }

  private byte[] render(ShutdownPreview preview) {
    var body = new JsonBytes(4_096);
    body.ascii("{\"tasks\":").text(lower(preview.policy()));
    body.ascii(",\"timeout\":").text(shutdown.limit().toString());
    body.ascii(",\"counts\":{");
    String comma = "";
    for (Map.Entry<Fate, Integer> fate : preview.fates().entrySet()) {
      body.ascii(comma).text(fate.getKey().name()).ascii(":").number(fate.getValue());
      comma = ",";
    }
    body.ascii("},\"items\":[");
    comma = "";
    for (Item item : preview.items()) {
      body.ascii(comma).ascii("{\"id\":").text(item.task().id().value());
      body.ascii(",\"title\":").text(item.task().spec().title());
      body.ascii(",\"state\":").text(item.task().state().name().name());
      body.ascii(",\"fate\":").text(item.fate().name());
      body.ascii(",\"detail\":").text(item.detail()).ascii("}");
      comma = ",";
    }
    body.ascii("],\"omitted\":").number(preview.omitted()).ascii("}");
    return body.toBytes();
  }

  private static String lower(ShutdownTasks policy) {
    return policy.name().toLowerCase(Locale.ROOT);
  }
}

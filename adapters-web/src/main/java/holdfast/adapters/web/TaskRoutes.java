package holdfast.adapters.web;

import holdfast.adapters.web.wire.HistoryBody;
import holdfast.adapters.web.wire.HistoryBody.EventBody;
import holdfast.application.Holdfast;
import holdfast.application.Page;
import holdfast.application.Position;
import holdfast.application.TaskQuery;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.port.Change;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState;
import io.helidon.http.Status;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code /api/tasks} but for outputs. */
final class TaskRoutes {
  static final int PAGE_MAX = 1_000;
  static final int PAGE_USUAL = 100;
  private static final int SEARCH_CHARS_MAX = 1_000;

  private final Holdfast application;
  private final TaskCalls calls;
  private final Rendering rendering;

  TaskRoutes(Holdfast application, TaskCalls calls, Rendering rendering) {
    this.application = application;
    this.calls = calls;
    this.rendering = rendering;
  }

  List<Route> routes() {
    var routes = new ArrayList<Route>();
    routes.add(route("POST", "", Set.of(), this::submit));
    routes.add(
        route("GET", "", Set.of("state", "initiativeId", "q", "limit", "cursor"), this::list));
    routes.add(own("/{id}", Set.of(), this::show));
    routes.add(route("PATCH", "/{id}", Set.of(), this::patch));
    routes.add(route("DELETE", "/{id}", Set.of(), call -> calls.purge(call.id(), call.ifMatch())));
    for (String action : TaskCalls.ACTIONS) {
      routes.add(route("POST", "/{id}/" + action, Set.of(), call -> act(call, action)));
    }
    routes.add(route("POST", "/{id}/input", Set.of("end"), this::input));
    routes.add(own("/{id}/events", Set.of("limit", "cursor"), this::history));
    return routes;
  }

  private static Route route(
      String method, String path, Set<String> parameters, Route.Handler handler) {
    return new Route(method, "/api/tasks" + path, Access.TOKEN, parameters, handler);
  }

  /** What a task may see of itself. */
  private static Route own(String path, Set<String> parameters, Route.Handler handler) {
    return new Route("GET", "/api/tasks" + path, Access.TASK, parameters, handler);
  }

  private Response submit(Call call) throws InterruptedException {
    return calls.submit(StrictJson.object(call.json()), call.header(Idempotency.KEY));
  }

  private Response show(Call call) {
    Stored<Task> stored = calls.find(call.id());
    long revision = stored.entity().revision();
    return call.knows(revision)
        ? new Response.Whole(Status.NOT_MODIFIED_304, new byte[0], List.of(Answers.etag(revision)))
        : Answers.json(Status.OK_200, rendering.task(stored), Answers.etag(revision));
  }

  private Response patch(Call call) throws InterruptedException {
    TaskCalls.taskId(call.id());
    return calls.patch(call.id(), StrictJson.object(call.json()), required(call.ifMatch()));
  }

  /**
   * @throws RefusedException with status 428 if the client did not say what it builds upon
   */
  static Precondition required(@Nullable Precondition ifMatch) {
    if (ifMatch == null) {
      throw new RefusedException(
          Problem.of(
              ProblemCode.PRECONDITION_REQUIRED,
              "send If-Match with the ETag you have seen, or * to change whatever is there"));
    }
    return ifMatch;
  }

  private Response act(Call call, String action) throws InterruptedException {
    byte[] body = call.json();
    return calls.act(
        call.id(), action, body.length == 0 ? null : StrictJson.object(body), call.ifMatch());
  }

  private Response input(Call call) {
    TaskCalls.taskId(call.id());
    return calls.input(call.id(), call.bytes(), call.query().truth("end"));
  }

  private Response list(Call call) {
    Query query = call.query();
    String cursor = query.text("cursor");
    Page<Stored<Task>> page =
        application
            .state()
            .tasks(
                new TaskQuery(states(query), initiative(query), search(query)),
                cursor == null ? null : Cursor.position(cursor),
                query.number("limit", 1, PAGE_MAX, PAGE_USUAL));
    return Pages.json(
        page,
        rendering::task,
        stored -> new Position(stored.entity().createdAt(), stored.entity().id().value()));
  }

  private static @Nullable String search(Query query) {
    String text = query.text("q");
    if (text != null && text.length() > SEARCH_CHARS_MAX) {
      throw Query.refused("q", "is longer than " + SEARCH_CHARS_MAX + " characters");
    }
    return text;
  }

  private static Set<TaskState.Name> states(Query query) {
    String text = query.text("state");
    Set<TaskState.Name> states = EnumSet.noneOf(TaskState.Name.class);
    if (text != null) {
      for (String name : text.split(",", -1)) {
        states.add(state(name));
      }
    }
    return states;
  }

  private static TaskState.Name state(String name) {
    for (TaskState.Name known : TaskState.Name.values()) {
      if (known.name().equals(name)) {
        return known;
      }
    }
    throw Query.refused(
        "state",
        "must be names of states, separated by commas: " + List.of(TaskState.Name.values()));
  }

  private static @Nullable InitiativeId initiative(Query query) {
    String id = query.text("initiativeId");
    if (id == null) {
      return null;
    }
    if (!InitiativeId.isValid(id)) {
      throw Query.refused("initiativeId", "is not the id of an initiative");
    }
    return new InitiativeId(id);
  }

  private Response history(Call call) {
    TaskId id = TaskCalls.taskId(call.id());
    String cursor = call.query().text("cursor");
    int limit = call.query().number("limit", 1, PAGE_MAX, PAGE_USUAL);
    long before = cursor == null ? Long.MAX_VALUE : Cursor.seq(cursor);
    List<Committed> found =
        new ArrayList<>(application.history(EntityKey.of(id), before, limit + 1));
    if (found.isEmpty() && cursor == null) {
      calls.find(call.id());
    }
    String next = null;
    if (found.size() > limit) {
      found.removeLast();
      next = Cursor.of(found.getLast().seq());
    }
    var body = new HistoryBody(found.stream().map(TaskRoutes::event).toList(), next);
    return Answers.json(Status.OK_200, Rendering.json(body));
  }

  private static EventBody event(Committed committed) {
    Change change = committed.change();
    if (!(change instanceof Change.PutTask put)) {
      return new EventBody(
          committed.seq(),
          change.at(),
          change.cause(),
          null,
          null,
          change.revisionBefore(),
          0,
          null);
    }
    Task task = put.task();
    return new EventBody(
        committed.seq(),
        change.at(),
        change.cause(),
        task.state().name().name(),
        task.stateReason(),
        task.revision(),
        task.attempts().size(),
        Rendering.outcome(task.lastAttempt().map(Attempt::outcome).orElse(null)));
  }
}

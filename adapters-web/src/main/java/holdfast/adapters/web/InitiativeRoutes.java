package holdfast.adapters.web;

import holdfast.application.Answer;
import holdfast.application.Holdfast;
import holdfast.application.InitiativeView;
import holdfast.application.Lookup;
import holdfast.application.Position;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.initiative.InitiativeSpec;
import holdfast.domain.port.EntityKey;
import io.helidon.http.Status;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code /api/initiatives}. */
final class InitiativeRoutes {
  private static final String BASE = "/api/initiatives";

  private final Holdfast application;

  InitiativeRoutes(Holdfast application) {
    this.application = application;
  }

  List<Route> routes() {
    return List.of(
        new Route("POST", BASE, Access.TOKEN, Set.of(), this::create),
        new Route("GET", BASE, Access.TOKEN, Set.of("limit", "cursor"), this::list),
        new Route("GET", BASE + "/{id}", Access.TOKEN, Set.of(), this::show),
        new Route("PATCH", BASE + "/{id}", Access.TOKEN, Set.of(), this::patch),
        new Route("DELETE", BASE + "/{id}", Access.TOKEN, Set.of(), this::delete));
  }

  private Response create(Call call) throws InterruptedException {
    Json.Members body = StrictJson.object(call.json());
    InitiativeSpec spec = SpecReading.checked(SpecReading::initiative, body);
    Answer<InitiativeView> answer =
        application
            .tasks()
            .createInitiative(spec, Idempotency.key(call.header(Idempotency.KEY), body));
    if (!(answer instanceof Answer.Done<InitiativeView>(InitiativeView view, boolean replayed))) {
      throw Answers.refusal(answer);
    }
    return TaskCalls.created(
        Rendering.initiative(view),
        BASE + "/" + view.initiative().id(),
        view.initiative().revision(),
        replayed);
  }

  private Response list(Call call) {
    String cursor = call.query().text("cursor");
    return Pages.json(
        application
            .state()
            .initiatives(
                cursor == null ? null : Cursor.position(cursor),
                call.query().number("limit", 1, TaskRoutes.PAGE_MAX, TaskRoutes.PAGE_USUAL)),
        Rendering::initiative,
        view -> new Position(view.initiative().createdAt(), view.initiative().id().value()));
  }

  private Response show(Call call) {
    InitiativeId id = initiativeId(call.id());
    InitiativeView view =
        switch (application.state().initiative(id)) {
          case Lookup.Found<InitiativeView>(InitiativeView found) -> found;
          case Lookup.Missing<InitiativeView> _ ->
              throw new RefusedException(Answers.notFound(EntityKey.of(id)));
          case Lookup.Purged<InitiativeView> _ ->
              throw new RefusedException(Answers.purged(EntityKey.of(id)));
        };
    // Its state and counts move with its tasks while its revision stays: no 304 from the revision.
    return Answers.json(
        Status.OK_200, Rendering.initiative(view), Answers.etag(view.initiative().revision()));
  }

  private Response patch(Call call) throws InterruptedException {
    InitiativeId id = initiativeId(call.id());
    Json.Members body = StrictJson.object(call.json());
    var change = SpecReading.initiativePatch(body);
    Precondition ifMatch = TaskRoutes.required(call.ifMatch());
    Answer<InitiativeView> answer =
        application.tasks().patchInitiative(id, change, expected(id, ifMatch));
    if (!(answer instanceof Answer.Done<InitiativeView>(InitiativeView view, boolean _))) {
      throw Answers.refusal(answer);
    }
    return Answers.json(
        Status.OK_200, Rendering.initiative(view), Answers.etag(view.initiative().revision()));
  }

  private Response delete(Call call) throws InterruptedException {
    InitiativeId id = initiativeId(call.id());
    Answer<EntityKey> answer =
        application.tasks().deleteInitiative(id, expected(id, call.ifMatch()));
    if (!(answer instanceof Answer.Done<EntityKey>)) {
      throw Answers.refusal(answer);
    }
    return TaskCalls.noContent();
  }

  private @Nullable Long expected(InitiativeId id, @Nullable Precondition ifMatch) {
    if (ifMatch == null) {
      return null;
    }
    return application.state().initiative(id)
            instanceof Lookup.Found<InitiativeView>(InitiativeView view)
        ? ifMatch.expected(view.initiative().revision())
        : ifMatch.expected(0);
  }

  private static InitiativeId initiativeId(String text) {
    if (!InitiativeId.isValid(text)) {
      throw new RefusedException(
          Problem.of(ProblemCode.NOT_FOUND, "this is not the id of an initiative"));
    }
    return new InitiativeId(text);
  }
}

package holdfast.adapters.web;

import holdfast.adapters.web.wire.SnapshotBody;
import holdfast.adapters.web.wire.SnapshotBody.Snapshots;
import holdfast.adapters.web.wire.SnapshotBody.Verified;
import holdfast.application.Holdfast;
import holdfast.application.SnapshotService;
import holdfast.domain.port.SnapshotStorage.Deletion;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.SnapshotStorage.Snapshot;
import holdfast.domain.port.SnapshotStorage.Verification;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * {@code /api/snapshots}: images of the whole state.
 *
 * <p>An id is only ever compared with those that are kept; it never becomes a path.
 */
final class SnapshotRoutes {
  private static final String BASE = "/api/snapshots";
  private static final String ONE = BASE + "/" + Route.PARAMETER;

  private final Holdfast application;

  SnapshotRoutes(Holdfast application) {
    this.application = application;
  }

  List<Route> routes() {
    return List.of(
        new Route("GET", BASE, Access.TOKEN, Set.of(), _ -> list()),
        new Route("POST", BASE, Access.TOKEN, Set.of(), this::create),
        new Route("GET", ONE, Access.TOKEN, Set.of(), this::show),
        new Route("DELETE", ONE, Access.TOKEN, Set.of(), this::delete),
        new Route("POST", ONE + "/verify", Access.TOKEN, Set.of(), this::verify),
        new RestoreRoute(application).route());
  }

  private SnapshotService snapshots() {
    return application.snapshots();
  }

  private Response list() {
    List<SnapshotBody> items = snapshots().list().stream().map(SnapshotRoutes::body).toList();
    return Answers.json(Status.OK_200, Rendering.json(new Snapshots(items, null)));
  }

  private Response create(Call call) {
    Upkeep.requireNothingIn(call);
    Upkeep.requireWritable(application);
    Snapshot made = Upkeep.orRefuse(() -> snapshots().create(Reason.MANUAL));
    return Answers.json(
        Status.CREATED_201,
        Rendering.json(body(made)),
        HeaderValues.create(HeaderNames.LOCATION, BASE + "/" + made.id()));
  }

  private Response show(Call call) {
    Snapshot found = snapshots().find(call.id()).orElseThrow(() -> missing(call.id()));
    return Answers.json(Status.OK_200, Rendering.json(body(found)));
  }

  private Response delete(Call call) {
    Upkeep.requireWritable(application);
    return switch (Upkeep.orRefuse(() -> snapshots().delete(call.id()))) {
      case Deletion.Deleted() -> new Response.Whole(Status.NO_CONTENT_204, new byte[0], List.of());
      case Deletion.Needed(String detail) ->
          throw new RefusedException(Problem.of(ProblemCode.IN_USE, detail));
      case Deletion.NoSuchSnapshot() -> throw missing(call.id());
    };
  }

  private Response verify(Call call) {
    Upkeep.requireNothingIn(call);
    // What is damaged is mended.
    Upkeep.requireWritable(application);
    Verified result =
        switch (Upkeep.orRefuse(() -> snapshots().verify(call.id()))) {
          case Verification.Whole(Snapshot whole) -> new Verified(whole.id(), true, false, null);
          case Verification.Mended(Snapshot whole, String detail) ->
              new Verified(whole.id(), true, true, detail);
          case Verification.Damaged(String detail) -> new Verified(call.id(), false, false, detail);
          case Verification.NoSuchSnapshot() -> throw missing(call.id());
        };
    return Answers.json(Status.OK_200, Rendering.json(result));
  }

  static RefusedException missing(String id) {
    return new RefusedException(
        Problem.of(
            ProblemCode.NOT_FOUND,
            "there is no snapshot " + id + "; GET " + BASE + " lists those that are kept"));
  }

  private static SnapshotBody body(Snapshot snapshot) {
    return new SnapshotBody(
        snapshot.id(),
        snapshot.createdAt(),
        snapshot.seq(),
        snapshot.epoch(),
        snapshot.reason().name().toLowerCase(Locale.ROOT).replace('_', '-'),
        snapshot.tasks(),
        snapshot.initiatives(),
        snapshot.bytes(),
        snapshot.sha256(),
        snapshot.verified());
  }
}

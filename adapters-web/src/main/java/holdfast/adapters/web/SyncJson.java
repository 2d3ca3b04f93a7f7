package holdfast.adapters.web;

import holdfast.application.Holdfast;
import holdfast.application.InitiativeView;
import holdfast.application.Lookup;
import holdfast.application.SyncService;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeState;
import holdfast.domain.port.Conflict;
import holdfast.domain.port.Conflict.Side;
import holdfast.domain.port.TaskStorage.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How far the state files are, and what became of edits in them, as clients see it. Any thread. */
final class SyncJson {
  private final Holdfast application;
  private final Rendering rendering;

  SyncJson(Holdfast application, Rendering rendering) {
    this.application = application;
    this.rendering = rendering;
  }

  /** How far they are at present. */
  byte[] status() {
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
    body.ascii(",\"total\":").number(conflicts.size()).ascii("}");
    body.ascii(",\"trouble\":").text(sync.obstacle());
    SyncService.Forced round = status.lastRound();
    body.ascii(",\"lastRound\":");
    return (round == null ? body.ascii("null") : body.raw(round(round))).ascii("}").toBytes();
  }

  /** What a round did. */
  static byte[] round(SyncService.Forced round) {
    var body = new JsonBytes(256);
    body.ascii("{\"seq\":").number(round.seq());
    body.ascii(",\"written\":").number(round.written());
    body.ascii(",\"adopted\":").number(round.adopted());
    body.ascii(",\"quarantined\":").number(round.quarantined());
    return body.ascii(",\"durationMs\":").number(round.duration().toMillis()).ascii("}").toBytes();
  }

  /** An edit of a state file, and what became of it. */
  byte[] conflict(Conflict conflict) {
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

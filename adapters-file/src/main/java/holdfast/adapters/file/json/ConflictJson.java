package holdfast.adapters.file.json;

import holdfast.domain.port.Conflict;
import holdfast.domain.port.Conflict.Kept;
import holdfast.domain.port.Conflict.Side;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.SyncStrategy;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A conflict as JSON, as its file holds it: with the checksum of {@link CheckedJson}, the sides in
 * the form of {@link StoredJson}.
 *
 * <pre>
 *  {"format":1,"id":"…","kind":"TASK","key":"‹id›","at":"…","strategy":"NEWEST_WINS","kept":"MEMORY",
 *   "resolved":false,"memory":{…},"persistent":{…},"quarantine":"…","reason":"…"}
 * </pre>
 */
public final class ConflictJson {
  private static final int FORMAT = 1;

  private ConflictJson() {}

  public static byte[] bytes(Conflict conflict) {
    var json = new JsonWriter(4_096);
    json.beginObject().field("format", FORMAT).field("id", conflict.id());
    json.field("kind", conflict.key().kind().name()).field("key", conflict.key().id());
    json.field("at", conflict.at()).field("strategy", conflict.strategy().name());
    json.field("kept", conflict.kept().name()).field("resolved", conflict.resolved());
    side(json, "memory", conflict.memory());
    side(json, "persistent", conflict.persistent());
    text(json, "quarantine", conflict.quarantine());
    text(json, "reason", conflict.reason());
    return CheckedJson.bytes(json.endObject());
  }

  private static void text(JsonWriter json, String name, @Nullable String text) {
    if (text != null) {
      json.field(name, text);
    }
  }

  private static void side(JsonWriter json, String name, @Nullable Side side) {
    switch (side) {
      case null -> {
        // There was no such entity.
      }
      case Side.OfTask(var task) -> StoredJson.writeTask(json.name(name), task);
      case Side.OfInitiative(var initiative) ->
          StoredJson.writeInitiative(json.name(name), initiative);
    }
  }

  /**
   * Reads a conflict; null if the bytes are not as they were written.
   *
   * @throws MalformedJsonException if they spell no conflict
   */
  public static @Nullable Conflict read(byte[] bytes) {
    JsonReader json = CheckedJson.object(bytes);
    if (json == null || json.beginObject().member("format").number() != FORMAT) {
      return null;
    }
    String id = json.member("id").text();
    EntityKey.Kind kind = json.member("kind").constant(EntityKey.Kind.values());
    var key = new EntityKey(kind, json.member("key").text());
    Instant at = json.member("at").instant();
    SyncStrategy strategy = json.member("strategy").constant(SyncStrategy.values());
    Kept kept = json.member("kept").constant(Kept.values());
    boolean resolved = json.member("resolved").flag();
    Side memory = json.has("memory") ? side(json) : null;
    Side persistent = json.has("persistent") ? side(json) : null;
    String quarantine = json.has("quarantine") ? json.text() : null;
    String reason = json.has("reason") ? json.text() : null;
    return new Conflict(
        id, key, at, strategy, kept, resolved, memory, persistent, quarantine, reason);
  }

  private static Side side(JsonReader json) {
    return switch (StoredJson.read(json)) {
      case StoredJson.Entry.OfTask(var task) -> new Side.OfTask(task);
      case StoredJson.Entry.OfInitiative(var initiative) -> new Side.OfInitiative(initiative);
      case StoredJson.Entry.Gone _, StoredJson.Entry.Key _ ->
          throw new MalformedJsonException("a side that is no entity");
    };
  }
}

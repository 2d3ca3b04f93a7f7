package holdfast.adapters.file.json;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.initiative.InitiativeSpec;
import holdfast.domain.port.Change;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import jakarta.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Changes as JSON and back. What it writes it reads back to an equal value. Any thread.
 *
 * <p>The payload of a record, with the lengths of its parts in the record's header:
 *
 * <pre>
 *  event        {"type":"submitted","at":"2026-11-23T12:00:00Z","held":true}
 *  after-image  {"id":"…","spec":{…},"state":{"name":"HELD"},"revision":1, … }
 *  idempotency  {"key":"…","bodySha256":"…","kind":"TASK","id":"…","expiresAt":"…"}
 * </pre>
 */
public final class ChangeCodec {
  private static final byte[] TYPE_PREFIX = "{\"type\":\"".getBytes(StandardCharsets.US_ASCII);
  private static final int BYTES_EXPECTED = 1_024;

  private ChangeCodec() {}

  public static EncodedChange encode(Change change) {
    var json = new JsonWriter(BYTES_EXPECTED);
    return switch (change) {
      case Change.PutTask put -> {
        EventJson.write(json, put.event(), put.task());
        int event = json.length();
        var image = new JsonWriter(BYTES_EXPECTED);
        TaskJson.write(image, put.task());
        yield put(change, json, image, event);
      }
      case Change.PutInitiative put -> {
        EventJson.write(json, put.event());
        int event = json.length();
        var image = new JsonWriter(BYTES_EXPECTED);
        write(image, put.initiative());
        yield put(change, json, image, event);
      }
      case Change.PurgeTask _, Change.DeleteInitiative _ -> {
        json.beginObject().field("type", change.cause()).field("at", change.at()).endObject();
        yield new EncodedChange(
            change.key(), true, change.revisionBefore(), json.toByteArray(), json.length(), 0);
      }
    };
  }

  private static EncodedChange put(Change change, JsonWriter event, JsonWriter image, int length) {
    IdempotencyRecord idempotency = change.idempotency();
    var record = new JsonWriter(idempotency == null ? 0 : 256);
    if (idempotency != null) {
      write(record, idempotency);
    }
    byte[] payload = new byte[length + image.length() + record.length()];
    event.copyTo(payload, 0);
    image.copyTo(payload, length);
    record.copyTo(payload, length + image.length());
    return new EncodedChange(
        change.key(), false, change.revisionBefore(), payload, length, image.length());
  }

  /** The change that {@code encoded} spells. */
  public static Change decode(EncodedChange encoded) {
    JsonObject event = JsonText.object(encoded.payload(), 0, encoded.eventBytes());
    if (encoded.removal()) {
      Instant at = JsonText.instant(event, "at");
      return switch (encoded.key().kind()) {
        case TASK ->
            new Change.PurgeTask(new TaskId(encoded.key().id()), encoded.revisionBefore(), at);
        case INITIATIVE ->
            new Change.DeleteInitiative(
                new InitiativeId(encoded.key().id()), encoded.revisionBefore(), at);
      };
    }
    return switch (encoded.key().kind()) {
      case TASK -> {
        Task task = task(encoded);
        yield new Change.PutTask(task, EventJson.read(event, task), idempotency(encoded));
      }
      case INITIATIVE ->
          new Change.PutInitiative(
              initiative(encoded), EventJson.readInitiative(event), idempotency(encoded));
    };
  }

  /** The after-image alone, of a task. */
  public static Task task(EncodedChange encoded) {
    return TaskJson.read(image(encoded));
  }

  /** The after-image alone, of an initiative. */
  public static Initiative initiative(EncodedChange encoded) {
    JsonObject json = image(encoded);
    return new Initiative(
        new InitiativeId(json.getString("id")),
        new InitiativeSpec(
            json.getString("title"),
            json.getString("objective"),
            JsonText.texts(json.getJsonObject("labels"))),
        JsonText.number(json, "revision"),
        JsonText.instant(json, "createdAt"),
        JsonText.instant(json, "updatedAt"));
  }

  private static JsonObject image(EncodedChange encoded) {
    return JsonText.object(encoded.payload(), encoded.eventBytes(), encoded.imageBytes());
  }

  private static void write(JsonWriter json, Initiative initiative) {
    json.beginObject().field("id", initiative.id().value());
    json.field("title", initiative.spec().title());
    json.field("objective", initiative.spec().objective());
    json.field("labels", initiative.spec().labels()).field("revision", initiative.revision());
    json.field("createdAt", initiative.createdAt());
    json.field("updatedAt", initiative.updatedAt()).endObject();
  }

  private static void write(JsonWriter json, IdempotencyRecord record) {
    json.beginObject().field("key", record.key()).field("bodySha256", record.bodySha256());
    json.field("kind", record.created().kind().name()).field("id", record.created().id());
    json.field("expiresAt", record.expiresAt()).endObject();
  }

  /** The idempotency record alone, or null if the change has none. */
  public static @Nullable IdempotencyRecord idempotency(EncodedChange encoded) {
    if (!encoded.hasIdempotency()) {
      return null;
    }
    int offset = encoded.eventBytes() + encoded.imageBytes();
    JsonObject json = JsonText.object(encoded.payload(), offset, encoded.payload().length - offset);
    return new IdempotencyRecord(
        json.getString("key"),
        json.getString("bodySha256"),
        new EntityKey(EntityKey.Kind.valueOf(json.getString("kind")), json.getString("id")),
        JsonText.instant(json, "expiresAt"));
  }

  /** The type of the event, without reading the rest. */
  public static String cause(EncodedChange encoded) {
    int from = TYPE_PREFIX.length;
    int to = from;
    while (to < encoded.eventBytes() && encoded.payload()[to] != '"') {
      to++;
    }
    return new String(encoded.payload(), from, to - from, StandardCharsets.US_ASCII);
  }

  /** When it was decided, without reading the after-image. */
  public static Instant at(EncodedChange encoded) {
    return JsonText.instant(JsonText.object(encoded.payload(), 0, encoded.eventBytes()), "at");
  }
}

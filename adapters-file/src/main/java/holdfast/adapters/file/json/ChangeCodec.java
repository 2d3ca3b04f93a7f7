package holdfast.adapters.file.json;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.initiative.InitiativeSpec;
import holdfast.domain.port.Attribution;
import holdfast.domain.port.Change;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Changes as JSON and back. What it writes it reads back to an equal value. Any thread.
 *
 * <p>The payload of a record, with the lengths of its parts in the record's header:
 *
 * <pre>
 *  event        {"type":"submitted","at":"2026-11-23T12:00:00Z","held":true,
 *                "by":{"actor":"admin","from":"127.0.0.1","action":"POST /api/tasks"}}
 *  after-image  {"id":"…","spec":{…},"state":{"name":"HELD"},"revision":1, … }
 *  idempotency  {"key":"…","bodySha256":"…","kind":"TASK","id":"…","expiresAt":"…"}
 * </pre>
 */
public final class ChangeCodec {
  private static final byte[] TYPE_PREFIX = "{\"type\":\"".getBytes(StandardCharsets.US_ASCII);
  private static final int BYTES_EXPECTED = 1_024;
  private static final EntityKey.Kind[] KINDS = EntityKey.Kind.values();

  private ChangeCodec() {}

  public static EncodedChange encode(Change change) {
    var json = new JsonWriter(BYTES_EXPECTED);
    boolean removal = false;
    switch (change) {
      case Change.PutTask put -> EventJson.write(json, put.event(), put.task(), put.by());
      case Change.PutInitiative put -> EventJson.write(json, put.event(), put.by());
      case Change.PurgeTask _, Change.DeleteInitiative _ -> {
        json.beginObject().name(Member.TYPE).value(change.cause());
        json.name(Member.AT).value(change.at());
        EventJson.end(json, change.by());
        removal = true;
      }
    }
    int event = json.length();
    json.nextText();
    switch (change) {
      case Change.PutTask put -> TaskJson.write(json, put.task());
      case Change.PutInitiative put -> write(json, put.initiative());
      case Change.PurgeTask _, Change.DeleteInitiative _ -> {
        // Nothing is there afterwards.
      }
    }
    int image = json.length() - event;
    json.nextText();
    IdempotencyRecord idempotency = change.idempotency();
    if (idempotency != null) {
      write(json, idempotency);
    }
    return new EncodedChange(
        change.key(),
        removal,
        change.revisionBefore(),
        json.array(),
        0,
        event,
        image,
        json.length() - event - image);
  }

  /**
   * The change that {@code encoded} spells.
   *
   * @throws MalformedJsonException if it spells none
   */
  public static Change decode(EncodedChange encoded) {
    var event = new JsonReader(encoded.bytes(), encoded.offset(), encoded.eventBytes());
    EntityKey key = encoded.key();
    if (encoded.removal()) {
      event.beginObject().member(Member.TYPE).text();
      Instant at = event.member(Member.AT).instant();
      Attribution by = EventJson.end(event);
      long before = encoded.revisionBefore();
      return switch (key.kind()) {
        case TASK -> new Change.PurgeTask(new TaskId(key.id()), before, at, by);
        case INITIATIVE -> new Change.DeleteInitiative(new InitiativeId(key.id()), before, at, by);
      };
    }
    return switch (key.kind()) {
      case TASK -> {
        Task task = task(encoded, null);
        yield new Change.PutTask(
            task, EventJson.read(event, task), idempotency(encoded), EventJson.end(event));
      }
      case INITIATIVE ->
          new Change.PutInitiative(
              initiative(encoded),
              EventJson.readInitiative(event),
              idempotency(encoded),
              EventJson.end(event));
    };
  }

  /**
   * The after-image alone, of a task.
   *
   * @param recurring makes equal values one object; null leaves them as they are
   * @throws MalformedJsonException if it is none
   */
  public static Task task(EncodedChange encoded, @Nullable Recurring recurring) {
    JsonReader json = image(encoded, recurring);
    Task task = TaskJson.read(json, new TaskId(encoded.key().id()));
    json.end();
    return task;
  }

  /**
   * The after-image alone, of an initiative.
   *
   * @throws MalformedJsonException if it is none
   */
  public static Initiative initiative(EncodedChange encoded) {
    JsonReader json = image(encoded, null);
    Initiative initiative = initiative(json);
    json.end();
    return initiative;
  }

  static Initiative initiative(JsonReader json) {
    var id = new InitiativeId(json.beginObject().member(Member.ID).text());
    String title = json.member(Member.TITLE).text();
    String objective = json.member(Member.OBJECTIVE).text();
    Map<String, String> labels = json.member(Member.LABELS).texts();
    long revision = json.member(Member.REVISION).number();
    Instant createdAt = json.member(Member.CREATED_AT).instant();
    Instant updatedAt = json.member(Member.UPDATED_AT).instant();
    json.endObject();
    return new Initiative(
        id, new InitiativeSpec(title, objective, labels), revision, createdAt, updatedAt);
  }

  private static JsonReader image(EncodedChange encoded, @Nullable Recurring recurring) {
    return new JsonReader(
        encoded.bytes(), encoded.offset() + encoded.eventBytes(), encoded.imageBytes(), recurring);
  }

  static void write(JsonWriter json, Initiative initiative) {
    json.beginObject().name(Member.ID).value(initiative.id().value());
    json.name(Member.TITLE).value(initiative.spec().title());
    json.name(Member.OBJECTIVE).value(initiative.spec().objective());
    json.name(Member.LABELS).value(initiative.spec().labels());
    json.name(Member.REVISION).value(initiative.revision());
    json.name(Member.CREATED_AT).value(initiative.createdAt());
    json.name(Member.UPDATED_AT).value(initiative.updatedAt()).endObject();
  }

  static void write(JsonWriter json, IdempotencyRecord record) {
    json.beginObject().name(Member.KEY).value(record.key());
    json.name(Member.BODY_SHA256).value(record.bodySha256());
    json.name(Member.KIND).value(record.created().kind().name());
    json.name(Member.ID).value(record.created().id());
    json.name(Member.EXPIRES_AT).value(record.expiresAt()).endObject();
  }

  /**
   * The idempotency record alone, or null if the change has none.
   *
   * @throws MalformedJsonException if it is none
   */
  public static @Nullable IdempotencyRecord idempotency(EncodedChange encoded) {
    if (encoded.idempotencyBytes() == 0) {
      return null;
    }
    int offset = encoded.offset() + encoded.eventBytes() + encoded.imageBytes();
    var json = new JsonReader(encoded.bytes(), offset, encoded.idempotencyBytes());
    IdempotencyRecord record = idempotency(json, encoded.key());
    json.end();
    return record;
  }

  /**
   * @param usual the entity that the record is usually about: one key object will do
   */
  static IdempotencyRecord idempotency(JsonReader json, @Nullable EntityKey usual) {
    String key = json.beginObject().member(Member.KEY).text();
    String bodySha256 = json.member(Member.BODY_SHA256).text();
    var created =
        new EntityKey(json.member(Member.KIND).constant(KINDS), json.member(Member.ID).text());
    Instant expiresAt = json.member(Member.EXPIRES_AT).instant();
    json.endObject();
    EntityKey own = usual != null && usual.equals(created) ? usual : created;
    return new IdempotencyRecord(key, bodySha256, own, expiresAt);
  }

  /** The type of the event, without reading the rest. */
  public static String cause(EncodedChange encoded) {
    int from = encoded.offset() + TYPE_PREFIX.length;
    int end = encoded.offset() + encoded.eventBytes();
    int to = from;
    while (to < end && encoded.bytes()[to] != '"') {
      to++;
    }
    return new String(encoded.bytes(), from, to - from, StandardCharsets.US_ASCII);
  }

  /**
   * When it was decided, without reading the after-image.
   *
   * @throws MalformedJsonException if that is not said
   */
  public static Instant at(EncodedChange encoded) {
    var json = new JsonReader(encoded.bytes(), encoded.offset(), encoded.eventBytes());
    json.beginObject().member(Member.TYPE).text();
    return json.member(Member.AT).instant();
  }
}

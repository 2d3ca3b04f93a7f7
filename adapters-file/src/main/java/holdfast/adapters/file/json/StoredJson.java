package holdfast.adapters.file.json;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.IdempotencyRecord;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.time.Instant;

/**
 * What storage keeps of an entity beside the journal, as JSON and back. Any thread.
 *
 * <pre>
 *  {"task":"‹id›","seq":7,"cause":"submitted","entity":{…}}
 *  {"initiative":"‹id›","seq":3,"cause":"created","entity":{…}}
 *  {"gone":"TASK","id":"‹id›","seq":9,"at":"2026-11-24T12:00:00Z"}
 *  {"idempotency":{"key":"…","bodySha256":"…","kind":"TASK","id":"…","expiresAt":"…"}}
 * </pre>
 */
public final class StoredJson {
  private static final EntityKey.Kind[] KINDS = EntityKey.Kind.values();

  private StoredJson() {}

  /** One line. */
  public sealed interface Entry {
    record OfTask(Stored<Task> task) implements Entry {}

    record OfInitiative(Stored<Initiative> initiative) implements Entry {}

    record Gone(Tombstone tombstone) implements Entry {}

    record Key(IdempotencyRecord idempotency) implements Entry {}
  }

  public static void writeTask(JsonWriter json, Stored<Task> task) {
    taskMembers(json.beginObject(), task);
    json.endObject();
  }

  /** The members alone, for an object that has others too. */
  public static void taskMembers(JsonWriter json, Stored<Task> task) {
    json.field("task", task.entity().id().value());
    json.name(Member.SEQ).value(task.seq()).name(Member.CAUSE).value(task.cause());
    TaskJson.write(json.name(Member.ENTITY), task.entity());
  }

  public static void writeInitiative(JsonWriter json, Stored<Initiative> initiative) {
    initiativeMembers(json.beginObject(), initiative);
    json.endObject();
  }

  /** The members alone, for an object that has others too. */
  public static void initiativeMembers(JsonWriter json, Stored<Initiative> initiative) {
    json.field("initiative", initiative.entity().id().value());
    json.name(Member.SEQ).value(initiative.seq()).name(Member.CAUSE).value(initiative.cause());
    ChangeCodec.write(json.name(Member.ENTITY), initiative.entity());
  }

  public static void write(JsonWriter json, Tombstone gone) {
    json.beginObject().field("gone", gone.key().kind().name());
    json.name(Member.ID).value(gone.key().id()).name(Member.SEQ).value(gone.seq());
    json.name(Member.AT).value(gone.at()).endObject();
  }

  public static void write(JsonWriter json, IdempotencyRecord record) {
    ChangeCodec.write(json.beginObject().name("idempotency"), record);
    json.endObject();
  }

  /**
   * Reads one object, and leaves the reader behind it.
   *
   * @throws MalformedJsonException if it is none of these
   */
  public static Entry read(JsonReader json) {
    json.beginObject();
    Entry entry = members(json);
    json.endObject();
    return entry;
  }

  /** Reads the members alone, of an object that has others too. */
  public static Entry members(JsonReader json) {
    Entry entry;
    if (json.has("task")) {
      entry = new Entry.OfTask(task(json));
    } else if (json.has("initiative")) {
      entry = new Entry.OfInitiative(initiative(json));
    } else if (json.has("gone")) {
      EntityKey.Kind kind = json.constant(KINDS);
      var key = new EntityKey(kind, json.member(Member.ID).text());
      long seq = json.member(Member.SEQ).number();
      Instant at = json.member(Member.AT).instant();
      entry = new Entry.Gone(new Tombstone(key, seq, at));
    } else {
      entry = new Entry.Key(ChangeCodec.idempotency(json.member("idempotency"), null));
    }
    return entry;
  }

  private static Stored<Task> task(JsonReader json) {
    var id = new TaskId(json.text());
    long seq = json.member(Member.SEQ).number();
    String cause = json.member(Member.CAUSE).recurringText();
    return new Stored<>(TaskJson.read(json.member(Member.ENTITY), id), seq, cause);
  }

  private static Stored<Initiative> initiative(JsonReader json) {
    String id = json.text();
    long seq = json.member(Member.SEQ).number();
    String cause = json.member(Member.CAUSE).recurringText();
    Initiative entity = ChangeCodec.initiative(json.member(Member.ENTITY));
    if (!entity.id().value().equals(id)) {
      throw new MalformedJsonException("expected initiative " + id + ", found " + entity.id());
    }
    return new Stored<>(entity, seq, cause);
  }
}

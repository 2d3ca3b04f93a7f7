package holdfast.adapters.file.state;

import holdfast.adapters.file.journal.Identity;
import holdfast.adapters.file.json.CheckedJson;
import holdfast.adapters.file.json.JsonLayout;
import holdfast.adapters.file.json.JsonReader;
import holdfast.adapters.file.json.JsonWriter;
import holdfast.adapters.file.json.MalformedJsonException;
import holdfast.adapters.file.json.StoredJson;
import holdfast.adapters.file.json.StoredJson.Entry;
import holdfast.domain.port.Conflict;
import holdfast.domain.port.EntityKey;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A task or an initiative as a file that a person can read. The checksum is over every byte before
 * the last member; what follows is always the same.
 *
 * <pre>
 *  {
 *    "format": 1,
 *    "lineage": "b524890c-a1fb-4391-9b77-95dfff10d80e",
 *    "epoch": 1,
 *    "version": 4,                    the entity's revision
 *    "task": "‹id›",                  or "initiative"
 *    "seq": 17,                       of its last change
 *    "cause": "attempt-ended",
 *    "entity": { … },
 *    "checksum": "crc32c-0badcafe"
 *  }
 * </pre>
 */
record StateFile(UUID lineage, long epoch, long version, Entry entry, boolean hasChecksum) {
  private static final int FORMAT = 1;

  EntityKey key() {
    return switch (entry) {
      case Entry.OfTask(var task) -> EntityKey.of(task.entity().id());
      case Entry.OfInitiative(var initiative) -> EntityKey.of(initiative.entity().id());
      case Entry.Gone _, Entry.Key _ -> throw new IllegalStateException("no entity: " + entry);
    };
  }

  Instant updatedAt() {
    return switch (entry) {
      case Entry.OfTask(var task) -> task.entity().updatedAt();
      case Entry.OfInitiative(var initiative) -> initiative.entity().updatedAt();
      case Entry.Gone _, Entry.Key _ -> throw new IllegalStateException("no entity: " + entry);
    };
  }

  long seq() {
    return switch (entry) {
      case Entry.OfTask(var task) -> task.seq();
      case Entry.OfInitiative(var initiative) -> initiative.seq();
      case Entry.Gone _, Entry.Key _ -> throw new IllegalStateException("no entity: " + entry);
    };
  }

  /** The bytes of the file that keeps {@code entry}. */
  static byte[] encode(Identity identity, long version, Entry entry) {
    var json = new JsonWriter(2_048);
    json.beginObject().field("format", FORMAT).field("lineage", identity.lineage().toString());
    json.field("epoch", identity.epoch()).field("version", version);
    switch (entry) {
      case Entry.OfTask(var task) -> StoredJson.taskMembers(json, task);
      case Entry.OfInitiative(var initiative) -> StoredJson.initiativeMembers(json, initiative);
      case Entry.Gone _, Entry.Key _ -> throw new IllegalArgumentException("no entity: " + entry);
    }
    json.endObject();
    return CheckedJson.bytes(json);
  }

  /** What the bytes say, sound or not; null if they say nothing that could be an entity. */
  static @Nullable StateFile decode(byte[] bytes) {
    try {
      return read(bytes);
    } catch (MalformedJsonException | IllegalArgumentException _) {
      // Whatever it is, it is none of ours.
      return null;
    }
  }

  /** Why the bytes are no entity, for people; null if they are one. */
  static @Nullable String fault(byte[] bytes) {
    try {
      return read(bytes) == null ? "it is of no format that is known" : null;
    } catch (MalformedJsonException | IllegalArgumentException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static @Nullable StateFile read(byte[] bytes) {
    byte[] compact = JsonLayout.compact(bytes);
    var json = new JsonReader(compact, 0, compact.length);
    if (json.beginObject().member("format").number() != FORMAT) {
      return null;
    }
    UUID lineage = UUID.fromString(json.member("lineage").text());
    long epoch = json.member("epoch").number();
    long version = json.member("version").number();
    Entry entry = StoredJson.members(json);
    if (entry instanceof Entry.Gone || entry instanceof Entry.Key) {
      return null;
    }
    boolean hasChecksum = json.has(CheckedJson.CHECKSUM);
    if (hasChecksum) {
      json.text();
    }
    json.endObject();
    json.end();
    return new StateFile(lineage, epoch, version, entry, hasChecksum);
  }

  /** The entity as one side of a conflict. */
  Conflict.Side side() {
    return switch (entry) {
      case Entry.OfTask(var task) -> new Conflict.Side.OfTask(task);
      case Entry.OfInitiative(var initiative) -> new Conflict.Side.OfInitiative(initiative);
      case Entry.Gone _, Entry.Key _ -> throw new IllegalStateException("no entity: " + entry);
    };
  }

  /** The revision that the entity itself bears. */
  long revision() {
    return switch (entry) {
      case Entry.OfTask(var task) -> task.entity().revision();
      case Entry.OfInitiative(var initiative) -> initiative.entity().revision();
      case Entry.Gone _, Entry.Key _ -> throw new IllegalStateException("no entity: " + entry);
    };
  }
}

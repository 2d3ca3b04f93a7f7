package holdfast.adapters.file.layout;

import holdfast.adapters.file.json.JsonReader;
import holdfast.adapters.file.json.JsonWriter;
import holdfast.domain.port.AuditTrail.Head;
import org.jspecify.annotations.Nullable;

/**
 * What a manifest or a snapshot vouches for of the audit trail; its last member:
 *
 * <pre>
 *  "audit":{"base":{"index":0,"hash":"00…","seq":0},"head":{"index":41,"hash":"9c…","seq":37}}
 * </pre>
 *
 * @param base the last entry that was removed because it had become too old
 * @param head an entry that was durable when this was written
 */
public record AuditAnchor(Head base, Head head) {

  /** As the next member of an object. */
  public static void write(JsonWriter json, @Nullable AuditAnchor anchor) {
    if (anchor != null) {
      json.name("audit").beginObject();
      write(json.name("base"), anchor.base());
      write(json.name("head"), anchor.head());
      json.endObject();
    }
  }

  private static void write(JsonWriter json, Head head) {
    json.beginObject().field("index", head.index()).field("hash", head.hash());
    json.field("seq", head.seq()).endObject();
  }

  /** The next member, or null if it is another. */
  public static @Nullable AuditAnchor read(JsonReader json) {
    if (!json.has("audit")) {
      return null;
    }
    Head base = head(json.beginObject().member("base"));
    var anchor = new AuditAnchor(base, head(json.member("head")));
    json.endObject();
    return anchor;
  }

  private static Head head(JsonReader json) {
    long index = json.beginObject().member("index").number();
    String hash = json.member("hash").text();
    var head = new Head(index, hash, json.member("seq").number());
    json.endObject();
    return head;
  }
}

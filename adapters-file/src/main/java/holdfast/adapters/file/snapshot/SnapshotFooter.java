package holdfast.adapters.file.snapshot;

import holdfast.adapters.file.json.JsonReader;
import holdfast.adapters.file.json.JsonWriter;

/**
 * The last line of a snapshot: what stands before it.
 *
 * @param bytes of all lines before
 * @param sha256 of these, in hexadecimal
 */
public record SnapshotFooter(
    int tasks, int initiatives, int tombstones, int keys, long bytes, String sha256) {

  void write(JsonWriter json) {
    json.beginObject().field("tasks", tasks).field("initiatives", initiatives);
    json.field("tombstones", tombstones).field("keys", keys);
    json.field("bytes", bytes).field("sha256", sha256).endObject();
  }

  static SnapshotFooter read(JsonReader json) {
    int tasks = json.beginObject().member("tasks").integer();
    int initiatives = json.member("initiatives").integer();
    int tombstones = json.member("tombstones").integer();
    int keys = json.member("keys").integer();
    long bytes = json.member("bytes").number();
    String sha256 = json.member("sha256").text();
    json.endObject();
    return new SnapshotFooter(tasks, initiatives, tombstones, keys, bytes, sha256);
  }
}

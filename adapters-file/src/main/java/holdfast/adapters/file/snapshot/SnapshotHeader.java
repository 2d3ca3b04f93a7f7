package holdfast.adapters.file.snapshot;

import holdfast.adapters.file.json.JsonReader;
import holdfast.adapters.file.json.JsonWriter;
import holdfast.adapters.file.layout.AuditAnchor;
import holdfast.domain.port.SnapshotStorage.Reason;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The first line of a snapshot.
 *
 * @param audit what it vouches for of the audit trail, or null
 */
public record SnapshotHeader(
    UUID lineage,
    SnapshotName name,
    Instant createdAt,
    Reason reason,
    @Nullable AuditAnchor audit) {
  static final int FORMAT = 2;
  private static final Reason[] REASONS = Reason.values();

  void write(JsonWriter json) {
    json.beginObject().field("format", FORMAT).field("snapshot", name.id());
    json.field("lineage", lineage.toString()).field("createdAt", createdAt);
    json.field("reason", reason.name());
    AuditAnchor.write(json, audit);
    json.endObject();
  }

  /**
   * Reads the line.
   *
   * @throws UnknownSnapshotFormatException if a newer version wrote it
   * @throws DamagedSnapshotException if it is not of the snapshot {@code expected}
   */
  static SnapshotHeader read(JsonReader json, SnapshotName expected)
      throws DamagedSnapshotException {
    long format = json.beginObject().member("format").number();
    if (format > FORMAT) {
      throw new UnknownSnapshotFormatException(expected.id(), format);
    }
    String id = json.member("snapshot").text();
    if (!id.equals(expected.id())) {
      throw new DamagedSnapshotException("it says that it is snapshot " + id);
    }
    UUID lineage = UUID.fromString(json.member("lineage").text());
    Instant createdAt = json.member("createdAt").instant();
    Reason reason = json.member("reason").constant(REASONS);
    AuditAnchor audit = AuditAnchor.read(json);
    json.endObject();
    return new SnapshotHeader(lineage, expected, createdAt, reason, audit);
  }
}

package holdfast.adapters.web.wire;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An image of the whole state that is kept.
 *
 * @param reason {@code periodic}, {@code manual}, {@code shutdown}, {@code damage}, {@code
 *     pre-restore} or {@code epoch}
 * @param verified whether it was found whole when it was last read
 */
@JsonbPropertyOrder({
  "id",
  "createdAt",
  "seq",
  "epoch",
  "reason",
  "tasks",
  "initiatives",
  "bytes",
  "sha256",
  "verified"
})
public record SnapshotBody(
    String id,
    Instant createdAt,
    long seq,
    String epoch,
    String reason,
    int tasks,
    int initiatives,
    long bytes,
    String sha256,
    boolean verified) {

  /** All that are kept, newest first. There are never more than one page. */
  @JsonbPropertyOrder({"items", "nextCursor"})
  public record Snapshots(List<SnapshotBody> items, @Nullable String nextCursor) {}

  /**
   * What came of reading one from beginning to end.
   *
   * @param detail what was found and mended, or null if it was whole
   */
  @JsonbPropertyOrder({"id", "verified", "mended", "detail"})
  public record Verified(String id, boolean verified, boolean mended, @Nullable String detail) {}
}

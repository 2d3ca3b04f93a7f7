package holdfast.adapters.web.wire;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one start found and did.
 *
 * @param cause {@code clean}, {@code crash}, {@code first-start} or {@code full}
 */
@JsonbPropertyOrder({
  "id",
  "startedAt",
  "readyAt",
  "cause",
  "degraded",
  "replayed",
  "tornTail",
  "healed",
  "quarantined",
  "tasks"
})
public record RecoveryBody(
    String id,
    Instant startedAt,
    @Nullable Instant readyAt,
    String cause,
    boolean degraded,
    long replayed,
    boolean tornTail,
    List<String> healed,
    List<String> quarantined,
    List<VerdictBody> tasks) {

  /** The fate of one task that was active. */
  @JsonbPropertyOrder({
    "id",
    "attempt",
    "verdict",
    "reason",
    "evidence",
    "decision",
    "needsDecision",
    "decided"
  })
  public record VerdictBody(
      String id,
      int attempt,
      String verdict,
      String reason,
      List<String> evidence,
      String decision,
      boolean needsDecision,
      @Nullable DecidedBody decided) {}

  /**
   * What a person decided since.
   *
   * @param decision {@code retry}, {@code fail} or {@code ignore}
   */
  @JsonbPropertyOrder({"decision", "at"})
  public record DecidedBody(String decision, Instant at) {}
}

package holdfast.adapters.web.wire;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The small text frames that the server sends over a WebSocket. Frames that carry a task or an
 * initiative are put together from rendered parts, since many sockets are sent the same ones.
 */
public final class Frames {
  private Frames() {}

  /** The first frame. */
  @JsonbPropertyOrder({
    "type",
    "protocol",
    "instanceId",
    "epoch",
    "seq",
    "heartbeatMs",
    "serverTime"
  })
  public record Hello(
      String type,
      String protocol,
      String instanceId,
      String epoch,
      long seq,
      long heartbeatMs,
      Instant serverTime) {
    public Hello(
        String protocol,
        String instanceId,
        String epoch,
        long seq,
        long heartbeatMs,
        Instant serverTime) {
      this("hello", protocol, instanceId, epoch, seq, heartbeatMs, serverTime);
    }
  }

  /**
   * {@code live}: the list is complete, events follow; {@code mark}: nothing up to here is missing.
   */
  @JsonbPropertyOrder({"type", "id", "seq"})
  public record Place(String type, String id, long seq) {}

  /** List again. */
  @JsonbPropertyOrder({"type", "id", "reason"})
  public record Reset(String type, String id, String reason) {
    public Reset(String id, String reason) {
      this("reset", id, reason);
    }
  }

  /** An output channel is open. */
  @JsonbPropertyOrder({"type", "id", "channel", "attempt", "stream", "offset", "end"})
  public record Subscribed(
      String type, String id, long channel, int attempt, String stream, long offset, long end) {
    public Subscribed(String id, long channel, int attempt, String stream, long offset, long end) {
      this("subscribed", id, channel, attempt, stream, offset, end);
    }
  }

  /** Bytes that the client counts on do not exist. */
  @JsonbPropertyOrder({"type", "id", "from", "to", "reason"})
  public record Gap(String type, String id, long from, long to, String reason) {
    public Gap(String id, long from, long to, String reason) {
      this("gap", id, from, to, reason);
    }
  }

  /** The stream has ended. */
  @JsonbPropertyOrder({"type", "id", "offset", "outcome"})
  public record End(String type, String id, long offset, @Nullable OutcomeBody outcome) {
    public End(String id, long offset, @Nullable OutcomeBody outcome) {
      this("end", id, offset, outcome);
    }
  }

  /** The last event of an output that is followed by Server-Sent Events. */
  @JsonbPropertyOrder({"offset", "outcome"})
  public record StreamEnd(long offset, @Nullable OutcomeBody outcome) {}

  /** Something the client sent was refused. */
  @JsonbPropertyOrder({"type", "id", "code", "title", "detail"})
  public record Refused(String type, @Nullable String id, int code, String title, String detail) {
    public Refused(@Nullable String id, int code, String title, String detail) {
      this("error", id, code, title, detail);
    }
  }

  /** The server closes the socket. */
  @JsonbPropertyOrder({"type", "reason", "retryAfterMs"})
  public record Bye(String type, String reason, long retryAfterMs) {
    public Bye(String reason, long retryAfterMs) {
      this("bye", reason, retryAfterMs);
    }
  }
}

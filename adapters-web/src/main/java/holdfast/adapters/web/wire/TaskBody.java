package holdfast.adapters.web.wire;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A task.
 *
 * @param env with the values of what looks secret replaced by a mark
 * @param after the tasks that this one waits for
 * @param seq of the task's last change
 * @param outcome of the last attempt, or null while it has none
 */
@JsonbPropertyOrder({
  "id",
  "title",
  "command",
  "cwd",
  "env",
  "initiativeId",
  "after",
  "priority",
  "labels",
  "timeout",
  "stopGrace",
  "retry",
  "onLost",
  "stdin",
  "output",
  "state",
  "stateReason",
  "revision",
  "seq",
  "createdAt",
  "updatedAt",
  "attempts",
  "outcome"
})
public record TaskBody(
    String id,
    String title,
    List<String> command,
    String cwd,
    Map<String, String> env,
    @Nullable String initiativeId,
    List<String> after,
    int priority,
    Map<String, String> labels,
    @Nullable Duration timeout,
    Duration stopGrace,
    RetryBody retry,
    String onLost,
    String stdin,
    String output,
    String state,
    @Nullable String stateReason,
    long revision,
    long seq,
    Instant createdAt,
    Instant updatedAt,
    List<AttemptBody> attempts,
    @Nullable OutcomeBody outcome) {

  /** When and how often a failed attempt is repeated. */
  @JsonbPropertyOrder({"maxAttempts", "backoff", "maxBackoff"})
  public record RetryBody(int maxAttempts, Duration backoff, Duration maxBackoff) {}

  /**
   * One execution.
   *
   * @param process null until it is known
   * @param outputBytes size of each stream, by its lower-case name; grows while the attempt runs
   * @param sealed the streams that are in two files, durably; empty until the attempt is over
   */
  @JsonbPropertyOrder({
    "number",
    "startedAt",
    "endedAt",
    "recoveries",
    "process",
    "outcome",
    "outputBytes",
    "sealed"
  })
  public record AttemptBody(
      int number,
      Instant startedAt,
      @Nullable Instant endedAt,
      int recoveries,
      @Nullable ProcessBody process,
      @Nullable OutcomeBody outcome,
      Map<String, Long> outputBytes,
      Map<String, SealBody> sealed) {}

  /**
   * What a stream holds for good, in two files.
   *
   * @param digest SHA-256 over the SHA-256 of each MiB of it in order
   */
  @JsonbPropertyOrder({"bytes", "digest"})
  public record SealBody(long bytes, String digest) {}

  /**
   * A process.
   *
   * @param startTime in clock ticks since the boot, as the kernel counts it
   */
  @JsonbPropertyOrder({"pid", "startTime", "bootId"})
  public record ProcessBody(long pid, String startTime, String bootId) {}
}

package holdfast.adapters.web.wire;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happened to one task, newest first. */
@JsonbPropertyOrder({"items", "nextCursor"})
public record HistoryBody(List<EventBody> items, @Nullable String nextCursor) {

  /**
   * One thing that happened.
   *
   * @param type kebab-case, such as {@code attempt-ended}
   * @param state the task's state afterwards, or null if the task is gone
   * @param revision the task's revision afterwards; of a task that is gone, the last one it had
   * @param attempt number of the last attempt begun until then; 0 if none
   * @param outcome of that attempt, or null while it had none
   */
  @JsonbPropertyOrder({
    "seq",
    "at",
    "type",
    "state",
    "stateReason",
    "revision",
    "attempt",
    "outcome"
  })
  public record EventBody(
      long seq,
      Instant at,
      String type,
      @Nullable String state,
      @Nullable String stateReason,
      long revision,
      int attempt,
      @Nullable OutcomeBody outcome) {}
}

package holdfast.adapters.web.wire;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import java.time.Instant;
import java.util.Map;

/**
 * An initiative.
 *
 * @param counts tasks in each state, every state named
 * @param seq of the last change to the initiative or to the states of its tasks
 */
@JsonbPropertyOrder({
  "id",
  "title",
  "objective",
  "state",
  "counts",
  "labels",
  "revision",
  "seq",
  "createdAt",
  "updatedAt"
})
public record InitiativeBody(
    String id,
    String title,
    String objective,
    String state,
    Map<String, Integer> counts,
    Map<String, String> labels,
    long revision,
    long seq,
    Instant createdAt,
    Instant updatedAt) {}

package holdfast.adapters.web.wire;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import java.util.List;

/**
 * A refusal, by RFC 9457.
 *
 * @param code the machine-readable name of the problem; also the last part of {@code type}
 * @param requestId names this very answer, for the server's log
 * @param errors what is wrong with which part of the request's body; empty for other problems
 */
@JsonbPropertyOrder({"type", "title", "status", "detail", "code", "requestId", "errors"})
public record ProblemBody(
    String type,
    String title,
    int status,
    String detail,
    String code,
    String requestId,
    List<ErrorBody> errors) {

  /**
   * One thing that is wrong.
   *
   * @param pointer JSON pointer into the body, or {@code ?name} for a query parameter
   */
  @JsonbPropertyOrder({"pointer", "detail"})
  public record ErrorBody(String pointer, String detail) {}
}

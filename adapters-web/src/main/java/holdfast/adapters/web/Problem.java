package holdfast.adapters.web;

import holdfast.domain.task.InvalidSpecException.Violation;
import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import java.time.Duration;
import java.util.List;

/**
 * Why a request is refused.
 *
 * @param detail a sentence about this very case
 * @param errors what is wrong with the body
 * @param headers that go with the answer
 */
record Problem(ProblemCode code, String detail, List<Violation> errors, List<Header> headers) {

  static Problem of(ProblemCode code, String detail) {
    return new Problem(code, detail, List.of(), List.of());
  }

  static Problem of(ProblemCode code, String detail, Header header) {
    return new Problem(code, detail, List.of(), List.of(header));
  }

  static Problem retryAfter(ProblemCode code, String detail, Duration pause) {
    return of(
        code,
        detail,
        HeaderValues.create(
            HeaderNames.RETRY_AFTER, Long.toString(Math.max(1, pause.toSeconds()))));
  }

  static Problem invalid(List<Violation> errors) {
    return new Problem(ProblemCode.INVALID, sentence(errors), List.copyOf(errors), List.of());
  }

  static Problem invalid(String pointer, String detail) {
    return invalid(List.of(new Violation(pointer, detail)));
  }

  static Problem malformed(List<Violation> errors) {
    return new Problem(ProblemCode.MALFORMED, sentence(errors), List.copyOf(errors), List.of());
  }

  private static String sentence(List<Violation> errors) {
    Violation first = errors.getFirst();
    String more = errors.size() == 1 ? "" : " (and " + (errors.size() - 1) + " more, see errors)";
    String subject = first.pointer().isEmpty() ? "the body" : first.pointer();
    return subject + " " + first.detail() + more;
  }
}

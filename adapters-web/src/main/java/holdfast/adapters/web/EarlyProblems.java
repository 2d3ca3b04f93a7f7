package holdfast.adapters.web;

import io.helidon.http.DirectHandler;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.http.Status;
import io.helidon.webserver.http.DirectHandlers;
import org.jspecify.annotations.Nullable;

/**
 * Answers what Helidon refuses before any handler sees it: requests that are not HTTP, are too
 * large in their head, or want an upgrade they may not have. Its own texts are not passed on.
 */
final class EarlyProblems implements DirectHandler {
  private static final String HEADERS_EXCEEDED = "Header size exceeded";

  private EarlyProblems() {}

  static DirectHandlers handlers() {
    var handlers = DirectHandlers.builder();
    var early = new EarlyProblems();
    for (EventType type : EventType.values()) {
      handlers.addHandler(type, early);
    }
    return handlers.build();
  }

  @Override
  public TransportResponse handle(
      TransportRequest request,
      EventType eventType,
      Status defaultStatus,
      ServerResponseHeaders headers,
      String message) {
    // Without a path nothing of ours has seen the request: its head could not even be read.
    boolean isCutOff = request.path().isEmpty() && eventType == EventType.INTERNAL_ERROR;
    Problem problem = isCutOff ? cutOff() : problem(defaultStatus.code(), message);
    Answers.Rendered rendered = Answers.rendered(problem);
    var answer =
        TransportResponse.builder()
            .status(rendered.response().status())
            .keepAlive(false)
            .entity(rendered.response().body());
    SecurityHeaders.addTo(headers);
    rendered.response().headers().forEach(headers::set);
    answer.headers(headers);
    return answer.build();
  }

  private static Problem cutOff() {
    return Connection.current().hasExpired()
        ? Problem.of(ProblemCode.TIMEOUT, "the head of the request did not arrive in time")
        : Problem.of(ProblemCode.MALFORMED, "the request ends in the middle of its head");
  }

  private static Problem problem(int status, @Nullable String message) {
    boolean headersExceeded = message != null && message.contains(HEADERS_EXCEEDED);
    if (headersExceeded) {
      return Problem.of(ProblemCode.HEADERS_TOO_LARGE, "the headers are larger than 16 KiB");
    }
    return switch (status) {
      case 413 -> Problem.of(ProblemCode.TOO_LARGE, "the body is too large");
      case 414 -> Problem.of(ProblemCode.URI_TOO_LONG, "the request line is longer than 8 KiB");
      case 501 -> Problem.of(ProblemCode.NOT_IMPLEMENTED, "only chunked is understood");
      case 505 -> Problem.of(ProblemCode.HTTP_VERSION, "send HTTP/1.1");
      case 500 -> Problem.of(ProblemCode.INTERNAL, "an error nobody foresaw");
      default -> Problem.of(ProblemCode.MALFORMED, "this is not a valid HTTP/1.1 request");
    };
  }
}

package holdfast.adapters.web;

import holdfast.application.Answer;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.EntityKey;
import holdfast.domain.task.Rejection;
import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/** Puts what the application answers into HTTP. */
final class Answers {
  static final Header JSON =
      HeaderValues.createCached(HeaderNames.CONTENT_TYPE, "application/json");
  private static final Header PROBLEM =
      HeaderValues.createCached(HeaderNames.CONTENT_TYPE, "application/problem+json");
  private static final Duration RETRY_WHEN_BUSY = Duration.ofSeconds(1);
  private static final Duration RETRY_AFTER_RESTART = Duration.ofSeconds(10);

  /** Tells the requests of one start from those of another. */
  private static final String START =
      Integer.toString(new SecureRandom().nextInt(36 * 36 * 36 * 36), 36);

  private static final AtomicLong REQUESTS = new AtomicLong();

  private Answers() {}

  /** A problem with the id under which the log may say more. */
  record Rendered(String requestId, Response.Whole response) {}

  static Rendered rendered(Problem problem) {
    String requestId = START + "-" + Long.toString(REQUESTS.incrementAndGet(), 36);
    byte[] body = Rendering.problem(problem, requestId);
    var headers = new ArrayList<Header>(problem.headers());
    headers.add(PROBLEM);
    var response = new Response.Whole(Status.create(problem.code().status()), body, headers);
    return new Rendered(requestId, response);
  }

  static Response.Whole json(Status status, byte[] body, Header... headers) {
    if (headers.length == 0) {
      return new Response.Whole(status, body, List.of(JSON));
    }
    var all = new ArrayList<Header>(headers.length + 1);
    all.add(JSON);
    all.addAll(List.of(headers));
    return new Response.Whole(status, body, all);
  }

  static Header etag(long revision) {
    return HeaderValues.create(HeaderNames.ETAG, "\"" + revision + "\"");
  }

  /**
   * The refusal behind every answer that is not {@link Answer.Done}.
   *
   * @throws IllegalArgumentException if it is
   */
  static RefusedException refusal(Answer<?> answer) {
    return new RefusedException(
        switch (answer) {
          case Answer.Done<?> done -> throw new IllegalArgumentException("no refusal: " + done);
          case Answer.NotFound<?>(EntityKey key) -> notFound(key);
          case Answer.Gone<?>(EntityKey key) -> purged(key);
          case Answer.Refused<?>(Rejection rejection) -> wrongState(rejection);
          case Answer.Impossible<?>(String pointer, String detail) ->
              pointer.isEmpty()
                  ? Problem.of(ProblemCode.IMPOSSIBLE, detail)
                  : impossible(pointer, detail);
          case Answer.InUse<?>(EntityKey key, int tasks) ->
              Problem.of(
                  ProblemCode.IN_USE,
                  tasks + " tasks belong to " + name(key) + "; purge them first");
          case Answer.Stale<?>(long revision) ->
              Problem.of(
                  ProblemCode.STALE,
                  "the present revision is " + revision + "; read it again",
                  etag(revision));
          case Answer.Unavailable<?>(CommitResult.Reason reason, String detail) ->
              unavailable(reason, detail);
          case Answer.DurabilityUnknown<?>(String detail) ->
              Problem.retryAfter(ProblemCode.DURABILITY_UNKNOWN, detail, RETRY_AFTER_RESTART);
        });
  }

  static Problem notFound(EntityKey key) {
    return Problem.of(ProblemCode.NOT_FOUND, "there is no " + name(key));
  }

  static Problem purged(EntityKey key) {
    return Problem.of(ProblemCode.PURGED, name(key) + " has been purged");
  }

  static Problem wrongState(Rejection rejection) {
    return Problem.of(ProblemCode.WRONG_STATE, rejection.detail());
  }

  private static Problem impossible(String pointer, String detail) {
    Problem invalid = Problem.invalid(pointer, detail);
    return new Problem(
        ProblemCode.IMPOSSIBLE, invalid.detail(), invalid.errors(), invalid.headers());
  }

  private static Problem unavailable(CommitResult.Reason reason, String detail) {
    return switch (reason) {
      case BUSY -> Problem.retryAfter(ProblemCode.BUSY, detail, RETRY_WHEN_BUSY);
      case DISK_FULL -> Problem.of(ProblemCode.DISK_FULL, detail);
      case TOO_LARGE -> Problem.of(ProblemCode.TOO_LARGE, detail);
      case COPY_NOT_ACCEPTED -> Problem.of(ProblemCode.COPY_NOT_ACCEPTED, detail);
      case STOPPING -> Problem.retryAfter(ProblemCode.STOPPING, detail, RETRY_AFTER_RESTART);
      case CLOSED -> Problem.retryAfter(ProblemCode.STORAGE_CLOSED, detail, RETRY_AFTER_RESTART);
    };
  }

  private static String name(EntityKey key) {
    return key.kind().name().toLowerCase(Locale.ROOT) + " " + key.id();
  }
}

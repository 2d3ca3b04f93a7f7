package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.web.OpenApi.Operation;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import java.util.Set;

/**
 * Every operation that is described, refused in every way that does not depend on what it does:
 * what it says it answers then is what it answers.
 */
final class OpenApiRefusals {
  static final String READING = "fedcba9876543210-test-reader";
  private static final String AUTHORIZATION = "Authorization";
  private static final byte[] TOO_MUCH = new byte[1024 * 1024 + 1];

  private final TestServer server;

  OpenApiRefusals(TestServer server) {
    this.server = server;
  }

  /** A request that could succeed, if the id were that of something, from whoever has the token. */
  HttpRequest.Builder request(Operation operation, String id, String query) {
    ContractNode json = operation.jsonBody();
    BodyPublisher body =
        json == null
            ? BodyPublishers.noBody()
            : BodyPublishers.ofByteArray(JsonBytes.compact(json.get("example").value()));
    HttpRequest.Builder request =
        HttpRequest.newBuilder(server.uri(operation.path().replace("{id}", id) + query))
            .timeout(TestServer.LIMIT)
            .method(operation.method(), body)
            .header(AUTHORIZATION, "Bearer " + TestServer.TOKEN);
    if (json != null) {
      request.header("Content-Type", "application/json");
    }
    return operation.statuses().contains("428") ? request.header("If-Match", "*") : request;
  }

  private HttpRequest.Builder request(Operation operation) {
    return request(operation, example(operation), "");
  }

  private static String example(Operation operation) {
    return operation.parameters().stream()
        .filter(one -> "path".equals(one.text("in")))
        .map(one -> String.valueOf(one.text("example")))
        .findFirst()
        .orElse("");
  }

  private void refuse(Operation operation, int status, HttpRequest.Builder request) {
    var answer = server.send(request);
    assertEquals(status, answer.statusCode(), operation.name() + " " + answer.body());
  }

  /** Those that say they answer with a status. */
  private static List<Operation> with(int status) {
    List<Operation> all =
        OpenApi.operations().stream()
            .filter(operation -> operation.statuses().contains(Integer.toString(status)))
            .toList();
    assertTrue(all.size() > 1, status + " is described for " + all.size());
    return all;
  }

  /** What is wrong with requests themselves. Nothing comes of any of them. */
  void whateverItDoes() {
    for (Operation operation : OpenApi.operations()) {
      refuse(operation, 400, request(operation, example(operation), "?nonsense=1"));
      refuse(operation, 403, request(operation).header("Origin", "http://evil.example"));
    }
    for (Operation operation : with(401)) {
      refuse(operation, 401, unauthorized(operation, "Basic eDp5"));
    }
    for (Operation operation : with(406)) {
      refuse(operation, 406, request(operation).header("Accept", "image/png"));
    }
    for (Operation operation : with(413)) {
      refuse(
          operation,
          413,
          request(operation).method(operation.method(), BodyPublishers.ofByteArray(TOO_MUCH)));
    }
    for (Operation operation : with(415)) {
      refuse(operation, 415, request(operation).setHeader("Content-Type", "text/plain"));
    }
    for (Operation operation : OpenApi.operations()) {
      if (!operation.method().equals("GET")) {
        refuse(operation, 403, request(operation).setHeader(AUTHORIZATION, "Bearer " + READING));
      }
    }
  }

  /** By somebody whose token or code is none. */
  private HttpRequest.Builder unauthorized(Operation operation, String authorization) {
    return operation.path().equals(LaunchRoute.PATH)
        ? request(operation, "", "?code=wrong")
        : request(operation).setHeader(AUTHORIZATION, authorization);
  }

  /** What there is not. */
  void ofNothing() {
    for (Operation operation : with(404)) {
      if (operation.path().contains("{id}")) {
        refuse(operation, 404, request(operation));
      }
    }
  }

  /** Without saying what is to be changed, and with what is not there any more. */
  void ofAnotherRevision(String task, String initiative) {
    for (Operation operation : with(428)) {
      String id = operation.path().contains("initiatives") ? initiative : task;
      HttpRequest.Builder blind = request(operation, id, "").setHeader("If-Match", "\"1\"");
      refuse(operation, 428, without(blind));
    }
    for (Operation operation : with(412)) {
      String id = operation.path().contains("initiatives") ? initiative : task;
      refuse(operation, 412, request(operation, id, "").setHeader("If-Match", "\"77\""));
    }
  }

  private static HttpRequest.Builder without(HttpRequest.Builder request) {
    return HttpRequest.newBuilder(request.build(), (name, _) -> !name.equals("If-Match"));
  }

  /** What has been purged. Its events are there for as long as the journal has them. */
  void ofWhatIsPurged(String task, String initiative, Set<String> except) {
    for (Operation operation : with(410)) {
      if (operation.path().contains("{id}") && !except.contains(operation.name())) {
        String id = operation.path().contains("initiatives") ? initiative : task;
        refuse(operation, 410, request(operation, id, ""));
      }
    }
  }

  /** While the server recovers. */
  void tooEarly() {
    for (Operation operation : with(503)) {
      refuse(operation, 503, request(operation));
    }
  }

  /** From a copy that nobody has accepted. */
  void ofACopy(String task, String initiative) {
    for (Operation operation : with(409)) {
      if (!operation.path().equals("/api/shutdown")) {
        String id = operation.path().contains("initiatives") ? initiative : task;
        boolean ofEither =
            operation.path().contains("/tasks/") || operation.path().contains("initiatives/");
        refuse(operation, 409, request(operation, ofEither ? id : example(operation), ""));
      }
    }
  }

  /** After too many of them. */
  void guesses() {
    Operation any = with(429).getFirst();
    var answer = server.send(unauthorized(any, "Bearer guessed"));
    for (int i = 0; answer.statusCode() == 401 && i <= Throttle.GUESSES_MAX; i++) {
      answer = server.send(unauthorized(any, "Bearer guessed"));
    }
    for (Operation operation : with(429)) {
      refuse(operation, 429, unauthorized(operation, "Bearer guessed"));
    }
  }
}

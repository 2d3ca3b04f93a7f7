package holdfast.adapters.web;

import holdfast.application.Audit;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.InvalidSpecException;
import io.helidon.common.buffers.DataReader;
import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Every HTTP request passes here: who are you, what do you want, may you, here it is. The only
 * handler that Helidon knows.
 */
final class FrontDoor {
  private static final Logger LOG = System.getLogger(FrontDoor.class.getName());
  private static final byte[] NOTHING = new byte[0];
  private static final Duration RETRY_WHILE_STARTING = Duration.ofSeconds(1);

  /**
   * A body nobody asked for is read to its end, up to this size, so that the answer gets across.
   */
  private static final long DRAINED_BYTES_MAX = 64L * 1024 * 1024;

  private final Gate gate;
  private final Supplier<@Nullable Routes> routes;
  private final Supplier<@Nullable Audit> audit;
  private final Supplier<String> closedBecause;
  private final Routes probes;
  private final int bodyBytesMax;
  private final AtomicInteger inFlight = new AtomicInteger();
  private volatile boolean draining;

  /**
   * @param probes answer from the first moment on
   * @param routes everything, probes included; gives null until recovery is done
   * @param audit is told what was done and refused; gives null until then
   * @param closedBecause why there are no routes as yet
   */
  FrontDoor(
      Gate gate,
      Routes probes,
      Supplier<@Nullable Routes> routes,
      Supplier<@Nullable Audit> audit,
      Supplier<String> closedBecause,
      int bodyBytesMax) {
    this.gate = gate;
    this.probes = probes;
    this.routes = routes;
    this.audit = audit;
    this.closedBecause = closedBecause;
    this.bodyBytesMax = bodyBytesMax;
  }

  /** Requests being served at this moment. */
  int inFlight() {
    return inFlight.get();
  }

  /** From now on everything but the probes is refused. */
  void drain() {
    draining = true;
  }

  boolean isDraining() {
    return draining;
  }

  /** Answers a request. */
  void handle(ServerRequest request, ServerResponse response) {
    Connection connection = Connection.current();
    connection.serving(request.headers().containsToken(HeaderValues.CONNECTION_CLOSE));
    inFlight.incrementAndGet();
    try {
      Response answer = safely(request);
      connection.sending();
      send(request, response, answer, connection);
    } finally {
      inFlight.decrementAndGet();
      connection.idle();
    }
  }

  /**
   * Closes the connection if that was its last request; Helidon announces it and leaves it open.
   * Called when the answer is written to its end.
   */
  void afterwards(ServerRequest request) {
    if (!Connection.current().isLast()) {
      return;
    }
    try {
      if (isUnread(request) && isDrainable(request)) {
        request.content().consume();
      }
    } catch (RuntimeException unreadable) {
      LOG.log(Level.DEBUG, "the rest of a refused body: {0}", unreadable.getMessage());
    }
    throw new CloseConnectionException("the last request of this connection was answered");
  }

  private Response safely(ServerRequest request) {
    String method = request.prologue().method().text();
    var audited = new AuditedRequest(audit.get(), method, Connection.current().peer());
    try {
      Response answer = answer(request, method, audited);
      audited.done(request.prologue().query().rawValue());
      return answer;
    } catch (RefusedException refused) {
      return problem(refused.problem(), audited);
    } catch (InvalidSpecException invalid) {
      return problem(Problem.invalid(invalid.violations()), audited);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return problem(stopping(), audited);
    } catch (CloseConnectionException | UncheckedIOException gone) {
      throw gone;
    } catch (DataReader.InsufficientDataAvailableException gone) {
      throw new CloseConnectionException("the client left in the middle of its request", gone);
    } catch (StorageException failure) {
      audited.refused(ProblemCode.INTERNAL);
      return failed(request, failure, "the storage failed; see the server's log");
    } catch (RuntimeException failure) {
      audited.refused(ProblemCode.INTERNAL);
      return failed(request, failure, "an error nobody foresaw; see the server's log");
    }
  }

  private Response answer(ServerRequest request, String method, AuditedRequest audited)
      throws InterruptedException {
    String path = request.prologue().uriPath().rawPath();
    Routes known = routes.get();
    Routes.Match match = (known == null ? probes : known).find(path);
    Route route = match == null ? null : match.route(method);
    Access access = route == null ? Access.TOKEN : route.access();
    String parameter = match == null ? null : match.parameter();
    if (route != null) {
      audited.about(route, parameter);
    }
    Problem problem = gate.check(access, method, parameter, request.headers());
    boolean isKnown = problem == null || problem.code() == ProblemCode.FORBIDDEN;
    if (isKnown) {
      audited.admitted(gate.actor(access, request.headers()));
    }
    // Before recovery there is no saying what a good token would reach.
    if (problem != null && !(isKnown && known == null)) {
      throw new RefusedException(problem);
    }
    if (access != Access.ANYBODY) {
      refuseUnlessServing(known);
    }
    if (match == null) {
      throw new RefusedException(Problem.of(ProblemCode.NOT_FOUND, "there is no " + path));
    }
    if (route == null) {
      return withoutRoute(method, path, match);
    }
    String accept = Call.header(request, HeaderNames.ACCEPT);
    if (accept != null && !Accepts.allows(accept, route.produces())) {
      throw new RefusedException(
          Problem.of(ProblemCode.NOT_ACCEPTABLE, "the answer is " + route.produces()));
    }
    Query query = Query.parse(request.prologue().query().rawValue(), route.parameters());
    var call = new Call(request, match.parameter(), query, bodyBytesMax);
    return audited.run(() -> route.handler().handle(call));
  }

  private void refuseUnlessServing(@Nullable Routes known) {
    if (draining) {
      throw new RefusedException(stopping());
    }
    if (known == null) {
      throw new RefusedException(
          Problem.retryAfter(ProblemCode.STARTING, closedBecause.get(), RETRY_WHILE_STARTING));
    }
  }

  private static Problem stopping() {
    return Problem.retryAfter(
        ProblemCode.STOPPING,
        "the server is shutting down; send it again after the restart",
        RETRY_WHILE_STARTING);
  }

  private static Response withoutRoute(String method, String path, Routes.Match match) {
    Header allow = HeaderValues.create(HeaderNames.ALLOW, match.allowed());
    if (method.equals("OPTIONS")) {
      return new Response.Whole(Status.NO_CONTENT_204, NOTHING, List.of(allow));
    }
    throw new RefusedException(
        Problem.of(
            ProblemCode.METHOD_NOT_ALLOWED,
            path + " takes " + match.allowed() + ", not " + method,
            allow));
  }

  private Response failed(ServerRequest request, RuntimeException failure, String detail) {
    Answers.Rendered rendered = Answers.rendered(Problem.of(ProblemCode.INTERNAL, detail));
    LOG.log(
        Level.ERROR,
        "request "
            + rendered.requestId()
            + " failed: "
            + request.prologue().method().text()
            + " "
            + request.prologue().uriPath().rawPath(),
        failure);
    return rendered.response();
  }

  private static Response problem(Problem problem, AuditedRequest audited) {
    audited.refused(problem.code());
    return Answers.rendered(problem).response();
  }

  private void send(
      ServerRequest request, ServerResponse response, Response answer, Connection connection) {
    response.status(answer.status());
    SecurityHeaders.addTo(response);
    for (Header header : answer.headers()) {
      response.header(header);
    }
    if (draining || (isUnread(request) && !isDrainable(request))) {
      connection.last();
    }
    if (connection.isLast()) {
      response.header(HeaderValues.CONNECTION_CLOSE);
    }
    boolean head = request.prologue().method().text().equals("HEAD");
    switch (answer) {
      case Response.Whole whole -> sendWhole(response, whole, head);
      case Response.Streamed streamed -> sendStreamed(response, streamed, head, connection);
    }
  }

  private static boolean isUnread(ServerRequest request) {
    return request.content().hasEntity() && !request.content().consumed();
  }

  private static boolean isDrainable(ServerRequest request) {
    boolean waitsForUs = request.headers().containsToken(HeaderValues.EXPECT_100);
    return !waitsForUs && request.headers().contentLength().orElse(0) <= DRAINED_BYTES_MAX;
  }

  private static void sendWhole(ServerResponse response, Response.Whole whole, boolean head) {
    if (head && whole.body().length > 0) {
      response.header(HeaderValues.create(HeaderNames.CONTENT_LENGTH, whole.body().length));
      response.send(NOTHING);
    } else {
      response.send(whole.body());
    }
  }

  private static void sendStreamed(
      ServerResponse response, Response.Streamed streamed, boolean head, Connection connection) {
    try {
      if (streamed.length() >= 0) {
        response.header(HeaderValues.create(HeaderNames.CONTENT_LENGTH, streamed.length()));
      }
      if (head || streamed.length() == 0) {
        response.send(NOTHING);
        return;
      }
      try (OutputStream out = response.outputStream()) {
        streamed.body().writeTo(out, connection::sending);
      }
    } catch (IOException | UncheckedIOException gone) {
      throw new CloseConnectionException("the client is gone", gone);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CloseConnectionException("the server is going away", e);
    } catch (StorageException failure) {
      // The status is on its way already: only a broken connection tells the client the truth.
      LOG.log(Level.ERROR, "an output could not be read to its end", failure);
      throw new CloseConnectionException("the output cannot be read", failure);
    } finally {
      streamed.body().close();
    }
  }
}

package holdfast.adapters.web;

import holdfast.domain.task.RunRef;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Headers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Decides who gets in, for requests and for WebSocket upgrades alike. Any thread.
 *
 * <ol>
 *   <li>{@code Host} must be one of the server's names, port included, on every request: a rebound
 *       DNS name carries the attacker's name there.
 *   <li>An {@code Origin} must be one of the server's own, whoever sends it.
 *   <li>A bearer token that is right lets in. So does a cookie, but only on requests that a page of
 *       this server made: with a right Origin, or, for GET and HEAD, which browsers send without
 *       one, with {@code Sec-Fetch-Site} saying so.
 *   <li>The token for reading, and that of a task, let in to less; what they do not reach is
 *       refused before anything is looked up.
 * </ol>
 */
final class Gate {
  private static final HeaderName SEC_FETCH_SITE = HeaderNames.create("Sec-Fetch-Site");
  private static final String BEARER = "Bearer ";
  private static final Duration TURNED_AWAY_FOR = Duration.ofMinutes(1);

  private final byte @Nullable [] token;
  private final byte @Nullable [] readingToken;
  private final @Nullable TaskTokens taskTokens;
  private final Predicate<RunRef> goesOn;
  private final @Nullable Sessions sessions;
  private final Throttle throttle;
  private final Set<String> hosts;
  private final Set<String> origins;

  /** Whose token it is. */
  private sealed interface Bearer {
    record Owner() implements Bearer {}

    record Reader() implements Bearer {}

    record OfTask(RunRef run) implements Bearer {}
  }

  /**
   * @param port that was bound
   * @param goesOn whether a run is the one in force of a task that is active, as far as is known
   */
  Gate(
      WebSettings settings,
      int port,
      InstantSource clock,
      LongSupplier nanoTime,
      Predicate<RunRef> goesOn) {
    String secret = settings.token();
    token = bytes(secret);
    readingToken = bytes(settings.lesser().reading());
    taskTokens = settings.lesser().ofTasks();
    this.goesOn = goesOn;
    sessions = secret == null ? null : new Sessions(secret, clock);
    throttle = new Throttle(nanoTime);
    hosts = hosts(settings, port);
    origins = new HashSet<>();
    for (String host : hosts) {
      if (settings.tls() == null) {
        origins.add("http://" + host);
      }
      if (settings.tls() != null || settings.behindProxy()) {
        origins.add("https://" + host);
      }
    }
  }

  private static byte @Nullable [] bytes(@Nullable String text) {
    return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
  }

  private static Set<String> hosts(WebSettings settings, int port) {
    Set<String> names = new HashSet<>(List.of("127.0.0.1", "localhost", "[::1]"));
    String bound = settings.host().toLowerCase(Locale.ROOT);
    names.add(bound.indexOf(':') >= 0 ? "[" + bound + "]" : bound);
    int schemePort = settings.tls() == null ? 80 : 443;
    Set<String> hosts = new HashSet<>();
    for (String name : names) {
      hosts.add(name + ":" + port);
      if (port == schemePort) {
        hosts.add(name);
      }
    }
    for (String allowed : settings.allowedHosts()) {
      String name = allowed.toLowerCase(Locale.ROOT);
      boolean withPort = name.lastIndexOf(':') > name.lastIndexOf(']');
      hosts.add(name);
      if (!withPort) {
        hosts.add(name + ":" + port);
      }
    }
    return hosts;
  }

  /** Where browsers exchange codes, or null if everybody is let in anyway. */
  @Nullable Sessions sessions() {
    return sessions;
  }

  /** A wrong one-time code is a guess like any other. */
  Problem wrongCode() {
    return counted(unauthorized("the code is not, or no longer, good; ask for a fresh launch URL"));
  }

  /**
   * Judges a request.
   *
   * @param method upper case
   * @param parameter what the path has in place of its one variable segment, or null
   * @return why it is refused, or null if it may pass
   */
  @Nullable Problem check(
      Access access, String method, @Nullable String parameter, Headers headers) {
    String host = value(headers, HeaderNames.HOST);
    boolean one =
        headers.contains(HeaderNames.HOST) && headers.get(HeaderNames.HOST).valueCount() == 1;
    if (host == null || !one || !hosts.contains(host.toLowerCase(Locale.ROOT))) {
      return Problem.of(
          ProblemCode.WRONG_HOST,
          "the server is not known as \"" + host + "\"; HOLDFAST_ALLOWED_HOSTS adds names");
    }
    String origin = value(headers, HeaderNames.ORIGIN);
    if (origin != null && !origins.contains(origin.toLowerCase(Locale.ROOT))) {
      return Problem.of(
          ProblemCode.WRONG_ORIGIN, "pages of \"" + origin + "\" may not use this server");
    }
    if (access == Access.ANYBODY || access == Access.CODE) {
      return null;
    }
    boolean ownPage = origin != null || (isSafe(method) && isFetchedByOwnPage(headers));
    Problem problem = identify(headers, ownPage);
    if (problem != null) {
      return isGuess(headers, problem) ? counted(problem) : problem;
    }
    return beyondReach(bearer(headers), access, isSafe(method), parameter);
  }

  /** Why the bearer of a good token may not do this, or null. */
  private static @Nullable Problem beyondReach(
      @Nullable Bearer bearer, Access access, boolean isSafe, @Nullable String parameter) {
    return switch (bearer) {
      case null -> null;
      case Bearer.Owner _ -> null;
      case Bearer.Reader _ ->
          isSafe ? null : forbidden("this token is for reading; to change something, send another");
      case Bearer.OfTask(RunRef run) ->
          isSafe && access == Access.TASK && run.task().value().equals(parameter)
              ? null
              : forbidden("this token lets task " + run.task() + " look at itself, and no more");
    };
  }

  /**
   * Who holds a connection.
   *
   * @param actor as the audit trail calls him
   * @param mayCommand whether he may change anything
   */
  record Guest(String actor, boolean mayCommand) {}

  /** Who was let in by {@link #checkUpgrade}. */
  Guest guest(Headers headers) {
    return new Guest(actor(Access.TOKEN, headers), !(bearer(headers) instanceof Bearer.Reader));
  }

  /**
   * Judges a WebSocket upgrade; browsers always say where it comes from. A wrong token is not
   * counted: an upgrade that is refused goes on as a request, where it is.
   */
  @Nullable Problem checkUpgrade(Headers headers) {
    Problem problem = check(Access.ANYBODY, "GET", null, headers);
    if (problem == null) {
      problem = identify(headers, headers.contains(HeaderNames.ORIGIN));
    }
    return problem != null ? problem : beyondReach(bearer(headers), Access.TOKEN, true, null);
  }

  /** Who sent what {@link #check} knows the token of, as the audit trail calls them. */
  String actor(Access access, Headers headers) {
    if (access == Access.ANYBODY || access == Access.CODE || token == null) {
      return "anybody";
    }
    return switch (bearer(headers)) {
      case null -> "session";
      case Bearer.Owner _ -> "admin";
      case Bearer.Reader _ -> "reader";
      case Bearer.OfTask(RunRef run) -> "task:" + run.task();
    };
  }

  private @Nullable Problem identify(Headers headers, boolean ownPage) {
    if (token == null || sessions == null) {
      // Nobody needs to identify himself, but a page from elsewhere is not a somebody.
      boolean fromBrowser = headers.contains(SEC_FETCH_SITE);
      return ownPage || !fromBrowser ? null : foreignPage();
    }
    if (headers.contains(HeaderNames.AUTHORIZATION)) {
      return switch (bearer(headers)) {
        case null -> unauthorized("the token is wrong");
        case Bearer.Owner _, Bearer.Reader _ -> null;
        case Bearer.OfTask(RunRef run) ->
            goesOn.test(run)
                ? null
                : unauthorized("the run that this token was given to has ended");
      };
    }
    String cookie = sessionCookie(headers);
    if (cookie == null) {
      return unauthorized("send the header \"Authorization: Bearer <token>\"");
    }
    if (!sessions.isValid(cookie)) {
      return unauthorized("the session has ended; ask the server for a fresh launch URL");
    }
    return ownPage ? null : foreignPage();
  }

  /** Whose token is sent, or null if it is nobody's or none is. */
  private @Nullable Bearer bearer(Headers headers) {
    String authorization = value(headers, HeaderNames.AUTHORIZATION);
    if (authorization == null
        || !authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return null;
    }
    String sent = authorization.substring(BEARER.length()).strip();
    byte[] bytes = sent.getBytes(StandardCharsets.UTF_8);
    if (token != null && MessageDigest.isEqual(token, bytes)) {
      return new Bearer.Owner();
    }
    if (readingToken != null && MessageDigest.isEqual(readingToken, bytes)) {
      return new Bearer.Reader();
    }
    RunRef run = taskTokens == null ? null : taskTokens.read(sent);
    return run == null ? null : new Bearer.OfTask(run);
  }

  /** Who sends nothing does not guess, and neither does who sends what was good once. */
  private boolean isGuess(Headers headers, Problem problem) {
    return problem.code() == ProblemCode.UNAUTHORIZED
        && (headers.contains(HeaderNames.AUTHORIZATION)
            ? bearer(headers) == null
            : sessionCookie(headers) != null);
  }

  private Problem counted(Problem problem) {
    return throttle.wrongGuess()
        ? Problem.retryAfter(
            ProblemCode.TOO_MANY_REQUESTS,
            "too many wrong tokens; the right one is let in all the same",
            TURNED_AWAY_FOR)
        : problem;
  }

  private static Problem unauthorized(String detail) {
    return Problem.of(
        ProblemCode.UNAUTHORIZED,
        detail,
        HeaderValues.create(HeaderNames.WWW_AUTHENTICATE, "Bearer realm=\"holdfast\""));
  }

  private static Problem forbidden(String detail) {
    return Problem.of(ProblemCode.FORBIDDEN, detail);
  }

  private static Problem foreignPage() {
    return Problem.of(
        ProblemCode.WRONG_ORIGIN,
        "the request does not say that a page of this server made it: no Origin, and no"
            + " Sec-Fetch-Site of same-origin or none");
  }

  private static boolean isSafe(String method) {
    return method.equals("GET") || method.equals("HEAD");
  }

  private static boolean isFetchedByOwnPage(Headers headers) {
    String site = value(headers, SEC_FETCH_SITE);
    return site != null && (site.equals("same-origin") || site.equals("none"));
  }

  private static @Nullable String sessionCookie(Headers headers) {
    if (!headers.contains(HeaderNames.COOKIE)) {
      return null;
    }
    for (String header : headers.get(HeaderNames.COOKIE).allValues()) {
      for (String pair : header.split(";", -1)) {
        String cookie = pair.strip();
        if (cookie.startsWith(Sessions.COOKIE + "=")) {
          return cookie.substring(Sessions.COOKIE.length() + 1);
        }
      }
    }
    return null;
  }

  private static @Nullable String value(Headers headers, HeaderName name) {
    return headers.contains(name) ? headers.get(name).get() : null;
  }
}

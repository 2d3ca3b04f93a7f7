package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.AuditTrail;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who gets in, tried on every route and every method over a real port. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GateIT {
  private static final List<String> METHODS =
      List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND");
  private static final Set<String> OPEN =
      Set.of("/api/health/live", "/api/health/ready", "/api/health/started");
  private static final String NOBODY = "0".repeat(20);
  private static final String READING = "fedcba9876543210-test-reader";
  private static final TaskTokens OF_TASKS = new TaskTokens(new byte[32]);
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start(settings());
  }

  private static WebSettings settings() {
    return WebSettings.loopback(0, TestServer.TOKEN, "/")
        .with(new WebSettings.Lesser(READING, OF_TASKS));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** Everything in the table but the launch, which has a test of its own, and what is not there. */
  private List<String> paths() {
    var paths = new TreeSet<String>(List.of("/", "/api", "/api/tasks/", "/nothing"));
    for (Route route : table()) {
      paths.add(route.pattern().replace(Route.PARAMETER, NOBODY));
    }
    paths.remove(LaunchRoute.PATH);
    // What ends the server comes last.
    paths.remove("/api/shutdown");
    var ordered = new ArrayList<>(paths);
    ordered.add("/api/shutdown");
    return ordered;
  }

  private List<Route> table() {
    return Objects.requireNonNull(server.web.routes(), "open").all();
  }

  /** A route that is to let in others than the bearer of the token is added here on purpose. */
  @Test
  void theTableLetsInNobodyElseThanTheContractHas() {
    var others = new TreeSet<String>();
    for (Route route : table()) {
      if (route.access() != Access.TOKEN) {
        others.add(route.access() + " " + route.method() + " " + route.pattern());
      }
    }
    assertEquals(
        List.of(
            "ANYBODY GET /api/health/live",
            "ANYBODY GET /api/health/ready",
            "ANYBODY GET /api/health/started",
            "CODE GET /launch",
            "TASK GET /api/tasks/{id}",
            "TASK GET /api/tasks/{id}/events",
            "TASK GET /api/tasks/{id}/output",
            "TASK GET /api/tasks/{id}/output/stream"),
        List.copyOf(others));
  }

  /** What the contract names is in the table that is walked. */
  @Test
  void theTableHasWhatIsWalked() {
    List<String> paths = paths();
    for (String path :
        List.of(
            "/api/tasks/{id}/input",
            "/api/initiatives/{id}",
            "/api/sync/conflicts/{id}/resolve",
            "/api/snapshots/{id}/restore",
            "/api/recovery/tasks/{id}/decision",
            "/api/logs",
            "/api/shutdown",
            "/metrics",
            "/ws")) {
      assertTrue(paths.contains(path.replace(Route.PARAMETER, NOBODY)), path);
    }
    assertTrue(paths.size() > 30, paths.toString());
  }

  private int status(String method, String path, String... headerLines) throws IOException {
    String request =
        method
            + " "
            + path
            + " HTTP/1.1\r\nConnection: close\r\n"
            + String.join("\r\n", headerLines)
            + "\r\n\r\n";
    String response = server.raw(request);
    assertFalse(response.contains("Access-Control"), response);
    assertTrue(response.contains("X-Content-Type-Options: nosniff"), response);
    assertTrue(
        response.contains(
            "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
        response);
    assertTrue(response.contains("Referrer-Policy: no-referrer"), response);
    assertTrue(response.contains("Cache-Control: no-store"), response);
    assertFalse(response.contains("Exception") || response.contains("\tat "), response);
    return Integer.parseInt(response.substring(9, 12));
  }

  private String host() {
    return "Host: 127.0.0.1:" + server.port;
  }

  @Test
  void nothingAnswersWithoutTheTokenButTheProbes() throws IOException {
    int walked = 0;
    for (String path : paths()) {
      for (String method : METHODS) {
        boolean open = OPEN.contains(path) && (method.equals("GET") || method.equals("HEAD"));
        assertEquals(open ? 200 : 401, status(method, path, host()), method + " " + path);
        walked++;
      }
    }
    assertTrue(walked > 200, "walked only " + walked);
  }

  @Test
  void nothingAnswersUnderAForeignNameOrToAForeignPage() throws IOException {
    String right = "Authorization: Bearer " + TestServer.TOKEN;
    for (String path : paths()) {
      for (String method : METHODS) {
        String call = method + " " + path;
        assertEquals(403, status(method, path, "Host: evil.example:" + server.port, right), call);
        assertEquals(403, status(method, path, "Host: 127.0.0.1", right), call);
        assertEquals(403, status(method, path, host(), right, "Origin: http://evil.example"), call);
      }
    }
  }

  @Test
  void everyRouteIsInTheTableWithATokenUnlessItIsAProbeOrTheLaunch() throws IOException {
    for (String path : paths()) {
      for (String method : METHODS) {
        int status = status(method, path, host(), "Authorization: Bearer " + TestServer.TOKEN);
        assertTrue(status != 401 && status != 403 && status != 500, method + " " + path + status);
      }
    }
  }

  @Test
  void theTokenForReadingLooksAtEverythingAndChangesNothing() throws IOException {
    String reading = "Authorization: Bearer " + READING;
    for (String path : paths()) {
      for (String method : METHODS) {
        int status = status(method, path, host(), reading);
        boolean isLook = method.equals("GET") || method.equals("HEAD");
        assertEquals(!isLook, status == 403, method + " " + path + " " + status);
        assertTrue(status != 401 && status != 500, method + " " + path + " " + status);
      }
    }
    assertEquals(0, server.application().state().seq());
    assertEquals(200, server.get("/api/health/ready").statusCode(), "nothing was shut down");
    try (var client =
        SocketClient.connect(
            server,
            "GET /ws HTTP/1.1\r\n" + host() + "\r\n" + reading + "\r\n",
            SocketUpgrade.SUBPROTOCOL)) {
      client.send("{\"type\":\"subscribe\",\"id\":\"t\",\"topic\":\"tasks\"}");
      client.text("live");
      client.send(
          "{\"type\":\"command\",\"id\":\"c\",\"action\":\"submit\",\"body\":{\"command\":[\"true\"]}}");
      String result = client.text("result");
      assertTrue(result.contains("\"status\":403") && result.contains("forbidden"), result);
    }
    assertEquals(0, server.application().state().seq());
  }

  @Test
  void aTasksTokenShowsThatTaskAndNothingElseAndDiesWithItsRun() throws IOException {
    server.world.program("wait", _ -> {});
    String id = server.submit("{\"command\":[\"wait\"]}");
    TestServer.await("running", () -> server.get("/api/tasks/" + id).body().contains("RUNNING"));
    String token = "Authorization: Bearer " + OF_TASKS.of(new RunRef(new TaskId(id), 1, 1));
    List<String> own = List.of("", "/events", "/output", "/output/stream");
    for (String path : own) {
      assertEquals(200, status("HEAD", "/api/tasks/" + id + path, host(), token), path);
    }
    assertEquals(200, status("GET", "/api/tasks/" + id, host(), token));
    for (String path : paths()) {
      for (String method : METHODS) {
        boolean open = OPEN.contains(path) && (method.equals("GET") || method.equals("HEAD"));
        assertEquals(open ? 200 : 403, status(method, path, host(), token), method + " " + path);
        if (path.contains(NOBODY) && !method.equals("GET") && !method.equals("HEAD")) {
          String same = path.replace(NOBODY, id);
          assertEquals(403, status(method, same, host(), token), method + " " + same);
        }
      }
    }
    assertEquals(403, upgrade(host(), false, token + "\r\n"));
    for (int wrong : new int[] {2, 3}) {
      String other = OF_TASKS.of(new RunRef(new TaskId(id), 1, wrong));
      assertEquals(
          401, status("GET", "/api/tasks/" + id, host(), "Authorization: Bearer " + other));
    }
    server.post("/api/tasks/" + id + "/kill", "");
    TestServer.await("ended", () -> server.get("/api/tasks/" + id).body().contains("CANCELED"));
    for (int i = 0; i < Throttle.GUESSES_MAX + 1; i++) {
      assertEquals(401, status("GET", "/api/tasks/" + id, host(), token), "no guess, so no 429");
    }
  }

  /** Whoever tries what his token does not reach has a name. */
  @Test
  void whatATokenDoesNotReachIsNotedUnderTheNameOfItsBearer() throws IOException {
    String reading = "Authorization: Bearer " + READING;
    assertEquals(403, status("POST", "/api/sync/force", host(), reading));
    server.world.program("wait", _ -> {});
    String id = server.submit("{\"command\":[\"wait\"]}");
    TestServer.await("running", () -> server.get("/api/tasks/" + id).body().contains("RUNNING"));
    String token = "Authorization: Bearer " + OF_TASKS.of(new RunRef(new TaskId(id), 1, 1));
    assertEquals(403, status("GET", "/api/tasks", host(), token));
    try (var client =
        SocketClient.connect(
            server,
            "GET /ws HTTP/1.1\r\n" + host() + "\r\n" + reading + "\r\n",
            SocketUpgrade.SUBPROTOCOL)) {
      client.send("{\"type\":\"command\",\"id\":\"c\",\"action\":\"submit\",\"body\":{}}");
      client.text("result");
    }
    assertEquals(
        List.of(
            "reader POST /api/sync/force forbidden",
            "task:" + id + " GET /api/tasks forbidden",
            "reader ws submit forbidden"),
        server.audit.entries().stream()
            .filter(entry -> !entry.result().equals(AuditTrail.Entry.OK))
            .map(entry -> entry.by().actor() + " " + entry.by().action() + " " + entry.result())
            .toList());
  }

  @Test
  void noTokenIsTakenFromAnAddress() throws IOException {
    for (String query : List.of("token=", "access_token=", "authorization=Bearer%20", "code=")) {
      assertEquals(401, status("GET", "/api/tasks?" + query + TestServer.TOKEN, host()), query);
      assertEquals(401, upgrade(host(), false, "", "/ws?" + query + TestServer.TOKEN), query);
    }
    assertEquals(401, status("GET", "/launch?code=" + TestServer.TOKEN, host()));
  }

  @Test
  void beforeRecoveryWhoeverIsKnownIsToldToWait() throws IOException {
    server.close();
    server = TestServer.starting(settings());
    String task = OF_TASKS.of(new RunRef(new TaskId(NOBODY), 1, 1));
    for (String token : List.of(TestServer.TOKEN, READING, task)) {
      for (String method : List.of("GET", "POST")) {
        String path = "/api/tasks/" + NOBODY;
        assertEquals(503, status(method, path, host(), "Authorization: Bearer " + token), token);
      }
    }
    assertEquals(401, status("GET", "/api/tasks", host()));
  }

  @Test
  void wrongTokensAreSlowedDownAndTheRightOneNever() throws IOException {
    int refused = 0;
    int turnedAway = 0;
    for (int i = 0; i < Throttle.GUESSES_MAX + 20; i++) {
      int status = status("GET", "/api/tasks", host(), "Authorization: Bearer guess-" + i);
      refused += status == 401 ? 1 : 0;
      turnedAway += status == 429 ? 1 : 0;
    }
    assertEquals(Throttle.GUESSES_MAX, refused);
    assertEquals(20, turnedAway);
    assertEquals(401, status("GET", "/api/tasks", host()));
    assertEquals(200, server.get("/api/tasks").statusCode());
  }

  @Test
  void aLaunchUrlLetsABrowserInOnce() throws IOException {
    String url = server.web.launchUrl().orElseThrow();
    String path = url.substring(url.indexOf("/launch"));
    String response =
        server.raw("GET " + path + " HTTP/1.1\r\nConnection: close\r\n" + host() + "\r\n\r\n");
    assertTrue(response.startsWith("HTTP/1.1 303"), response);
    String cookie = cookie(response);
    assertTrue(cookie.contains("; HttpOnly; SameSite=Strict"), cookie);
    assertEquals(401, status("GET", path, host()));
    String sent = "Cookie: other=1; " + cookie.substring(0, cookie.indexOf(';'));
    String own = "Origin: http://127.0.0.1:" + server.port;
    assertEquals(200, status("GET", "/api/tasks", host(), sent, own));
    assertEquals(200, status("GET", "/api/tasks", host(), sent, "Sec-Fetch-Site: same-origin"));
    assertEquals(403, status("GET", "/api/tasks", host(), sent));
    assertEquals(403, status("GET", "/api/tasks", host(), sent, "Sec-Fetch-Site: same-site"));
    assertEquals(
        403,
        status(
            "DELETE", "/api/tasks/" + "0".repeat(20), host(), sent, "Sec-Fetch-Site: same-origin"));
    assertEquals(404, status("DELETE", "/api/tasks/" + "0".repeat(20), host(), sent, own));
    assertEquals(403, status("GET", "/api/tasks", host(), sent, "Origin: null"));
    assertEquals(401, status("GET", "/api/tasks", host(), sent + "x", own));
    assertEquals(
        401, status("GET", "/api/tasks", host(), "Cookie: holdfast_session=9999999999.x", own));
  }

  private static String cookie(String response) {
    int at = response.indexOf("Set-Cookie: ") + "Set-Cookie: ".length();
    return response.substring(at, response.indexOf("\r\n", at));
  }

  @Test
  void upgradesPassTheSameGate() throws IOException {
    assertEquals(403, upgrade("Host: evil.example:" + server.port, true, ""));
    assertEquals(403, upgrade(host(), true, "Origin: http://evil.example\r\n"));
    assertEquals(401, upgrade(host(), false, ""));
    assertEquals(401, upgrade(host(), false, "Authorization: Bearer wrong-wrong-wrong\r\n"));
    assertEquals(101, upgrade(host(), true, ""));
    assertEquals(101, upgrade(host(), true, "Origin: http://localhost:" + server.port + "\r\n"));
    String url = server.web.launchUrl().orElseThrow();
    String launched =
        server.raw(
            "GET "
                + url.substring(url.indexOf("/launch"))
                + " HTTP/1.1\r\nConnection: close\r\n"
                + host()
                + "\r\n\r\n");
    String cookie = "Cookie: " + cookie(launched).split(";", 2)[0] + "\r\n";
    assertEquals(403, upgrade(host(), false, cookie));
    assertEquals(403, upgrade(host(), false, cookie + "Sec-Fetch-Site: same-origin\r\n"));
    assertEquals(
        101, upgrade(host(), false, cookie + "Origin: http://127.0.0.1:" + server.port + "\r\n"));
  }

  private int upgrade(String host, boolean token, String more) throws IOException {
    return upgrade(host, token, more, "/ws");
  }

  private int upgrade(String host, boolean token, String more, String target) throws IOException {
    String head =
        "GET "
            + target
            + " HTTP/1.1\r\n"
            + host
            + "\r\n"
            + (token ? "Authorization: Bearer " + TestServer.TOKEN + "\r\n" : "")
            + more;
    try (var client = SocketClient.connect(server, head, SocketUpgrade.SUBPROTOCOL)) {
      return Integer.parseInt(client.head.substring(9, 12));
    }
  }

  @Test
  void withoutATokenPagesFromElsewhereAreStillKeptOut() throws IOException {
    server.close();
    server = TestServer.start(WebSettings.loopback(0, null, "/"));
    assertEquals(200, status("GET", "/api/tasks", host()));
    assertEquals(403, status("GET", "/api/tasks", host(), "Origin: http://evil.example"));
    assertEquals(403, status("POST", "/api/tasks", host(), "Sec-Fetch-Site: cross-site"));
    assertEquals(403, status("GET", "/api/tasks", "Host: evil.example"));
    assertEquals(101, upgrade(host(), false, ""));
    assertEquals(403, upgrade(host(), false, "Origin: http://evil.example\r\n"));
    assertTrue(server.web.launchUrl().isEmpty());
  }

  @Test
  void bindingBeyondLoopbackNeedsATokenAndTls() {
    var usual = WebSettings.loopback(0, TestServer.TOKEN, "/");
    assertThrows(
        IllegalArgumentException.class,
        () ->
            new WebSettings(
                "0.0.0.0", 0, usual.token(), Set.of(), null, false, "/", usual.limits()));
    assertThrows(
        IllegalArgumentException.class,
        () -> new WebSettings("0.0.0.0", 0, null, Set.of(), null, true, "/", usual.limits()));
    new WebSettings(
        "0.0.0.0", 0, usual.token(), Set.of("a.example"), null, true, "/", usual.limits());
  }

  @Test
  void furtherNamesAreAllowedByConfiguration() throws IOException {
    server.close();
    var usual = WebSettings.loopback(0, TestServer.TOKEN, "/");
    server =
        TestServer.start(
            new WebSettings(
                usual.host(),
                0,
                usual.token(),
                Set.of("Build.Example"),
                null,
                true,
                "/",
                usual.limits()));
    String token = "Authorization: Bearer " + TestServer.TOKEN;
    assertEquals(200, status("GET", "/api/tasks", "Host: build.example", token));
    assertEquals(200, status("GET", "/api/tasks", "Host: BUILD.example:" + server.port, token));
    assertEquals(403, status("GET", "/api/tasks", "Host: build.example:1", token));
    assertEquals(
        200,
        status("GET", "/api/tasks", "Host: build.example", token, "Origin: https://build.example"));
  }
}

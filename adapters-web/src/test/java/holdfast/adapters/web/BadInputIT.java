package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What strangers send. Each gets its documented answer, and the server goes on. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BadInputIT {
  private static final String JSON = "Content-Type: application/json\r\n";
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start();
  }

  @AfterEach
  void stillServesAndStops() {
    assertEquals(200, server.get("/api/tasks").statusCode());
    server.close();
  }

  private String exchange(String head, byte[] body) throws IOException {
    try (Socket socket = server.connect()) {
      var out = socket.getOutputStream();
      out.write((head + "Connection: close\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
      out.write(body);
      out.flush();
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private String post(byte[] body) throws IOException {
    return exchange(
        server.head("POST /api/tasks HTTP/1.1") + JSON + "Content-Length: " + body.length + "\r\n",
        body);
  }

  private static void assertProblem(int status, String code, String response) {
    assertTrue(response.startsWith("HTTP/1.1 " + status + " "), response);
    assertTrue(response.contains("Content-Type: application/problem+json"), response);
    assertTrue(response.contains("\"code\":\"" + code + "\""), response);
    assertTrue(response.contains("\"requestId\":\""), response);
    assertTrue(response.contains("X-Content-Type-Options: nosniff"), response);
    assertFalse(response.contains("Exception") || response.contains("io.helidon"), response);
  }

  @Test
  void bodiesThatAreNoJson() throws IOException {
    Map<String, byte[]> bodies = new LinkedHashMap<>();
    bodies.put("empty", new byte[0]);
    bodies.put("blank", utf8("  \n"));
    bodies.put("truncated", utf8("{\"command\":[\"tr"));
    bodies.put("truncated object", utf8("{\"command\":[\"true\"]"));
    bodies.put("trailing junk", utf8("{\"command\":[\"true\"]} x"));
    bodies.put("two texts", utf8("{\"command\":[\"true\"]}{}"));
    bodies.put("array", utf8("[1]"));
    bodies.put("scalar", utf8("1"));
    bodies.put("null", utf8("null"));
    bodies.put("single quotes", utf8("{'command':['true']}"));
    bodies.put("comment", utf8("{/**/}"));
    bodies.put("trailing comma", utf8("{\"command\":[\"true\",]}"));
    bodies.put("NaN", utf8("{\"priority\":NaN}"));
    bodies.put("leading zero", utf8("{\"priority\":01}"));
    bodies.put("control character", utf8("{\"command\":[\"a\nb\"]}"));
    bodies.put("bad escape", utf8("{\"command\":[\"\\x\"]}"));
    bodies.put("invalid UTF-8", new byte[] {'{', '"', (byte) 0xc3, '"', ':', '1', '}'});
    bodies.put(
        "overlong UTF-8", new byte[] {'{', '"', (byte) 0xc0, (byte) 0xaf, '"', ':', '1', '}'});
    bodies.put("byte order mark", new byte[] {(byte) 0xef, (byte) 0xbb, (byte) 0xbf, '{', '}'});
    bodies.put("UTF-16", "{\"command\":[\"true\"]}".getBytes(StandardCharsets.UTF_16));
    bodies.put("deep arrays", utf8("[".repeat(100_000)));
    bodies.put("deep objects", utf8("{\"a\":".repeat(65) + "1" + "}".repeat(65)));
    for (Map.Entry<String, byte[]> body : bodies.entrySet()) {
      String response = post(body.getValue());
      assertTrue(response.startsWith("HTTP/1.1 400 "), body.getKey() + ": " + response);
      assertProblem(400, "malformed", response);
    }
  }

  @Test
  void valuesThatBreakARule() throws IOException {
    for (String member :
        new String[] {
          "\"command\":[\"x\"],\"command\":[\"x\"]",
          "\"command\":[\"a\\u0000b\"]",
          "\"command\":[\"\\ud800\"]",
          "\"command\":[\"\\udc00\\ud800\"]",
          "\"command\":[\"x\"],\"title\\u0000\":1",
          "\"command\":\"true\"",
          "\"command\":[]",
          "\"command\":{}",
          "\"command\":null",
          "\"command\":[[\"x\"]]",
          "\"command\":[\"x\"],\"priority\":2147483648",
          "\"command\":[\"x\"],\"priority\":1e3",
          "\"command\":[\"x\"],\"priority\":1.0",
          "\"command\":[\"x\"],\"priority\":-99999999999999999999999999",
          "\"command\":[\"x\"],\"priority\":1e999999999",
          "\"command\":[\"x\"],\"hold\":\"true\"",
          "\"command\":[\"x\"],\"hold\":1",
          "\"command\":[\"x\"],\"timeout\":\"PT0S\"",
          "\"command\":[\"x\"],\"timeout\":\"-PT1S\"",
          "\"command\":[\"x\"],\"timeout\":\"PT999999999999999999H\"",
          "\"command\":[\"x\"],\"timeout\":7",
          "\"command\":[\"x\"],\"env\":[]",
          "\"command\":[\"x\"],\"env\":{\"A\":1}",
          "\"command\":[\"x\"],\"env\":{\"\":\"x\"}",
          "\"command\":[\"x\"],\"initiativeId\":\"../../etc/passwd\"",
          "\"command\":[\"x\"],\"__proto__\":{}"
        }) {
      assertProblem(400, "invalid", post(utf8("{" + member + "}")));
    }
  }

  @Test
  void argvAndTextsBeyondTheirLimits() throws IOException {
    String many = IntStream.range(0, 1_001).mapToObj(_ -> "\"x\"").collect(Collectors.joining(","));
    assertProblem(400, "invalid", post(utf8("{\"command\":[" + many + "]}")));
    assertProblem(400, "invalid", post(utf8("{\"command\":[\"" + "x".repeat(131_073) + "\"]}")));
    assertProblem(
        400,
        "invalid",
        post(utf8("{\"command\":[\"x\"],\"title\":\"" + "x".repeat(4_097) + "\"}")));
    assertProblem(
        400,
        "invalid",
        post(utf8("{\"command\":[\"x\"],\"env\":{\"A\":\"" + "x".repeat(262_145) + "\"}}")));
  }

  @Test
  void bodiesTooLargeAreDrainedSoThatTheAnswerArrives() throws IOException {
    byte[] large = new byte[20 * 1024 * 1024];
    assertProblem(413, "too-large", post(large));
    String chunked =
        exchange(
            server.head("POST /api/tasks HTTP/1.1") + JSON + "Transfer-Encoding: chunked\r\n",
            utf8("200000\r\n" + "x".repeat(0x200000) + "\r\n0\r\n\r\n"));
    assertProblem(413, "too-large", chunked);
    String announced =
        exchange(
            server.head("POST /api/tasks HTTP/1.1")
                + JSON
                + "Content-Length: 99999999999\r\nExpect: 100-continue\r\n",
            new byte[0]);
    assertProblem(413, "too-large", announced);
  }

  @Test
  void aBodyThatIsNotJsonByItsOwnWord() throws IOException {
    String body = "{\"command\":[\"true\"]}";
    String head =
        server.head("POST /api/tasks HTTP/1.1") + "Content-Length: " + body.length() + "\r\n";
    assertProblem(415, "unsupported-media-type", exchange(head, utf8(body)));
    for (String type :
        new String[] {
          "text/plain",
          "application/x-www-form-urlencoded",
          "application/jsonx",
          "application/json; charset=utf-16",
          "*/*",
          ";"
        }) {
      String response = exchange(head + "Content-Type: " + type + "\r\n", utf8(body));
      assertProblem(415, "unsupported-media-type", response);
    }
    String fine = exchange(head + "Content-Type: Application/JSON; charset=UTF-8\r\n", utf8(body));
    assertTrue(fine.startsWith("HTTP/1.1 201 "), fine);
  }

  @Test
  void idsThatAreNone() throws IOException {
    for (String id :
        new String[] {
          "..",
          "../../etc/passwd",
          "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
          "..%2f..%2fetc%2fpasswd",
          "%00",
          "0",
          "0".repeat(19),
          "0".repeat(21),
          "0".repeat(19) + "U",
          "%30" + "0".repeat(19),
          "0000000000000000000\u00e9",
          "-rf"
        }) {
      for (String request :
          new String[] {
            "GET /api/tasks/" + id,
            "DELETE /api/initiatives/" + id,
            "POST /api/tasks/" + id + "/kill"
          }) {
        String response = exchange(server.head(request + " HTTP/1.1"), new byte[0]);
        assertTrue(
            response.startsWith("HTTP/1.1 404 ")
                || response.startsWith("HTTP/1.1 400 ")
                || response.startsWith("HTTP/1.1 405 "),
            request + ": " + response);
        assertTrue(response.contains("application/problem+json"), response);
      }
    }
  }

  @Test
  void requestsThatAreNoHttp() throws IOException {
    assertProblem(400, "malformed", server.raw("HELLO\r\n\r\n"));
    assertTrue(server.raw("HELLO\r\n\r\n").contains("frame-ancestors 'none'"));
    assertProblem(400, "malformed", server.raw("GET /x HTTP/1.1\nHost: a\n\n"));
    assertProblem(505, "http-version", server.raw("GET / HTTP/1.0\r\n\r\n"));
    assertProblem(400, "malformed", server.raw("GET / HTTP/3.1\r\nHost: a\r\n\r\n"));
    assertProblem(400, "malformed", server.raw("GET /api/tasks HTTP/1.1\r\n\r\n"));
    assertProblem(
        414, "uri-too-long", server.raw("GET /" + "x".repeat(10_000) + " HTTP/1.1\r\n\r\n"));
    assertProblem(
        431,
        "headers-too-large",
        server.raw(server.head("GET / HTTP/1.1") + "X: " + "x".repeat(20_000) + "\r\n\r\n"));
    assertProblem(
        431,
        "headers-too-large",
        server.raw(server.head("GET / HTTP/1.1") + "X: y\r\n".repeat(5_000) + "\r\n\r\n"));
    assertProblem(400, "malformed", server.raw(server.head("GET /?q=%zz HTTP/1.1") + "\r\n"));
    assertProblem(400, "malformed", server.raw(server.head("GET /x\u0001 HTTP/1.1") + "\r\n"));
  }

  @Test
  void nothingIsSmuggledBehindARequest() throws IOException {
    String smuggled = "GET /api/recovery HTTP/1.1\r\nHost: x\r\n\r\n";
    String both =
        server.head("POST /api/tasks HTTP/1.1")
            + JSON
            + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            + smuggled;
    assertProblem(400, "malformed", onlyOne(server.raw(both)));
    String twice =
        server.head("POST /api/tasks HTTP/1.1")
            + JSON
            + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n";
    assertProblem(400, "malformed", onlyOne(server.raw(twice + smuggled)));
    String obscured =
        server.head("POST /api/tasks HTTP/1.1") + JSON + "Transfer-Encoding: xchunked\r\n\r\n";
    assertProblem(400, "malformed", onlyOne(server.raw(obscured + smuggled)));
    String negative = server.head("POST /api/tasks HTTP/1.1") + JSON + "Content-Length: -5\r\n\r\n";
    assertProblem(400, "malformed", onlyOne(server.raw(negative + smuggled)));
    String chunk =
        server.head("POST /api/tasks HTTP/1.1")
            + JSON
            + "Transfer-Encoding: chunked\r\n\r\n-1\r\n"
            + smuggled;
    String answer = server.raw(chunk);
    assertTrue(answer.startsWith("HTTP/1.1 400 "), answer);
    onlyOne(answer);
    String spaced = "GET /api/tasks HTTP/1.1\r\nHost : 127.0.0.1:" + server.port + "\r\n\r\n";
    assertProblem(400, "malformed", onlyOne(server.raw(spaced)));
    String hosts =
        server.head("GET /api/tasks HTTP/1.1") + "Host: evil.example\r\nConnection: close\r\n\r\n";
    String refused = server.raw(hosts);
    assertTrue(refused.startsWith("HTTP/1.1 40"), refused);
  }

  private static String onlyOne(String response) {
    long answers = Pattern.compile("HTTP/1\\.1 \\d{3} ").matcher(response).results().count();
    assertEquals(1, answers, response);
    return response;
  }

  @Test
  void methodsThatAreNotPossible() {
    var response = server.send("PUT", "/api/tasks", "{}");
    assertEquals(405, response.statusCode());
    assertEquals("GET, POST, HEAD, OPTIONS", response.headers().firstValue("Allow").orElse(""));
    var options = server.send("OPTIONS", "/api/tasks", null);
    assertEquals(204, options.statusCode());
    assertEquals("GET, POST, HEAD, OPTIONS", options.headers().firstValue("Allow").orElse(""));
    var head = server.send("HEAD", "/api/tasks", null);
    assertEquals(200, head.statusCode());
    assertEquals("", head.body());
    assertEquals(426, server.get("/ws").statusCode());
    assertEquals(406, server.get("/api/tasks", "Accept", "text/html").statusCode());
    assertEquals(200, server.get("/api/tasks", "Accept", "text/html, */*;q=0.1").statusCode());
  }

  @Test
  void randomBytesNeverBreakTheServer() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("BadInputIT seed " + seed);
    var random = new Random(seed);
    byte[] valid =
        utf8("{\"command\":[\"true\",\"\\u00e4\"],\"retry\":{\"maxAttempts\":2},\"hold\":true}");
    for (int i = 0; i < 400; i++) {
      byte[] mutated = valid.clone();
      for (int j = 0; j <= random.nextInt(4); j++) {
        mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(256);
      }
      String response = post(mutated);
      assertTrue(
          response.startsWith("HTTP/1.1 201 ") || response.startsWith("HTTP/1.1 400 "),
          "seed " + seed + ": " + response);
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}

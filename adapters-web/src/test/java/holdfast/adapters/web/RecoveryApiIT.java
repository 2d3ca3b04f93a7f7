package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryReport.Cause;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code /api/recovery} over a real port. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RecoveryApiIT {
  private static final String REPORTS = "/api/recovery/reports";
  private static final Pattern REPORT_ID = Pattern.compile("\"id\":\"(2\\d{7}T[^\"]+)\"");
  private static final Pattern CURSOR = Pattern.compile("\"nextCursor\":\"([^\"]+)\"");

  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static List<String> found(Pattern pattern, String body) {
    var all = new ArrayList<String>();
    Matcher matcher = pattern.matcher(body);
    while (matcher.find()) {
      all.add(matcher.group(1));
    }
    return all;
  }

  private void keep(int number) {
    Instant at = Instant.parse("2020-01-01T00:00:00Z").plusSeconds(number);
    server.reports.save(
        new RecoveryReport(
            "20200101T0000%02d.000Z-%d".formatted(number, number),
            at,
            at,
            Cause.CRASH,
            false,
            number,
            false,
            List.of(),
            List.of(),
            List.of()));
  }

  private HttpResponse<String> decide(String id, String body, String... headers) {
    return server.send("POST", "/api/recovery/tasks/" + id + "/decision", body, headers);
  }

  /** A task whose process runs on a machine that this server does not stand on. */
  private String undecidable() {
    String id = server.submit("{\"command\":[\"sleep\",\"9\"]}");
    TestServer.await(
        "it runs", () -> server.get("/api/tasks/" + id).body().contains("\"state\":\"RUNNING\""));
    server.world.killMonitor(new RunRef(new TaskId(id), 1, 1));
    server.world.moveTo(new HostIdentity("elsewhere", "boot-1", "4026531836"));
    server = server.crashed();
    return id;
  }

  @Test
  void reportsAreListedPageByPageWhateverIsAddedMeanwhile() {
    for (int number = 10; number < 20; number++) {
      keep(number);
    }
    String path = REPORTS + "?limit=3";
    var seen = new ArrayList<String>();
    List<String> cursor;
    do {
      String body = server.get(path).body();
      seen.addAll(found(REPORT_ID, body));
      cursor = found(CURSOR, body);
      // Later starts stand before the cursor, and move nothing behind it.
      keep(30 + seen.size());
      path = REPORTS + "?limit=3&cursor=" + (cursor.isEmpty() ? "" : cursor.getFirst());
    } while (!cursor.isEmpty());
    assertEquals(11, seen.size(), seen.toString());
    assertEquals(seen.stream().distinct().sorted().toList().reversed(), seen);
    assertTrue(seen.getLast().startsWith("20200101T000010"), seen.toString());
  }

  @Test
  void oneReportIsFoundByItsId() {
    keep(7);
    var answer = server.get(REPORTS + "/20200101T000007.000Z-7");
    assertEquals(200, answer.statusCode());
    assertTrue(answer.body().contains("\"replayed\":7,"), answer.body());
    String last = found(REPORT_ID, server.get("/api/recovery").body()).getFirst();
    assertEquals(server.get("/api/recovery").body(), server.get(REPORTS + "/" + last).body());
    for (String unknown : List.of("20200101T000008.000Z-8", "x", "..%2f..%2fLOCK")) {
      assertEquals(404, server.get(REPORTS + "/" + unknown).statusCode(), unknown);
    }
  }

  @Test
  void aDecisionIsAnsweredWithTheTaskAndTold() throws IOException {
    String id = undecidable();
    assertTrue(server.get("/api/recovery").body().contains("\"needsDecision\":true"));
    try (var socket = SocketClient.connect(server)) {
      socket.send("{\"type\":\"subscribe\",\"id\":\"t\",\"topic\":\"tasks\"}");
      socket.text("live");
      var answer = decide(id, "{\"decision\":\"fail\"}");
      assertEquals(200, answer.statusCode(), answer.body());
      assertTrue(answer.body().contains("\"state\":\"LOST\""), answer.body());
      assertTrue(answer.body().contains("\"kind\":\"UNKNOWN\""), answer.body());
      assertTrue(answer.headers().firstValue("ETag").orElseThrow().matches("\"\\d+\""));
      String event = socket.text("event");
      while (!event.contains("\"cause\":\"run-decided\"")) {
        event = socket.text("event");
      }
      assertTrue(event.contains(id), event);
    }
    String report = server.get("/api/recovery").body();
    assertTrue(report.contains("\"needsDecision\":false"), report);
    assertTrue(report.contains("\"decided\":{\"decision\":\"fail\",\"at\":\"2"), report);
    String events = server.get("/api/tasks/" + id + "/events").body();
    assertTrue(events.contains("run-decided"), events);
    assertEquals(200, decide(id, "{\"decision\":\"fail\"}").statusCode());
    var other = decide(id, "{\"decision\":\"ignore\"}");
    assertEquals(409, other.statusCode());
    assertTrue(other.body().contains("LOST"), other.body());
    assertEquals(events, server.get("/api/tasks/" + id + "/events").body(), "nothing was added");
  }

  @Test
  void aRetryRunsAgainAndAStaleTagDoesNot() {
    String id = undecidable();
    String retry = "{\"decision\":\"retry\"}";
    assertEquals(412, decide(id, retry, "If-Match", "\"1\"").statusCode());
    String tag = server.get("/api/tasks/" + id).headers().firstValue("ETag").orElseThrow();
    var answer = decide(id, retry, "If-Match", tag);
    assertEquals(200, answer.statusCode(), answer.body());
    assertTrue(answer.body().contains("may still be alive"), answer.body());
    assertNotEquals(tag, answer.headers().firstValue("ETag").orElseThrow());
    TestServer.await(
        "its second attempt", () -> server.get("/api/tasks/" + id).body().contains("\"number\":2"));
  }

  @Test
  void whatIsWrongIsRefusedByName() {
    String none = "0".repeat(20);
    String good = "{\"decision\":\"fail\"}";
    String done = server.submit("{\"command\":[\"true\"]}");
    TestServer.await(
        "its end",
        () -> server.get("/api/tasks/" + done).body().contains("\"state\":\"SUCCEEDED\""));
    assertEquals(404, decide(none, good).statusCode());
    assertEquals(404, decide("nonsense", good).statusCode());
    var refused = decide(done, good);
    assertEquals(409, refused.statusCode());
    assertTrue(refused.body().contains("SUCCEEDED"), refused.body());
    for (String bad :
        List.of(
            "",
            "{}",
            "[]",
            "{\"decision\":null}",
            "{\"decision\":1}",
            "{\"decision\":\"RETRY\"}",
            "{\"decision\":\"kill\"}",
            "{\"decision\":\"fail\",\"x\":1}",
            "{\"decision\":\"fail\",\"decision\":\"fail\"}")) {
      assertEquals(400, decide(done, bad).statusCode(), bad);
    }
    assertTrue(decide(done, "{}").body().contains("/decision"));
    assertEquals(405, server.get("/api/recovery/tasks/" + done + "/decision").statusCode());
    for (String bad :
        List.of(
            "limit=0",
            "limit=1001",
            "limit=x",
            "cursor=x",
            "cursor=YzE",
            "before=1",
            "limit=1&limit=1")) {
      assertEquals(400, server.get(REPORTS + "?" + bad).statusCode(), bad);
    }
    assertEquals(204, server.send("DELETE", "/api/tasks/" + done, null).statusCode());
    assertEquals(410, decide(done, good).statusCode());
  }
}

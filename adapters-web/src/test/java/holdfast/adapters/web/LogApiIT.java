package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.EventLogReader.Place;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code GET /api/logs} and the topic {@code logs} over a real port. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LogApiIT {
  private static final Instant NOON = Instant.parse("2026-11-26T12:00:00Z");
  private static final String TASK = "0123456789abcdefghjk";
  private static final String OTHER = "1123456789abcdefghjk";
  private static final Pattern NUMBER = Pattern.compile("\"n\":(\\d+)");
  private static final Pattern CURSOR = Pattern.compile("\"nextCursor\":(?:null|\"([^\"]+)\")");

  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start();
    server.world.program("true", process -> process.exit(0));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private void log(Category category, int number) {
    server.log.append(
        new Entry(
            NOON.plusSeconds(number),
            category,
            number % 2 == 0 ? "even" : "odd",
            Map.of("n", (long) number, "taskId", number % 3 == 0 ? TASK : OTHER)));
  }

  private void fill(int from, int to) {
    for (int i = from; i < to; i++) {
      log(i % 5 == 0 ? Category.ERROR : Category.TASK, i);
    }
  }

  private String get(String query) {
    HttpResponse<String> response = server.get("/api/logs?" + query);
    assertEquals(200, response.statusCode(), response.body());
    return response.body();
  }

  private static List<Integer> numbers(String body) {
    return NUMBER.matcher(body).results().map(found -> Integer.parseInt(found.group(1))).toList();
  }

  private static @Nullable String cursor(String body) {
    MatchResult found = CURSOR.matcher(body).results().findFirst().orElseThrow();
    return found.group(1);
  }

  @Test
  void pagesAreStableWhileLinesAreAppended() {
    fill(0, 25);
    String body = get("category=task,error&limit=10");
    assertTrue(body.startsWith("{\"items\":[{\"time\":\"2026-11-26T12:00:24Z\""), body);
    var all = new ArrayList<>(numbers(body));
    int next = 25;
    while (cursor(body) != null) {
      fill(next, next + 3);
      next += 3;
      body = get("category=task,error&limit=10&cursor=" + cursor(body));
      assertTrue(body.contains("\"removed\":false"), body);
      all.addAll(numbers(body));
    }
    assertEquals(25, all.size());
    for (int i = 0; i < 25; i++) {
      assertEquals(24 - i, all.get(i));
    }
  }

  @Test
  void everyParameterCounts() {
    fill(0, 30);
    assertEquals(List.of(25, 20, 15, 10, 5, 0), numbers(get("category=error")));
    assertEquals(List.of(28, 26, 24), numbers(get("type=even&limit=3")));
    assertEquals(List.of(27, 24, 21), numbers(get("taskId=" + TASK + "&limit=3")));
    assertEquals(
        List.of(5, 4, 3),
        numbers(get("from=2026-11-26T12:00:03Z&to=2026-11-26T12:00:06Z&category=task,error")));
    assertEquals(List.of(29, 27, 25), numbers(get("q=OdD&limit=3")));
    assertEquals(List.of(), numbers(get("initiativeId=" + TASK)));
  }

  @Test
  void linesThatWereRemovedSinceTheListBeganAreTold() {
    fill(0, 30);
    String body = get("category=task&limit=5");
    server.log.remove(Category.ERROR, server.log.newest());
    assertTrue(get("category=task&limit=5&cursor=" + cursor(body)).contains("\"removed\":false"));
    server.log.remove(Category.TASK, server.log.newest() - 20);
    String next = get("category=task&limit=5&cursor=" + cursor(body));
    assertTrue(next.contains("\"removed\":true"), next);
  }

  @Test
  void oneLineEachIsGivenToWhoeverAsksForIt() {
    fill(0, 5);
    HttpResponse<String> response =
        server.get("/api/logs?category=task,error&limit=3", "Accept", "application/x-ndjson");
    assertEquals(200, response.statusCode());
    assertEquals(
        "application/x-ndjson", response.headers().firstValue("Content-Type").orElseThrow());
    assertEquals(3, response.body().lines().count());
    assertEquals(List.of(4, 3, 2), numbers(response.body()));
    assertEquals("0", response.headers().firstValue("Holdfast-Skipped").orElseThrow());
    assertEquals("false", response.headers().firstValue("Holdfast-Removed").orElseThrow());
    String cursor = response.headers().firstValue("Holdfast-Next-Cursor").orElseThrow();
    assertEquals(List.of(1, 0), numbers(get("category=task,error&cursor=" + cursor)));
    assertEquals(406, server.get("/api/logs", "Accept", "text/html").statusCode());
    assertEquals(200, server.get("/api/logs", "Accept", "*/*").statusCode());
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    for (String query :
        List.of(
            "categories=task",
            "category=tasks",
            "category=task,,error",
            "category=TASK",
            "type=Not%20One",
            "taskId=x",
            "initiativeId=../x",
            "from=yesterday",
            "to=2026-11-26",
            "from=2026-11-26T12:00:01Z&to=2026-11-26T12:00:00Z",
            "limit=0",
            "limit=1001",
            "cursor=x",
            "q=" + "x".repeat(1_001),
            "q=a&q=b")) {
      HttpResponse<String> response = server.get("/api/logs?" + query);
      assertEquals(400, response.statusCode(), query + ": " + response.body());
      assertTrue(response.body().contains("\"pointer\":\"?"), response.body());
    }
    assertEquals(405, server.post("/api/logs", "{}").statusCode());
    assertEquals(List.of(), numbers(get("from=2026-11-26T12:00:00Z&to=2026-11-26T12:00:00Z")));
  }

  @Test
  void cursorsReturnToTheirPlace() {
    var place = new Place(77, Map.of(Category.TASK, 5L, Category.ERROR, 1_795_694_400_000_001L));
    assertEquals(77, Cursor.log(Cursor.of(place)).before());
    assertEquals(5L, Cursor.log(Cursor.of(place)).floors().get(Category.TASK));
    assertEquals(1_795_694_400_000_001L, Cursor.log(Cursor.of(place)).floors().get(Category.ERROR));
    for (String bad : List.of("", Cursor.of(5L), Cursor.of(new Place(0, Map.of())))) {
      assertThrows(RefusedException.class, () -> Cursor.log(bad), bad);
    }
  }

  private static String subscribe(String rest) {
    return "{\"type\":\"subscribe\",\"id\":\"l\",\"topic\":\"logs\"" + rest + "}";
  }

  @Test
  void linesAreFollowedLiveByFilter() throws IOException {
    fill(0, 10);
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(subscribe(",\"filter\":{\"category\":\"error\",\"taskId\":\"" + TASK + "\"}"));
      long newest = server.log.newest();
      assertEquals("{\"type\":\"live\",\"id\":\"l\",\"seq\":" + newest + "}", client.text("live"));
      fill(10, 40);
      assertEvent(client.text(), 15, "odd");
      assertEvent(client.text(), 30, "even");
    }
  }

  private void assertEvent(String event, int number, String type) {
    long line = server.log.newest() - 39 + number;
    assertTrue(
        event.startsWith(
            "{\"type\":\"event\",\"id\":\"l\",\"seq\":"
                + line
                + ",\"entity\":\"log\",\"op\":\"put\",\"key\":\""
                + line
                + "\",\"value\":{\"time\":"),
        event);
    assertTrue(event.contains("\"n\":" + number), event);
    assertTrue(event.endsWith("},\"cause\":\"" + type + "\"}"), event);
  }

  @Test
  void aClientGoesOnBehindTheListItRead() throws IOException {
    fill(0, 10);
    String list = get("category=task");
    String epoch = server.application().state().epoch();
    assertTrue(list.contains("\"epoch\":\"" + epoch + "\""), list);
    fill(10, 200);
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(
          subscribe(
              ",\"filter\":{\"category\":[\"task\"],\"type\":\"odd\"},\"since\":{\"epoch\":\""
                  + epoch
                  + "\",\"seq\":"
                  + seq(list)
                  + "}"));
      var numbers = new ArrayList<Integer>();
      for (String text : client.textsUntil("live")) {
        numbers.addAll(numbers(text));
      }
      var expected = new ArrayList<Integer>();
      for (int i = 11; i < 200; i += 2) {
        if (i % 5 != 0) {
          expected.add(i);
        }
      }
      assertEquals(expected, numbers);
      fill(200, 203);
      assertEquals(List.of(201), numbers(client.text()));
    }
  }

  private static long seq(String list) {
    return Pattern.compile("\"seq\":(\\d+),\"skipped\"")
        .matcher(list)
        .results()
        .map(found -> Long.parseLong(found.group(1)))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void whoCannotGoOnIsToldToBeginAnewAndThatIsLogged() throws IOException {
    fill(0, 100);
    String epoch = server.application().state().epoch();
    server.log.remove(Category.TASK, 50);
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(subscribe(",\"since\":{\"epoch\":\"" + epoch + "\",\"seq\":20}"));
      assertEquals("{\"type\":\"reset\",\"id\":\"l\",\"reason\":\"compacted\"}", client.text());
      client.send(subscribe(",\"since\":{\"epoch\":\"another\",\"seq\":70}"));
      assertEquals("{\"type\":\"reset\",\"id\":\"l\",\"reason\":\"epoch\"}", client.text());
      client.send(subscribe(",\"since\":{\"epoch\":\"" + epoch + "\",\"seq\":1000000}"));
      assertEquals("{\"type\":\"reset\",\"id\":\"l\",\"reason\":\"epoch\"}", client.text());
    }
    TestServer.await("gone", () -> get("category=websocket").contains("\"disconnected\""));
    String logged = get("category=websocket");
    assertTrue(logged.contains("\"type\":\"reset\",\"category\":\"websocket\""), logged);
    assertTrue(logged.contains("\"reason\":\"compacted\""), logged);
    assertTrue(logged.contains("\"type\":\"connected\""), logged);
  }

  @Test
  void aReaderThatIsSlowMissesNothingAndHoldsUpNobody() throws IOException {
    try (var slow = SocketClient.connect(server);
        var quick = SocketClient.connect(server)) {
      for (var client : List.of(slow, quick)) {
        client.text("hello");
        client.send(subscribe(",\"filter\":{\"category\":\"task\",\"type\":\"odd\"}"));
        client.text("live");
      }
      for (int i = 0; i < 4_000; i++) {
        log(Category.TASK, i);
      }
      for (var client : List.of(quick, slow)) {
        for (int i = 1; i < 4_000; i += 2) {
          assertEquals(List.of(i), numbers(client.text()));
        }
      }
    }
  }

  @Test
  void whatIsNoSubscriptionToLogsIsRefused() throws IOException {
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      for (String bad :
          List.of(
              ",\"filter\":{\"category\":\"tasks\"}",
              ",\"filter\":{\"state\":\"RUNNING\"}",
              ",\"filter\":{\"type\":\"NOT ONE\"}",
              ",\"filter\":{\"taskId\":\"x\"}",
              ",\"since\":{\"seq\":1}",
              ",\"q\":\"x\"")) {
        client.send(subscribe(bad));
        String refused = client.text();
        assertTrue(refused.startsWith("{\"type\":\"error\",\"id\":\"l\",\"code\":400"), refused);
      }
      client.send(subscribe(""));
      client.text("live");
      client.send("{\"type\":\"unsubscribe\",\"id\":\"l\"}");
      client.send("{\"type\":\"ping\",\"t\":1}");
      client.text("pong");
      fill(0, 3);
      client.send("{\"type\":\"ping\",\"t\":2}");
      assertTrue(client.text().contains("\"pong\""));
    }
  }

  @Test
  void aTasksLifeIsLoggedWithItsIds() {
    String initiative =
        TestServer.id(server.post("/api/initiatives", "{\"title\":\"all\"}").body());
    String task = server.submit("{\"command\":[\"true\"],\"initiativeId\":\"" + initiative + "\"}");
    TestServer.await("over", () -> server.get("/api/tasks/" + task).body().contains("SUCCEEDED"));
    String body = get("taskId=" + task);
    for (String type : List.of("submitted", "attempt-starting", "attempt-ended")) {
      assertTrue(body.contains("\"type\":\"" + type + "\",\"category\":\"task\""), body);
    }
    assertEquals(
        numberOf("taskId", get("taskId=" + task)),
        numberOf("taskId", get("initiativeId=" + initiative + "&category=task")));
    assertEquals(
        1, numberOf("created", get("category=initiative&initiativeId=" + initiative)), body);
    assertNull(cursor(body));
    assertFalse(body.contains("\"initiativeId\":null"), body);
  }

  private static long numberOf(String word, String text) {
    return Pattern.compile(word).matcher(text).results().count();
  }
}

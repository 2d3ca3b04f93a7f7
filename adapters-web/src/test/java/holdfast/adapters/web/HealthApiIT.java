package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.TaskStorage.Condition;
import holdfast.domain.port.TaskStorage.Room;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code /api/health}, its probes, and the topic {@code health}, over a real port. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HealthApiIT {
  private static final Pattern NUMBER = Pattern.compile("\"seq\":(\\d+)");

  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private void storageSays(
      @Nullable String failure, @Nullable String scarcity, @Nullable String trouble) {
    server.tasks.say(
        new Condition(failure, scarcity, trouble, List.of("/a"), Duration.ZERO, 1 << 20, 0));
  }

  @Test
  void theBodyIsThatOfTheContract() {
    HttpResponse<String> answer = server.get("/api/health");
    assertEquals(200, answer.statusCode());
    String body = answer.body();
    assertTrue(
        body.startsWith("{\"status\":\"healthy\",\"components\":{\"persistence\":{\"status\":"),
        body);
    for (String component :
        List.of(
            "persistence",
            "sync",
            "recovery",
            "tasks",
            "websocket",
            "journal",
            "disk",
            "scrub",
            "logs",
            "snapshots",
            "outputs",
            "processes",
            "lifecycle")) {
      assertTrue(
          body.matches(
              ".*\""
                  + component
                  + "\":\\{\"status\":\"healthy\",\"message\":\"[^\"]+\",\"remedy\":null,"
                  + "\"since\":\"20[^\"]+Z\"}.*"),
          component + " in " + body);
    }
    assertTrue(
        body.matches(
            ".*\"metrics\":\\{\"activeTasks\":0,\"totalTasks\":0,\"uptime\":\\d+,"
                + "\"memoryUsage\":\\{\"heapUsed\":\\d+,.*"),
        body);
  }

  @Test
  void degradedIs200AndUnhealthyIs503EachWithItsRemedy() {
    storageSays(null, null, "the lock cannot be looked after");
    HttpResponse<String> degraded = server.get("/api/health");
    assertEquals(200, degraded.statusCode());
    assertTrue(degraded.body().startsWith("{\"status\":\"degraded\""), degraded.body());
    assertTrue(
        degraded
            .body()
            .contains(
                "\"journal\":{\"status\":\"degraded\",\"message\":\"the lock cannot be looked after\","
                    + "\"remedy\":\"See that"),
        degraded.body());
    storageSays(null, "less than the reserve is free", null);
    HttpResponse<String> unhealthy = server.get("/api/health");
    assertEquals(503, unhealthy.statusCode());
    assertTrue(unhealthy.body().startsWith("{\"status\":\"unhealthy\""), unhealthy.body());
    assertEquals(200, server.get("/api/health/ready").statusCode(), "tasks can be stopped");
  }

  private HttpResponse<String> probe(String name) {
    HttpResponse<String> answer = server.get("/api/health/" + name);
    assertTrue(
        answer
            .body()
            .startsWith(
                "{\"status\":\""
                    + (answer.statusCode() == 200 ? "UP" : "DOWN")
                    + "\",\"checks\":[{\"name\":\""),
        answer.body());
    return answer;
  }

  @Test
  void itLivesWhateverTheDiskDoes() {
    server.tasks.rooms(List.of(new Room("state", "/gone", 0, "cannot be read")));
    TestServer.await(
        "the disk is missed", () -> server.get("/api/health").body().contains("/gone: cannot"));
    assertEquals(200, probe("live").statusCode());
    assertEquals(200, probe("ready").statusCode());
    server.tasks.fail("the journal failed: EIO");
    assertEquals(200, probe("live").statusCode());
    assertEquals(200, probe("started").statusCode());
    HttpResponse<String> ready = probe("ready");
    assertEquals(503, ready.statusCode());
    assertTrue(
        ready
            .body()
            .contains(
                "{\"name\":\"journal\",\"status\":\"DOWN\",\"message\":\"the journal failed: EIO\"}"),
        ready.body());
    assertEquals(503, server.get("/api/health").statusCode());
  }

  private static String subscribe(String rest) {
    return "{\"type\":\"subscribe\",\"id\":\"h\",\"topic\":\"health\"" + rest + "}";
  }

  private static long seq(String frame) {
    return NUMBER
        .matcher(frame)
        .results()
        .mapToLong(m -> Long.parseLong(m.group(1)))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void changesAreFollowedLiveAndFromAPlace() throws IOException {
    String epoch = server.application().state().epoch();
    long place;
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(subscribe(""));
      String list = client.text();
      assertTrue(
          list.startsWith("{\"type\":\"snapshot\",\"id\":\"h\",\"epoch\":\"" + epoch + "\""), list);
      assertTrue(list.contains("{\"name\":\"journal\",\"status\":\"healthy\",\"message\":"), list);
      assertTrue(list.endsWith("],\"more\":false}"), list);
      place = seq(list);
      assertEquals("{\"type\":\"live\",\"id\":\"h\",\"seq\":" + place + "}", client.text());
      storageSays(null, null, "is slow");
      String event = client.text();
      assertEquals(place + 1, seq(event));
      assertTrue(
          event.contains(
              "\"entity\":\"component\",\"op\":\"put\",\"key\":\"journal\",\"value\":"
                  + "{\"name\":\"journal\",\"status\":\"degraded\",\"message\":\"is slow\",\"remedy\":\""),
          event);
      assertTrue(event.endsWith("},\"cause\":\"health-changed\"}"), event);
      storageSays(null, null, null);
      assertTrue(client.text().contains("\"status\":\"healthy\""));
    }
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(subscribe(",\"since\":{\"epoch\":\"" + epoch + "\",\"seq\":" + place + "}"));
      List<String> frames = client.textsUntil("live");
      assertEquals(2, frames.size(), "the last event of the key alone: " + frames);
      assertTrue(frames.getFirst().contains("\"status\":\"healthy\""), frames.toString());
      assertEquals(place + 2, seq(frames.getLast()));
    }
  }

  @Test
  void aPlaceOfAnEarlierStartIsGoodAndOneOfAnotherHistoryIsReset() throws IOException {
    String epoch = server.application().state().epoch();
    long before = server.application().health().feed().number();
    server = server.crashed();
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(subscribe(",\"since\":{\"epoch\":\"" + epoch + "\",\"seq\":" + before + "}"));
      List<String> frames = client.textsUntil("live");
      assertEquals(14, frames.size(), "each component once: " + frames);
      assertFalse(frames.toString().contains("\"reset\""));
      long now = seq(frames.getLast());
      assertTrue(now > before);
      client.send("{\"type\":\"unsubscribe\",\"id\":\"h\"}");
      client.send(
          subscribe(",\"since\":{\"epoch\":\"" + epoch + "\",\"seq\":" + (now + 1_000) + "}"));
      assertEquals("{\"type\":\"reset\",\"id\":\"h\",\"reason\":\"epoch\"}", client.text());
      client.send(subscribe(",\"since\":{\"epoch\":\"another\",\"seq\":1}"));
      assertEquals("{\"type\":\"reset\",\"id\":\"h\",\"reason\":\"epoch\"}", client.text());
      client.send(subscribe(",\"filter\":{\"state\":\"RUNNING\"}"));
      String refused = client.text();
      assertTrue(refused.contains("\"code\":400") && refused.contains("/filter"), refused);
    }
  }
}

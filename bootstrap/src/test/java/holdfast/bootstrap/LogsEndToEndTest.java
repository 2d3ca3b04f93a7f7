package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.Json;
import jakarta.json.JsonArray;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The event logs of the packaged server. */
class LogsEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Small files, so that a few tasks rotate them. */
  private static final Map<String, String> SMALL = Map.of("MAX_LOG_SIZE", "4096");

  @TempDir Path scratch;

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch.resolve("data"));
  }

  private static List<JsonObject> lines(ApiClient api, String query) throws Exception {
    var lines = new ArrayList<JsonObject>();
    String cursor = "";
    while (cursor != null) {
      JsonObject page =
          api.get("/api/logs?" + query + (cursor.isEmpty() ? "" : "&cursor=" + cursor));
      lines.addAll(page.getJsonArray("items").getValuesAs(JsonObject.class));
      assertEquals(0, page.getInt("skipped"));
      assertFalse(page.getBoolean("removed"));
      cursor = page.isNull("nextCursor") ? null : page.getString("nextCursor");
    }
    return lines.reversed();
  }

  private static List<String> types(List<JsonObject> lines) {
    return lines.stream().map(line -> line.getString("type")).toList();
  }

  /** Each change of the task that the journal knows is a line, once, in order. */
  private static void assertWhole(ApiClient api, String id) throws Exception {
    JsonArray events = api.get("/api/tasks/" + id + "/events?limit=1000").getJsonArray("items");
    List<Long> expected =
        events.getValuesAs(JsonObject.class).stream()
            .map(event -> event.getJsonNumber("seq").longValue())
            .toList()
            .reversed();
    Await.until(
        () -> {
          try {
            return seqs(lines(api, "limit=3&taskId=" + id));
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        },
        expected::equals,
        PATIENCE);
  }

  private static List<Long> seqs(List<JsonObject> lines) {
    return lines.stream()
        .filter(line -> line.containsKey("seq"))
        .map(line -> line.getJsonNumber("seq").longValue())
        .toList();
  }

  private static void hold(ApiClient api, int tasks) throws Exception {
    for (int i = 0; i < tasks; i++) {
      api.submit("{\"command\":[\"true\"],\"hold\":true}");
    }
  }

  private static long rotated(Path data) throws IOException {
    try (Stream<Path> files = Files.list(data.resolve("logs/task"))) {
      return files
          .filter(file -> file.getFileName().toString().matches("task\\.[0-9]+\\.jsonl(\\.zst)?"))
          .count();
    }
  }

  private static void follow(WebSocketClient follower, String id, JsonObject since) {
    var frame =
        Json.createObjectBuilder()
            .add("type", "subscribe")
            .add("id", "l")
            .add("topic", "logs")
            .add("filter", Json.createObjectBuilder().add("taskId", id));
    follower.send(since == null ? frame.build() : frame.add("since", since).build());
  }

  private static List<JsonObject> followed(WebSocketClient follower) {
    return follower.frames().stream()
        .filter(frame -> frame.getString("type").equals("event"))
        .map(frame -> frame.getJsonObject("value"))
        .toList();
  }

  @Test
  void theLogOfATaskIsWholeFromSubmitToVerdictAcrossAKillAndThreeRotations() throws Exception {
    Path data = scratch.resolve("data");
    String id;
    var seen = new ArrayList<JsonObject>();
    JsonObject since;
    try (PackagedServer server = PackagedServer.start(data, SMALL)) {
      ApiClient api = server.client();
      hold(api, 20);
      id = api.submit(RestartEndToEndTest.command("sleep", "600"));
      JsonObject list = api.get("/api/logs?taskId=" + id);
      try (WebSocketClient follower = api.follow()) {
        follow(
            follower,
            id,
            Json.createObjectBuilder()
                .add("epoch", list.getString("epoch"))
                .add("seq", list.getJsonNumber("seq"))
                .build());
        Await.until(
            () -> followed(follower), lines -> types(lines).contains("process-started"), PATIENCE);
        list.getJsonArray("items").getValuesAs(JsonObject.class).reversed().forEach(seen::add);
        seen.addAll(followed(follower));
        since =
            Json.createObjectBuilder()
                .add("epoch", list.getString("epoch"))
                .add("seq", seen.getLast().getJsonNumber("line"))
                .build();
      }
      hold(api, 40);
      server.kill();
    }
    try (PackagedServer server = PackagedServer.start(data, SMALL)) {
      ApiClient api = server.client();
      try (WebSocketClient follower = api.follow()) {
        follow(follower, id, since);
        hold(api, 40);
        Await.until(() -> rotated(data), count -> count >= 3, PATIENCE);
        ApiClient.expect(202, api.post("/api/tasks/" + id + "/kill", "{}"));
        api.awaitSealed(id);
        assertWhole(api, id);
        List<JsonObject> lines = lines(api, "limit=3&taskId=" + id);
        assertTrue(
            types(lines)
                .containsAll(
                    List.of(
                        "submitted",
                        "attempt-starting",
                        "process-started",
                        "adopted",
                        "verdict",
                        "stop-requested",
                        "attempt-ended")),
            types(lines).toString());
        JsonObject verdict =
            lines.stream()
                .filter(line -> line.getString("type").equals("verdict"))
                .findFirst()
                .orElseThrow();
        assertEquals("ADOPTED", verdict.getString("verdict"));
        int lacking = lines.size() - seen.size();
        Await.until(() -> followed(follower).size(), count -> count >= lacking, PATIENCE);
        seen.addAll(followed(follower));
        assertEquals(lines, seen);
      }
    }
  }

  @Test
  void linesThatAKillTookAreWrittenAgainFromTheJournalAndOnlyOnce() throws Exception {
    Path data = scratch.resolve("data");
    Map<String, String> hourly = Map.of("MAX_LOG_SIZE", "4096", "HOLDFAST_LOG_FLUSH", "PT1H");
    String id;
    try (PackagedServer server = PackagedServer.start(data, hourly)) {
      ApiClient api = server.client();
      id = api.submit("{\"command\":[\"true\"]}");
      api.awaitSealed(id);
      hold(api, 100);
      assertEquals(0, rotated(data));
      server.kill();
    }
    for (int start = 0; start < 2; start++) {
      try (PackagedServer server = PackagedServer.start(data, hourly)) {
        ApiClient api = server.client();
        assertTrue(rotated(data) >= 3, rotated(data) + " rotations");
        assertWhole(api, id);
        List<JsonObject> lines = lines(api, "limit=3&taskId=" + id);
        assertTrue(lines.stream().allMatch(line -> line.getBoolean("rebuilt")));
        List<Long> all = seqs(lines(api, "limit=500&category=task"));
        assertEquals(all.size(), new HashSet<>(all).size(), "some are there twice");
        server.kill();
      }
    }
  }

  @Test
  void nothingIsLostByAnOrderlyEndAndTheServersOwnDoingsAreLogged() throws Exception {
    Path data = scratch.resolve("data");
    Map<String, String> hourly = Map.of("HOLDFAST_LOG_FLUSH", "PT1H");
    try (PackagedServer server = PackagedServer.start(data, hourly)) {
      hold(server.client(), 30);
      try (WebSocketClient follower = server.client().follow()) {
        assertEquals(0, server.terminate());
        follower.awaitClose(PATIENCE);
      }
    }
    List<String> tasks = Files.readAllLines(data.resolve("logs/task/task.jsonl"));
    assertEquals(30, tasks.size());
    assertTrue(tasks.stream().noneMatch(line -> line.contains("rebuilt")));
    String sockets = Files.readString(data.resolve("logs/websocket/websocket.jsonl"));
    assertTrue(sockets.contains("\"type\":\"connected\""), sockets);
    assertTrue(
        sockets.contains("\"type\":\"disconnected\"") && sockets.contains("\"code\":1012"),
        sockets);
  }

  @Test
  void boundsThatMakeNoSenseStopTheStart() throws Exception {
    for (String wrong :
        List.of("HOLDFAST_LOG_BUDGET=1000", "HOLDFAST_LOG_AGE=P0D", "HOLDFAST_LOG_FILES=0")) {
      Path data = scratch.resolve("data");
      String[] setting = wrong.split("=", -1);
      Process server = PackagedServer.launch(data, Map.of(setting[0], setting[1]));
      assertEquals(64, server.waitFor());
      assertTrue(PackagedServer.stderr(data).contains(setting[0]), PackagedServer.stderr(data));
    }
  }
}

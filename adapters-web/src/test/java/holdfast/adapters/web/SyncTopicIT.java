package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.Lookup;
import holdfast.domain.port.Conflict.Side;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StateFiles.Edit;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The topic {@code sync}: rounds that are run, conflicts that are found and settled. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SyncTopicIT {
  private static final String HELD = "{\"command\":[\"true\"],\"hold\":true}";
  private static final Pattern NUMBER = Pattern.compile("\"seq\":(\\d+)");
  private static final Pattern KEY = Pattern.compile("\"key\":\"([^\"]+)\"");

  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static String subscribe(String rest) {
    return "{\"type\":\"subscribe\",\"id\":\"s\",\"topic\":\"sync\"" + rest + "}";
  }

  private String since(long place) {
    return subscribe(
        ",\"since\":{\"epoch\":\""
            + server.application().state().epoch()
            + "\",\"seq\":"
            + place
            + "}");
  }

  private static long seq(String frame) {
    return NUMBER
        .matcher(frame)
        .results()
        .mapToLong(m -> Long.parseLong(m.group(1)))
        .findFirst()
        .orElseThrow();
  }

  /**
   * Edits the file of a task too late: its id, and the conflict that the next round makes of it.
   */
  private void editTooLate(String id) {
    Stored<Task> stored =
        ((Lookup.Found<Stored<Task>>) server.application().state().task(new TaskId(id))).value();
    server.stateFiles.edit(
        EntityKey.of(new TaskId(id)), new Edit(0, 0, Instant.EPOCH, new Side.OfTask(stored), null));
  }

  private void force() {
    assertEquals(200, server.post("/api/sync/force", "").statusCode());
  }

  @Test
  void roundsAndConflictsAreFollowedLive() throws IOException {
    String id = server.submit(HELD);
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(subscribe(""));
      String list = client.text();
      assertTrue(list.startsWith("{\"type\":\"snapshot\",\"id\":\"s\",\"epoch\":"), list);
      assertTrue(
          list.contains(
              "\"items\":[{\"entity\":\"sync\",\"key\":\"sync\",\"value\":{\"strategy\":\"newest-wins\","),
          list);
      assertTrue(list.endsWith(",\"trouble\":null,\"lastRound\":null}}],\"more\":false}"), list);
      assertEquals("{\"type\":\"live\",\"id\":\"s\",\"seq\":" + seq(list) + "}", client.text());
      force();
      String round = client.text();
      assertTrue(
          round.contains("\"entity\":\"sync\",\"op\":\"put\",\"key\":\"sync\",\"value\":{"), round);
      assertTrue(round.contains("\"lastRound\":{\"seq\":1,\"written\":1,"), round);
      assertTrue(round.endsWith("},\"cause\":\"synced\"}"), round);
      editTooLate(id);
      force();
      String found = client.text();
      String value =
          server.get("/api/sync/conflicts").body().replaceAll("^\\{\"items\":\\[|],\"next.*$", "");
      assertTrue(
          found.contains("\"entity\":\"conflict\",\"op\":\"put\",\"key\":\"")
              && found.endsWith(",\"value\":" + value + ",\"cause\":\"sync-conflict\"}"),
          found + " and " + value);
      assertTrue(value.contains("\"resolved\":false"), value);
      assertTrue(client.text().endsWith("\"cause\":\"synced\"}"));
      String key = KEY.matcher(found).results().findFirst().orElseThrow().group(1);
      assertEquals(
          200,
          server
              .post("/api/sync/conflicts/" + key + "/resolve", "{\"keep\":\"memory\"}")
              .statusCode());
      String settled = client.text();
      assertTrue(settled.contains("\"key\":\"" + key + "\""), settled);
      assertTrue(settled.contains("\"resolved\":true"), settled);
      assertTrue(settled.endsWith("\"cause\":\"conflict-settled\"}"), settled);
    }
  }

  @Test
  void aRoundThatFailsIsToldWithItsReason() throws IOException {
    server.submit(HELD);
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(since(server.application().sync().feed().number()));
      client.text("live");
      server.stateFiles.fail(true);
      assertTrue(server.post("/api/sync/force", "").statusCode() >= 500);
      String failed = client.text();
      assertTrue(failed.contains("\"trouble\":\"no room"), failed);
      assertTrue(failed.endsWith("\"cause\":\"sync-failed\"}"), failed);
      server.stateFiles.fail(false);
      force();
      assertTrue(client.text().contains("\"trouble\":null"));
    }
  }

  @Test
  void whoeverGoesOnFromAPlaceGetsTheLatestOfWhatHasChangedOnly() throws IOException {
    String id = server.submit(HELD);
    force();
    long place = server.application().sync().feed().number();
    editTooLate(id);
    force();
    for (int i = 0; i < 20; i++) {
      force();
    }
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(since(place));
      List<String> frames = client.textsUntil("live");
      assertEquals(3, frames.size(), frames.toString());
      assertTrue(frames.get(0).endsWith("\"cause\":\"sync-conflict\"}"), frames.toString());
      assertTrue(frames.get(1).endsWith("\"cause\":\"synced\"}"), frames.toString());
    }
  }

  @Test
  void aClientOfAnEarlierStartGoesOnAndOneOfAnotherEpochBeginsAnew() throws IOException {
    force();
    long before = server.application().sync().feed().number();
    server = server.crashed();
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(since(before));
      List<String> frames = client.textsUntil("live");
      assertFalse(frames.toString().contains("\"reset\""), frames.toString());
      assertTrue(frames.getFirst().contains("\"key\":\"sync\""), frames.toString());
      client.send("{\"type\":\"unsubscribe\",\"id\":\"s\"}");
      client.send(subscribe(",\"since\":{\"epoch\":\"another\",\"seq\":1}"));
      assertEquals("{\"type\":\"reset\",\"id\":\"s\",\"reason\":\"epoch\"}", client.text());
      client.send(subscribe(",\"filter\":{}"));
      assertTrue(client.text().contains("\"code\":400"));
    }
  }
}

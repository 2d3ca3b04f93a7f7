package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The protocol {@code holdfast.v1} over a real port. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SocketIT {
  private static final String HELD = "{\"command\":[\"true\"],\"hold\":true}";
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start();
    server.world.program("true", process -> process.exit(0));
    server.world.program("wait", process -> {});
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void saysHelloWithThePlaceInHistory() throws IOException {
    server.submit(HELD);
    try (var client = SocketClient.connect(server)) {
      assertTrue(client.head.startsWith("HTTP/1.1 101 "), client.head);
      assertTrue(client.head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
      assertTrue(client.head.contains("Sec-WebSocket-Protocol: holdfast.v1"));
      String hello = client.text();
      assertTrue(hello.startsWith("{\"type\":\"hello\",\"protocol\":\"holdfast.v1\""), hello);
      assertTrue(hello.contains("\"seq\":1,\"heartbeatMs\":15000"), hello);
    }
  }

  @Test
  void snapshotThenLiveThenEveryEventInOrder() throws IOException {
    String first = server.submit(HELD);
    try (var client = SocketClient.connect(server)) {
      client.send("{\"type\":\"subscribe\",\"id\":\"a\",\"topic\":\"tasks\"}");
      String snapshot = client.text("snapshot");
      assertTrue(snapshot.contains("\"id\":\"a\",\"epoch\":"), snapshot);
      assertTrue(snapshot.contains(first) && snapshot.endsWith("],\"more\":false}"), snapshot);
      assertEquals("{\"type\":\"live\",\"id\":\"a\",\"seq\":1}", client.text());
      String second = server.submit(HELD);
      String event = client.text();
      assertTrue(
          event.startsWith(
              "{\"type\":\"event\",\"id\":\"a\",\"seq\":2,\"entity\":\"task\",\"op\":\"put\",\"key\":\""
                  + second
                  + "\",\"value\":{\"id\":\""
                  + second),
          event);
      assertTrue(event.endsWith(",\"cause\":\"submitted\"}"), event);
    }
  }

  @Test
  void longListsComeInSeveralSnapshots() throws IOException {
    String title = "x".repeat(4_000);
    for (int i = 0; i < 80; i++) {
      server.submit("{\"title\":\"" + title + "\",\"command\":[\"true\"],\"hold\":true}");
    }
    try (var client = SocketClient.connect(server)) {
      client.send("{\"type\":\"subscribe\",\"id\":\"a\",\"topic\":\"tasks\"}");
      List<String> texts = client.textsUntil("live");
      var snapshots = texts.stream().filter(text -> text.contains("\"snapshot\"")).toList();
      assertTrue(snapshots.size() > 2, "snapshots: " + snapshots.size());
      for (String snapshot : snapshots.subList(0, snapshots.size() - 1)) {
        assertTrue(snapshot.endsWith("\"more\":true}"));
      }
      assertTrue(snapshots.getLast().endsWith("\"more\":false}"));
      long tasks =
          snapshots.stream().mapToLong(text -> text.split("\"stateReason\"").length - 1).sum();
      assertEquals(80, tasks);
    }
  }

  @Test
  void resumesBehindASeqWithoutGapOrDuplicate() throws IOException {
    server.submit(HELD);
    String second = server.submit(HELD);
    try (var client = SocketClient.connect(server)) {
      client.send(
          "{\"type\":\"subscribe\",\"id\":\"a\",\"topic\":\"tasks\",\"since\":{\"epoch\":\""
              + server.application().state().epoch()
              + "\",\"seq\":1}}");
      client.text("hello");
      String event = client.text();
      assertTrue(event.contains("\"seq\":2") && event.contains(second), event);
      assertEquals("{\"type\":\"live\",\"id\":\"a\",\"seq\":2}", client.text());
    }
  }

  @Test
  void anotherHistoryIsAReset() throws IOException {
    try (var client = SocketClient.connect(server)) {
      client.send(
          "{\"type\":\"subscribe\",\"id\":\"a\",\"topic\":\"tasks\",\"since\":{\"epoch\":\"other\",\"seq\":1}}");
      assertEquals("{\"type\":\"reset\",\"id\":\"a\",\"reason\":\"epoch\"}", client.text("reset"));
      client.send("{\"type\":\"subscribe\",\"id\":\"a\",\"topic\":\"tasks\"}");
      client.text("live");
    }
  }

  @Test
  void aSnapshotShowsWhatARunningTaskHasWrittenByNow() throws IOException {
    try (var client = SocketClient.connect(server)) {
      client.send("{\"type\":\"subscribe\",\"id\":\"a\",\"topic\":\"tasks\"}");
      client.text("live");
      String id = server.submit("{\"command\":[\"wait\"]}");
      while (!client.text().contains("\"state\":\"RUNNING\"")) {
        assertFalse(client.socket().isClosed());
      }
      server.outputs.write(new RunRef(new TaskId(id), 1, 1), OutputStreamName.MERGED, new byte[9]);
      client.send("{\"type\":\"subscribe\",\"id\":\"b\",\"topic\":\"tasks\"}");
      assertTrue(client.text("snapshot").contains("\"outputBytes\":{\"merged\":9}"));
    }
  }

  @Test
  void filtersByState() throws IOException {
    try (var client = SocketClient.connect(server)) {
      client.send(
          "{\"type\":\"subscribe\",\"id\":\"a\",\"topic\":\"tasks\",\"filter\":{\"state\":\"CANCELED\"}}");
      client.text("live");
      String id = server.submit(HELD);
      server.post("/api/tasks/" + id + "/cancel", "{}");
      String event = client.text();
      assertTrue(event.contains("\"cause\":\"canceled\""), event);
    }
  }

  @Test
  void outputComesWholeInOrderAndEndsWithTheOutcome() throws IOException {
    String id = server.submit("{\"command\":[\"wait\"]}");
    var run = new RunRef(new TaskId(id), 1, 1);
    TestServer.await("running", () -> server.get("/api/tasks/" + id).body().contains("RUNNING"));
    byte[] bytes = new byte[3_000_000];
    new Random(7).nextBytes(bytes);
    server.outputs.write(run, OutputStreamName.MERGED, bytes);
    try (var client = SocketClient.connect(server)) {
      client.send(
          "{\"type\":\"subscribe\",\"id\":\"o\",\"topic\":\"output\",\"taskId\":\""
              + id
              + "\",\"credit\":2000000}");
      assertEquals(
          "{\"type\":\"subscribed\",\"id\":\"o\",\"channel\":1,\"attempt\":1,\"stream\":\"merged\",\"offset\":0,\"end\":3000000}",
          client.text("subscribed"));
      var received = new ByteArrayOutputStream();
      receive(client, received, 2_000_000);
      client.send("{\"type\":\"credit\",\"id\":\"o\",\"bytes\":5000000}");
      receive(client, received, 3_000_000);
      server.world.process(run).exit(3);
      assertEquals(
          "{\"type\":\"end\",\"id\":\"o\",\"offset\":3000000,\"outcome\":{\"kind\":\"EXITED\",\"exitCode\":3}}",
          client.text("end"));
      assertArrayEquals(bytes, received.toByteArray());
    }
  }

  private static void receive(SocketClient client, ByteArrayOutputStream received, int until)
      throws IOException {
    while (received.size() < until) {
      SocketClient.Frame frame = client.nextButPings();
      assertEquals(SocketClient.BINARY, frame.opcode);
      ByteBuffer header = ByteBuffer.wrap(frame.payload);
      assertEquals(1, header.get());
      assertEquals(1, header.get());
      assertEquals(1, header.getInt());
      assertEquals(received.size(), header.getLong());
      received.write(frame.payload, 14, frame.payload.length - 14);
      assertTrue(received.size() <= until, "more than the credit: " + received.size());
    }
  }

  @Test
  void outputResumesAtAnyByteAndTailsFromTheEnd() throws IOException {
    String id = server.submit("{\"command\":[\"wait\"]}");
    TestServer.await("running", () -> server.get("/api/tasks/" + id).body().contains("RUNNING"));
    var run = new RunRef(new TaskId(id), 1, 1);
    server.outputs.write(
        run, OutputStreamName.MERGED, "0123456789".getBytes(StandardCharsets.UTF_8));
    try (var client = SocketClient.connect(server)) {
      String subscribe = "{\"type\":\"subscribe\",\"topic\":\"output\",\"taskId\":\"" + id + "\",";
      client.text("hello");
      client.send(subscribe + "\"id\":\"x\",\"offset\":7}");
      client.text("subscribed");
      assertEquals("789", payload(client.nextButPings()));
      client.send(subscribe + "\"id\":\"y\",\"tailBytes\":2}");
      assertTrue(client.text("subscribed").contains("\"channel\":2"));
      assertEquals("89", payload(client.nextButPings()));
      client.send(subscribe + "\"id\":\"z\",\"offset\":15}");
      assertTrue(client.text("subscribed").contains("\"offset\":10,\"end\":10"));
      assertTrue(client.text("gap").contains("\"from\":10,\"to\":15"));
    }
  }

  private static String payload(SocketClient.Frame frame) {
    return new String(frame.payload, 14, frame.payload.length - 14, StandardCharsets.UTF_8);
  }

  @Test
  void outputOfATaskThatHasNotStartedIsWaitedFor() throws IOException {
    String id = server.submit("{\"command\":[\"wait\"],\"hold\":true}");
    try (var client = SocketClient.connect(server)) {
      client.send(
          "{\"type\":\"subscribe\",\"id\":\"o\",\"topic\":\"output\",\"taskId\":\"" + id + "\"}");
      client.text("subscribed");
      server.post("/api/tasks/" + id + "/release", "");
      TestServer.await("running", () -> server.get("/api/tasks/" + id).body().contains("RUNNING"));
      server.outputs.write(new RunRef(new TaskId(id), 1, 1), OutputStreamName.MERGED, new byte[5]);
      assertEquals(19, client.nextButPings().payload.length);
    }
  }

  @Test
  void anIdIsFreeAsSoonAsItsOutputIsOver() throws IOException {
    String id = server.submit("{\"command\":[\"true\"]}");
    TestServer.await("over", () -> server.get("/api/tasks/" + id).body().contains("SUCCEEDED"));
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      for (int i = 1; i <= 500; i++) {
        client.send(
            "{\"type\":\"subscribe\",\"id\":\"o\",\"topic\":\"output\",\"taskId\":\"" + id + "\"}");
        assertTrue(client.text().contains("\"channel\":" + i + ","));
        assertTrue(client.text().startsWith("{\"type\":\"end\",\"id\":\"o\""));
      }
    }
  }

  @Test
  void commandsAnswerLikeTheRestCalls() throws IOException {
    try (var client = SocketClient.connect(server)) {
      client.send(
          "{\"type\":\"command\",\"id\":\"1\",\"action\":\"submit\",\"body\":"
              + HELD
              + ",\"idempotencyKey\":\"k\"}");
      String created = client.text("result");
      assertTrue(
          created.startsWith("{\"type\":\"result\",\"id\":\"1\",\"status\":201,\"body\":{\"id\":"),
          created);
      String id = TestServer.id(created);
      var replay = server.send("POST", "/api/tasks", HELD, "Idempotency-Key", "k");
      assertEquals("true", replay.headers().firstValue("Idempotency-Replayed").orElse("none"));
      assertEquals(id, TestServer.id(replay.body()));
      client.send(
          "{\"type\":\"command\",\"id\":\"2\",\"action\":\"stop\",\"taskId\":\"" + id + "\"}");
      String refused = client.text("result");
      assertTrue(
          refused.contains(
              "\"status\":409,\"body\":{\"type\":\"urn:holdfast:problem:wrong-state\""),
          refused);
      client.send(
          "{\"type\":\"command\",\"id\":\"3\",\"action\":\"cancel\",\"taskId\":\"" + id + "\"}");
      assertTrue(client.text("result").contains("\"status\":202,\"body\":{\"id\":\"" + id));
      client.send(
          "{\"type\":\"command\",\"id\":\"4\",\"action\":\"submit\",\"body\":{\"command\":[]}}");
      assertTrue(client.text("result").contains("\"status\":400"));
    }
  }

  @Test
  void inputKeepsItsOrder() throws IOException {
    var seen = new ConcurrentLinkedQueue<String>();
    server.world.program(
        "cat",
        process ->
            process.onInput(
                bytes -> seen.add(new String(bytes, StandardCharsets.UTF_8)),
                () -> process.exit(0)));
    String id = server.submit("{\"command\":[\"cat\"],\"stdin\":\"pipe\"}");
    TestServer.await("running", () -> server.get("/api/tasks/" + id).body().contains("RUNNING"));
    var expected = new StringBuilder();
    try (var client = SocketClient.connect(server)) {
      for (int i = 0; i < 200; i++) {
        client.send(command(i, id, "\"line " + i + "\\n\""));
        expected.append("line ").append(i).append('\n');
      }
      client.send(command(200, id, "{\"end\":true}"));
      for (int i = 0; i <= 200; i++) {
        assertTrue(client.text("result").contains("\"status\":204,\"body\":null"));
      }
    }
    assertEquals(expected.toString(), String.join("", seen));
    TestServer.await("over", () -> server.get("/api/tasks/" + id).body().contains("SUCCEEDED"));
  }

  private static String command(int number, String task, String body) {
    return "{\"type\":\"command\",\"id\":\"i"
        + number
        + "\",\"action\":\"input\",\"taskId\":\""
        + task
        + "\",\"body\":"
        + body
        + "}";
  }

  @Test
  void refusalsNameTheIdAndTheSocketLivesOn() throws IOException {
    try (var client = SocketClient.connect(server)) {
      String missing = "0".repeat(20);
      refused(client, "{\"type\":\"subscribe\",\"id\":\"e\",\"topic\":\"weather\"}", 400);
      refused(
          client,
          "{\"type\":\"subscribe\",\"id\":\"e\",\"topic\":\"output\",\"taskId\":\""
              + missing
              + "\"}",
          404);
      refused(client, "{\"type\":\"subscribe\",\"id\":\"e\",\"topic\":\"tasks\",\"more\":1}", 400);
      refused(client, "{\"type\":\"unsubscribe\",\"id\":\"e\"}", 404);
      refused(client, "{\"type\":\"dance\",\"id\":\"e\"}", 400);
      refused(client, "{\"type\":7,\"id\":\"e\"}", 400);
      refused(
          client,
          "{\"type\":\"command\",\"id\":\"e\",\"action\":\"pause\",\"taskId\":\"" + missing + "\"}",
          400);
      client.send("{\"type\":\"ping\",\"t\":[1,\"x\"]}");
      assertEquals("{\"type\":\"pong\",\"t\":[1,\"x\"]}", client.text());
    }
  }

  private static void refused(SocketClient client, String message, int code) throws IOException {
    client.send(message);
    String error = client.text("error");
    assertTrue(error.startsWith("{\"type\":\"error\",\"id\":\"e\",\"code\":" + code), error);
  }

  @Test
  void brokenMessagesCloseTheSocketWithTheirCode() throws IOException {
    assertEquals(4400, closed("{\"type\":\"dance\"}"));
    assertEquals(4400, closed("{not json"));
    assertEquals(4400, closed("{\"type\":\"ping\",\"type\":\"ping\"}"));
    assertEquals(1009, closedAfter(client -> client.write(0x81, new byte[1_048_577])));
    assertEquals(
        1009,
        closedAfter(
            client ->
                client.raw(new byte[] {(byte) 0x81, (byte) 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0})));
    assertEquals(1007, closedAfter(client -> client.write(0x81, new byte[] {(byte) 0xc3, 0x28})));
    assertEquals(4400, closedAfter(client -> client.write(0x82, new byte[3])));
    assertEquals(1002, closedAfter(client -> client.raw(new byte[] {(byte) 0x81, 1, 'x'})));
    assertEquals(
        1002, closedAfter(client -> client.write(0xc1, "{}".getBytes(StandardCharsets.UTF_8))));
    assertEquals(
        1002, closedAfter(client -> client.write(0x80, "{}".getBytes(StandardCharsets.UTF_8))));
    assertEquals(1002, closedAfter(client -> client.write(0x89, new byte[126])));
    assertEquals(1002, closedAfter(client -> client.write(0x83, new byte[0])));
  }

  private interface Deed {
    void on(SocketClient client) throws IOException;
  }

  private int closed(String message) throws IOException {
    return closedAfter(client -> client.send(message));
  }

  private int closedAfter(Deed deed) throws IOException {
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      deed.on(client);
      return client.closeCode();
    }
  }

  @Test
  void aSocketHasSixtyFourSubscriptionsAndMoreOnlyOnceSomeHaveEnded() throws IOException {
    try (var client = SocketClient.connect(server)) {
      for (int i = 0; i < 64; i++) {
        client.send("{\"type\":\"subscribe\",\"id\":\"s" + i + "\",\"topic\":\"tasks\"}");
        client.text("live");
      }
      String more = "{\"type\":\"subscribe\",\"id\":\"more\",\"topic\":\"logs\"}";
      client.send(more);
      assertTrue(client.text("error").contains("\"code\":429"));
      client.send("{\"type\":\"unsubscribe\",\"id\":\"s7\"}");
      client.send(more);
      assertTrue(client.text("live").contains("\"id\":\"more\""));
    }
  }

  @Test
  void fragmentsAreOneMessageUpToTheLimit() throws IOException {
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.write(0x01, "{\"type\":\"pi".getBytes(StandardCharsets.UTF_8));
      client.write(0x89, "are you there?".getBytes(StandardCharsets.UTF_8));
      client.write(0x00, "ng\",\"t\":\"\u00e4".getBytes(StandardCharsets.UTF_8));
      client.write(0x80, "\"}".getBytes(StandardCharsets.UTF_8));
      assertEquals("are you there?", client.next().text());
      assertEquals("{\"type\":\"pong\",\"t\":\"\u00e4\"}", client.text());
      client.write(0x01, new byte[1_000_000]);
      client.write(0x80, new byte[100_000]);
      assertEquals(1009, client.closeCode());
    }
    try (var client = SocketClient.connect(server)) {
      for (int i = 0; i < 1_025; i++) {
        client.write(i == 0 ? 0x01 : 0x00, new byte[0]);
      }
      assertEquals(1009, client.closeCode());
    }
  }

  @Test
  void withoutTheSubprotocolItIsClosedSayingSo() throws IOException {
    try (var client = SocketClient.connect(server, server.head("GET /ws HTTP/1.1"), "graphql")) {
      assertFalse(client.head.contains("Sec-WebSocket-Protocol"), client.head);
      assertEquals(4406, client.closeCode());
    }
    try (var client = SocketClient.connect(server, server.head("GET /ws HTTP/1.1"), "")) {
      assertEquals(4406, client.closeCode());
    }
  }

  @Test
  void aClientThatClosesIsAnsweredAndForgotten() throws IOException {
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.write(0x88, new byte[] {3, (byte) 0xe8});
      assertEquals(1000, client.closeCode());
      assertThrows(EOFException.class, client::next);
    }
    TestServer.await(
        "forgotten", () -> server.get("/api/health").body().contains("0 active connections"));
  }

  @Test
  void drainSaysByeAndClosesWithTheReason() throws IOException {
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      server.web.drain(HoldfastWeb.Leaving.RESTARTING);
      assertTrue(
          client
              .text()
              .startsWith(
                  "{\"type\":\"bye\",\"reason\":\"the server is restarting\",\"retryAfterMs\":"));
      assertEquals(1012, client.closeCode());
    }
  }

  @Test
  void silenceAndHalfAFrameEndASocketAfterTwoMissedBeats() throws IOException {
    server.close();
    server = TestServer.beating(Duration.ofMillis(200));
    long begun = System.nanoTime();
    try (var client = SocketClient.connect(server);
        var answering = SocketClient.connect(server)) {
      client.raw(new byte[] {(byte) 0x81, (byte) 0xfe, 4, 0, 1, 2, 3, 4});
      // Answering pings keeps another one alive all the while; a byte at a time does not.
      while (System.nanoTime() - begun < Duration.ofMillis(1_500).toNanos()) {
        SocketClient.Frame frame = answering.next();
        if (frame.opcode == SocketClient.PING) {
          answering.write(0x8a, frame.payload);
          if (System.nanoTime() - begun < Duration.ofMillis(500).toNanos()) {
            client.raw(new byte[] {'x'});
          }
        }
      }
      SocketClient.Frame frame = client.next();
      while (frame.opcode == SocketClient.PING || frame.opcode == SocketClient.TEXT) {
        frame = client.next();
      }
      assertEquals(4408, frame.closeCode());
      assertThrows(IOException.class, () -> client.next());
      answering.send("{\"type\":\"ping\"}");
      assertEquals("{\"type\":\"pong\",\"t\":null}", answering.text("pong"));
    }
  }

  @Test
  void bookmarksFollowWhatAFilterHides() throws IOException {
    server.close();
    server = TestServer.beating(Duration.ofMillis(300));
    try (var client = SocketClient.connect(server)) {
      client.send(
          "{\"type\":\"subscribe\",\"id\":\"a\",\"topic\":\"tasks\",\"filter\":{\"state\":[\"LOST\"]}}");
      client.text("live");
      server.submit(HELD);
      assertEquals("{\"type\":\"mark\",\"id\":\"a\",\"seq\":1}", client.text());
    }
  }
}

package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What many, slow, silent and leaving connections do to the server. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConnectionsIT {
  private static final String HELD = "{\"command\":[\"true\"],\"hold\":true}";
  private TestServer server = TestServer.starting(settings(64, 300, Duration.ofSeconds(5)));

  private static WebSettings settings(int connections, int patienceMillis, Duration heartbeat) {
    Duration patience = Duration.ofMillis(patienceMillis);
    return WebSettings.loopback(0, TestServer.TOKEN, "/")
        .withLimits(
            new WebSettings.Limits(
                1_048_576, connections, patience, patience, patience, heartbeat));
  }

  private void restart(WebSettings settings) {
    server.close();
    server = TestServer.start(settings);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void beforeRecoveryItIsLiveAndNothingElse() {
    assertEquals(200, server.get("/api/health/live").statusCode());
    assertEquals(503, server.get("/api/health/started").statusCode());
    HttpResponse<String> ready = server.get("/api/health/ready");
    assertEquals(503, ready.statusCode());
    assertTrue(
        ready
            .body()
            .startsWith(
                "{\"status\":\"DOWN\",\"checks\":[{\"name\":\"recovery\",\"status\":\"DOWN\""));
    HttpResponse<String> early = server.post("/api/tasks", HELD);
    assertEquals(503, early.statusCode());
    assertTrue(early.body().contains("\"code\":\"starting\""), early.body());
    assertEquals("1", early.headers().firstValue("Retry-After").orElse(""));
    server.open();
    assertEquals(200, server.get("/api/health/ready").statusCode());
    assertEquals(201, server.post("/api/tasks", HELD).statusCode());
  }

  @Test
  void thousandsOfIdleSocketsNeitherLockOutAUserNorStay() throws IOException {
    restart(settings(500, 30_000, Duration.ofSeconds(5)));
    List<Socket> idle = new ArrayList<>();
    try {
      for (int i = 0; i < 3_000; i++) {
        Socket socket = server.connect();
        idle.add(socket);
        if (i % 3 == 0) {
          socket.getOutputStream().write("GET /api/ta".getBytes(StandardCharsets.US_ASCII));
        }
        if (i % 500 == 499) {
          assertEquals(200, server.get("/api/tasks").statusCode(), "after " + i);
        }
      }
      assertEquals(201, server.post("/api/tasks", HELD).statusCode());
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  @Test
  void aWebSocketAndARequestInFlightOutliveAFloodOfIdleSockets() throws IOException {
    restart(settings(50, 30_000, Duration.ofSeconds(5)));
    server.tasks.pause();
    CompletableFuture<HttpResponse<String>> inFlight =
        server.client.sendAsync(
            server.request("POST", "/api/tasks", HELD).build(), BodyHandlers.ofString());
    TestServer.await("the request is there", () -> server.tasks.held() == 1);
    List<Socket> idle = new ArrayList<>();
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      for (int i = 0; i < 200; i++) {
        idle.add(server.connect());
      }
      server.tasks.resume();
      assertEquals(201, inFlight.join().statusCode());
      client.send("{\"type\":\"ping\",\"t\":1}");
      assertEquals("{\"type\":\"pong\",\"t\":1}", client.text());
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  @Test
  void whoTakesTooLongOverARequestIsToldSoAndCutOff() throws Exception {
    restart(settings(64, 300, Duration.ofMillis(400)));
    String post = server.head("POST /api/tasks HTTP/1.1") + "Content-Type: application/json\r\n";
    String chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
    // Who has not even said what it wants is not spoken to.
    for (String part : new String[] {"", "GET /api/tasks HT"}) {
      assertEquals("", server.raw(part));
    }
    assertEquals("", dripped("GET /api/tasks?q="));
    for (String part :
        new String[] {
          server.head("GET /api/tasks HTTP/1.1"),
          server.head("GET /api/tasks HTTP/1.1") + "X: y",
          post + "Content-Length: 900\r\n\r\n{",
          chunked,
          chunked + "1",
          chunked + "3\r\n{\"c\r\n",
        }) {
      assertTimedOut(part, server.raw(part));
      assertTimedOut("dripped: " + part, dripped(part));
    }
    String kept = server.head("GET /api/health/live HTTP/1.1") + "\r\n";
    String[] answers =
        server.raw(kept + "GET /api/tasks HTTP/1.1\r\nX: y").split("(?=HTTP/1.1 )", -1);
    assertTrue(answers[0].startsWith("HTTP/1.1 200"), answers[0]);
    assertTimedOut("the second request", answers[1]);
  }

  private static void assertTimedOut(String what, String answer) {
    assertTrue(answer.startsWith("HTTP/1.1 408 "), what + ": " + answer);
    assertTrue(answer.contains("\"code\":\"timeout\""), what + ": " + answer);
    assertTrue(answer.contains("X-Content-Type-Options: nosniff"), what + ": " + answer);
    assertTrue(answer.contains("Connection: close"), what + ": " + answer);
  }

  /** Sends a beginning and then a byte at a time, in time for every limit that each byte renews. */
  private String dripped(String part) throws IOException {
    try (Socket socket = server.connect()) {
      socket.getOutputStream().write(part.getBytes(StandardCharsets.US_ASCII));
      var answer = new StringBuilder();
      socket.setSoTimeout(50);
      long begun = System.nanoTime();
      while (System.nanoTime() - begun < Duration.ofSeconds(5).toNanos()) {
        try {
          int next = socket.getInputStream().read();
          if (next < 0) {
            return answer.toString();
          }
          answer.append((char) next);
        } catch (SocketTimeoutException nothingYet) {
          socket.getOutputStream().write('1');
        }
      }
      throw new AssertionError("still open after " + part);
    }
  }

  @Test
  void whereEveryConnectionIsInUseAFurtherOneIsClosedAndNoOtherSuffers() throws IOException {
    restart(settings(2, 30_000, Duration.ofSeconds(5)));
    try (var one = SocketClient.connect(server);
        var two = SocketClient.connect(server)) {
      assertEquals("", server.raw(""));
      for (SocketClient client : List.of(one, two)) {
        client.send("{\"type\":\"ping\",\"t\":1}");
        assertEquals("{\"type\":\"pong\",\"t\":1}", client.text("pong"));
      }
    }
  }

  @Test
  void anOutputThatNobodyReadsHoldsItsConnectionForTheStallOnly() throws IOException {
    restart(settings(64, 500, Duration.ofMillis(400)));
    server.world.program("wait", _ -> {});
    String id = server.submit("{\"command\":[\"wait\"]}");
    TestServer.await("running", () -> server.get("/api/tasks/" + id).body().contains("RUNNING"));
    server.outputs.write(
        new RunRef(new TaskId(id), 1, 1), OutputStreamName.MERGED, new byte[40_000_000]);
    try (Socket socket = server.connect()) {
      socket
          .getOutputStream()
          .write(
              (server.head("GET /api/tasks/" + id + "/output HTTP/1.1") + "\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      long begun = System.nanoTime();
      // The server gives up while we do not read; then there is less to be read than was announced.
      TestServer.await(
          "given up", () -> System.nanoTime() - begun > Duration.ofMillis(1_500).toNanos());
      long read = 0;
      byte[] buffer = new byte[65_536];
      try {
        for (int n = 0; n >= 0; n = socket.getInputStream().read(buffer)) {
          read += n;
        }
      } catch (IOException reset) {
        assertTrue(read < 40_000_000);
      }
      assertTrue(read < 40_000_000, "read " + read);
    }
  }

  @Test
  void aSocketThatIsNotReadDelaysNobodyAndIsClosed() throws IOException {
    restart(settings(64, 30_000, Duration.ofMillis(400)));
    server.world.program("wait", _ -> {});
    String id = server.submit("{\"command\":[\"wait\"]}");
    TestServer.await("running", () -> server.get("/api/tasks/" + id).body().contains("RUNNING"));
    server.outputs.write(
        new RunRef(new TaskId(id), 1, 1), OutputStreamName.MERGED, new byte[30_000_000]);
    String subscribe =
        "{\"type\":\"subscribe\",\"id\":\"o\",\"topic\":\"output\",\"taskId\":\""
            + id
            + "\",\"credit\":100000000}";
    try (var slow = SocketClient.connect(server);
        var quick = SocketClient.connect(server)) {
      slow.send(subscribe);
      quick.send(subscribe);
      long received = 0;
      while (received < 30_000_000) {
        SocketClient.Frame frame = quick.nextButPings();
        received += frame.opcode == SocketClient.BINARY ? frame.payload.length - 14 : 0;
      }
      // Keep the quick one alive until the slow one, which neither reads nor answers, is gone.
      var alive = new Thread(() -> answerPings(quick));
      alive.start();
      TestServer.await(
          "one is left", () -> server.get("/api/health").body().contains("1 active connections"));
    }
  }

  @Test
  void whoReadsNothingButSpeaksIsToldToBeTooSlowOnceItReadsAgain() throws Exception {
    restart(settings(64, 30_000, Duration.ofSeconds(1)));
    server.world.program("wait", _ -> {});
    String id = server.submit("{\"command\":[\"wait\"]}");
    TestServer.await("running", () -> server.get("/api/tasks/" + id).body().contains("RUNNING"));
    server.outputs.write(
        new RunRef(new TaskId(id), 1, 1), OutputStreamName.MERGED, new byte[30_000_000]);
    try (var client = SocketClient.connect(server)) {
      client.send(
          "{\"type\":\"subscribe\",\"id\":\"o\",\"topic\":\"output\",\"taskId\":\""
              + id
              + "\",\"credit\":100000000}");
      long begun = System.nanoTime();
      while (System.nanoTime() - begun < Duration.ofMillis(3_200).toNanos()) {
        client.write(0x8a, new byte[0]);
        LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
      }
      assertEquals(4429, client.closeCode());
    }
  }

  private static void answerPings(SocketClient client) {
    try {
      while (client.nextButPings() != null) {
        Thread.onSpinWait();
      }
    } catch (IOException closed) {
      assertTrue(closed.getMessage() == null || !closed.getMessage().isEmpty());
    }
  }

  @Test
  void stopLetsRequestsInFlightFinishAndRefusesNewOnes() throws Exception {
    server.open();
    assertEquals(200, server.get("/api/tasks").statusCode());
    server.tasks.pause();
    CompletableFuture<HttpResponse<String>> inFlight =
        server.client.sendAsync(
            server.request("POST", "/api/tasks", HELD).build(), BodyHandlers.ofString());
    Socket kept = server.connect();
    TestServer.await("the request is there", () -> server.tasks.held() == 1);
    server.web.drain(HoldfastWeb.Leaving.GOING_AWAY);
    kept.getOutputStream()
        .write(
            (server.head("GET /api/tasks HTTP/1.1") + "\r\n").getBytes(StandardCharsets.US_ASCII));
    String refused = new String(kept.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(
        refused.startsWith("HTTP/1.1 503") && refused.contains("Connection: close"), refused);
    var stopping = CompletableFuture.runAsync(this::stopWeb);
    server.tasks.resume();
    assertEquals(201, inFlight.join().statusCode());
    stopping.join();
    kept.close();
  }

  private void stopWeb() {
    try {
      server.web.stop(Duration.ofSeconds(10));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

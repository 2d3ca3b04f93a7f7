package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.CommitResult;
import holdfast.domain.port.OutputStorage;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code /api/tasks} and {@code /api/initiatives} over a real port. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TaskApiIT {
  private static final String HELD = "{\"command\":[\"true\"],\"hold\":true}";
  private static final Pattern CURSOR = Pattern.compile("\"nextCursor\":\"([^\"]+)\"");
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
  void submitAnswersWithTheWholeTask() {
    var response =
        server.post(
            "/api/tasks",
            """
            {"title":"t","command":["true","x"],"cwd":"/srv","env":{"K":"V","MY_SECRET":"s"},
             "after":[],"priority":-3,"labels":{"team":"docs"},"hold":true,"timeout":"PT2H",
             "stopGrace":"PT1S","retry":{"maxAttempts":3,"backoff":"PT2S","maxBackoff":"PT4M"},
             "onLost":"rerun","stdin":"pipe","output":"split"}""");
    assertEquals(201, response.statusCode(), response.body());
    String id = TestServer.id(response.body());
    assertEquals("/api/tasks/" + id, header(response, "Location"));
    assertEquals("\"1\"", header(response, "ETag"));
    assertEquals("application/json", header(response, "Content-Type"));
    assertEquals("nosniff", header(response, "X-Content-Type-Options"));
    String expected =
        "{\"id\":\""
            + id
            + "\",\"title\":\"t\",\"command\":[\"true\",\"x\"],\"cwd\":\"/srv\","
            + "\"env\":{\"K\":\"V\",\"MY_SECRET\":\"[redacted]\"},\"initiativeId\":null,\"after\":[],"
            + "\"priority\":-3,\"labels\":{\"team\":\"docs\"},\"timeout\":\"PT2H\",\"stopGrace\":\"PT1S\","
            + "\"retry\":{\"maxAttempts\":3,\"backoff\":\"PT2S\",\"maxBackoff\":\"PT4M\"},"
            + "\"onLost\":\"rerun\",\"stdin\":\"pipe\",\"output\":\"split\",\"state\":\"HELD\","
            + "\"stateReason\":null,\"revision\":1,\"seq\":1,\"createdAt\":\"";
    assertTrue(response.body().startsWith(expected), response.body());
    assertTrue(response.body().endsWith(",\"attempts\":[],\"outcome\":null}"), response.body());
    assertEquals(response.body(), server.get("/api/tasks/" + id).body());
  }

  @Test
  void aFinishedTaskShowsItsAttemptAndOutcomeInBothPlaces() {
    String id = server.submit("{\"command\":[\"true\"]}");
    awaitState(id, "SUCCEEDED");
    String task = server.get("/api/tasks/" + id).body();
    assertTrue(
        task.contains("\"process\":{\"pid\":101,\"startTime\":\"1010\",\"bootId\":\"boot-1\"}"),
        task);
    assertTrue(
        task.endsWith(
            "\"outcome\":{\"kind\":\"EXITED\",\"exitCode\":0},\"outputBytes\":{\"merged\":0},"
                + "\"sealed\":{}}],"
                + "\"outcome\":{\"kind\":\"EXITED\",\"exitCode\":0}}"),
        task);
  }

  @Test
  void aRunningTaskShowsHowMuchItHasWrittenSoFar() {
    String id = running("{\"command\":[\"wait\"],\"output\":\"split\"}");
    server.outputs.write(run(id), OutputStreamName.STDERR, new byte[7]);
    assertTrue(
        server
            .get("/api/tasks/" + id)
            .body()
            .contains("\"outputBytes\":{\"stdout\":0,\"stderr\":7}"));
  }

  @Test
  void everythingWrongWithABodyIsReportedAtOnce() {
    var response =
        server.post(
            "/api/tasks",
            "{\"command\":[\"a\",1],\"priority\":1.7,\"timeout\":\"2h\",\"labels\":{\"a\":true},"
                + "\"retry\":{\"maxAttempts\":99999999999999999999,\"x\":0},\"onLost\":\"maybe\",\"colour\":1}");
    assertEquals(400, response.statusCode());
    assertEquals("application/problem+json", header(response, "Content-Type"));
    for (String pointer :
        Set.of(
            "/command/1",
            "/priority",
            "/timeout",
            "/labels/a",
            "/retry/maxAttempts",
            "/retry/x",
            "/onLost",
            "/colour")) {
      assertTrue(
          response.body().contains("{\"pointer\":\"" + pointer + "\","),
          pointer + " in " + response.body());
    }
    assertTrue(response.body().contains("\"code\":\"invalid\",\"requestId\":\""), response.body());
  }

  @Test
  void rulesOfTheDomainAreReportedWithTheirPointers() {
    var response =
        server.post(
            "/api/tasks", "{\"command\":[\"\"],\"cwd\":\"relative\",\"env\":{\"A=B\":\"\"}}");
    assertEquals(400, response.statusCode());
    for (String pointer : Set.of("/command", "/cwd", "/env/A=B")) {
      assertTrue(response.body().contains("\"pointer\":\"" + pointer + "\""), response.body());
    }
  }

  @Test
  void whatIsNotBuiltYetIsRefused() {
    assertEquals(
        400, server.post("/api/tasks", "{\"command\":[\"true\"],\"after\":[\"x\"]}").statusCode());
    String id = server.submit(HELD);
    assertEquals(404, server.post("/api/tasks/" + id + "/pause", "").statusCode());
    assertEquals(404, server.post("/api/tasks/bulk/x", "{}").statusCode());
    assertEquals(405, server.post("/api/tasks/bulk", "{}").statusCode());
    assertEquals(400, server.get("/api/tasks?label=a:b").statusCode());
    assertEquals(404, server.get("/api/nothing").statusCode());
  }

  @Test
  void idempotencyKeysGiveTheSameTaskAndTellOtherBodiesApart() {
    var first = server.send("POST", "/api/tasks", HELD, "Idempotency-Key", "k1");
    var again =
        server.send("POST", "/api/tasks", HELD.replace(":", " :  "), "Idempotency-Key", "k1");
    assertEquals(201, again.statusCode());
    assertEquals("true", header(again, "Idempotency-Replayed"));
    assertFalse(first.headers().firstValue("Idempotency-Replayed").isPresent());
    assertEquals(TestServer.id(first.body()), TestServer.id(again.body()));
    var other = server.send("POST", "/api/tasks", "{\"command\":[\"x\"]}", "Idempotency-Key", "k1");
    assertEquals(422, other.statusCode(), other.body());
    assertEquals(
        400, server.send("POST", "/api/tasks", HELD, "Idempotency-Key", "a b").statusCode());
  }

  @Test
  void conditionalRequestsFollowTheRevision() {
    String path = "/api/tasks/" + server.submit(HELD);
    assertEquals(304, server.get(path, "If-None-Match", "\"7\", W/\"1\"").statusCode());
    assertEquals(200, server.get(path, "If-None-Match", "\"2\"").statusCode());
    assertEquals(428, server.send("PATCH", path, "{\"title\":\"n\"}").statusCode());
    assertEquals(
        412, server.send("PATCH", path, "{\"title\":\"n\"}", "If-Match", "\"2\"").statusCode());
    assertEquals(
        412, server.send("PATCH", path, "{\"title\":\"n\"}", "If-Match", "W/\"1\"").statusCode());
    assertEquals(
        400, server.send("PATCH", path, "{\"title\":\"n\"}", "If-Match", "1").statusCode());
    var patched = server.send("PATCH", path, "{\"title\":\"n\"}", "If-Match", "\"1\"");
    assertEquals(200, patched.statusCode(), patched.body());
    assertEquals("\"2\"", header(patched, "ETag"));
    assertEquals(
        200, server.send("PATCH", path, "{\"title\":\"m\"}", "If-Match", "*").statusCode());
    assertEquals(
        412, server.send("POST", path + "/release", null, "If-Match", "\"2\"").statusCode());
  }

  @Test
  void patchReplacesGivenMembersAndResetsNulls() {
    String id =
        server.submit(
            "{\"title\":\"t\",\"command\":[\"a\"],\"timeout\":\"PT1H\",\"priority\":5,\"env\":{\"A\":\"1\"},\"hold\":true}");
    String path = "/api/tasks/" + id;
    String body = "{\"timeout\":null,\"priority\":null,\"title\":null,\"command\":[\"b\",\"c\"]}";
    String patched = server.send("PATCH", path, body, "If-Match", "*").body();
    assertTrue(patched.contains("\"title\":\"b c\",\"command\":[\"b\",\"c\"]"), patched);
    assertTrue(patched.contains("\"priority\":0") && patched.contains("\"timeout\":null"), patched);
    assertTrue(patched.contains("\"env\":{\"A\":\"1\"}"), patched);
    for (String bad : Set.of("{\"command\":null}", "{\"stdin\":\"pipe\"}", "{\"titel\":\"x\"}")) {
      assertEquals(400, server.send("PATCH", path, bad, "If-Match", "*").statusCode(), bad);
    }
  }

  @Test
  void aSecretIsNotShownAndItsMarkDoesNotComeBackAsAValue() {
    String env = "{\"API_TOKEN\":\"hush\",\"DATABASE_URL\":\"pg://me:hush@db\",\"A\":\"1\"}";
    String id = server.submit("{\"command\":[\"a\"],\"env\":" + env + ",\"hold\":true}");
    String shown = server.get("/api/tasks/" + id).body();
    String marked = "{\"API_TOKEN\":\"[redacted]\",\"DATABASE_URL\":\"[redacted]\",\"A\":\"1\"}";
    assertTrue(shown.contains("\"env\":" + marked), shown);
    for (String name : List.of("API_TOKEN", "DATABASE_URL", "ANYTHING")) {
      String body = "{\"env\":{\"" + name + "\":\"[redacted]\"}}";
      var refused = server.send("PATCH", "/api/tasks/" + id, body, "If-Match", "*");
      assertEquals(400, refused.statusCode());
      assertTrue(refused.body().contains("/env/" + name), refused.body());
    }
  }

  @Test
  void actionsAnswerWithTheTaskOrWithWhatIsPossible() {
    String id = server.submit(HELD);
    var refused = server.post("/api/tasks/" + id + "/stop", "{\"grace\":\"PT1S\"}");
    assertEquals(409, refused.statusCode());
    assertTrue(refused.body().contains("possible now: release, cancel"), refused.body());
    assertEquals(
        400, server.post("/api/tasks/" + id + "/stop", "{\"grace\":\"-PT1S\"}").statusCode());
    assertEquals(
        400, server.post("/api/tasks/" + id + "/cancel", "{\"grace\":\"PT1S\"}").statusCode());
    var canceled = server.send("POST", "/api/tasks/" + id + "/cancel", null);
    assertEquals(202, canceled.statusCode());
    assertTrue(canceled.body().contains("\"state\":\"CANCELED\""));
    assertEquals(204, server.send("DELETE", "/api/tasks/" + id, null).statusCode());
    var gone = server.get("/api/tasks/" + id);
    assertEquals(410, gone.statusCode());
    String events = server.get("/api/tasks/" + id + "/events").body();
    assertTrue(events.startsWith("{\"items\":[{\"seq\":3,\"at\":\""), events);
    assertTrue(
        events.contains("\"type\":\"purged\"") && events.contains("\"type\":\"submitted\""),
        events);
  }

  @Test
  void pagesAreStableAndCompleteWhileTasksAreAdded() {
    var submitted = new HashSet<String>();
    for (int i = 0; i < 25; i++) {
      submitted.add(server.submit(HELD));
    }
    var seen = new HashSet<String>();
    String path = "/api/tasks?limit=10";
    while (path != null) {
      String page = server.get(path).body();
      for (String part : page.split("\\{\"id\":\"", -1)) {
        if (part.length() > 20 && TaskId.isValid(part.substring(0, 20))) {
          assertTrue(seen.add(part.substring(0, 20)), "twice: " + part);
        }
      }
      server.submit(HELD);
      Matcher cursor = CURSOR.matcher(page);
      path = cursor.find() ? "/api/tasks?limit=10&cursor=" + cursor.group(1) : null;
    }
    assertEquals(submitted, seen);
  }

  @Test
  void listsAreFilteredAndBadParametersRefused() {
    String other = server.submit("{\"title\":\"\u00e4pfel\",\"command\":[\"x\"],\"hold\":true}");
    server.submit(HELD);
    String found = server.get("/api/tasks?q=%C3%84pf&state=HELD,QUEUED").body();
    assertEquals(other, TestServer.id(found));
    assertTrue(
        server
            .get("/api/tasks?state=LOST")
            .body()
            .startsWith("{\"items\":[],\"nextCursor\":null,"));
    for (String bad :
        Set.of(
            "limit=0",
            "limit=1001",
            "limit=x",
            "limit=1&limit=1",
            "state=held",
            "state=",
            "cursor=abc",
            "foo=1",
            "q=%ff",
            "q=%00",
            "initiativeId=../x",
            "limit=",
            "limit=99999999999",
            "&")) {
      int status = server.get("/api/tasks?" + bad).statusCode();
      assertEquals(bad.equals("state=") ? 200 : 400, status, bad);
    }
  }

  @Test
  void outputInRanges() {
    String id = running("{\"command\":[\"wait\"]}");
    server.outputs.write(
        run(id), OutputStreamName.MERGED, "0123456789".getBytes(StandardCharsets.UTF_8));
    String path = "/api/tasks/" + id + "/output";
    var whole = server.get(path);
    assertEquals("0123456789", whole.body());
    assertEquals("10", header(whole, "Holdfast-Output-End"));
    assertEquals("false", header(whole, "Holdfast-Output-Complete"));
    var part = server.get(path, "Range", "bytes=3-5");
    assertEquals(206, part.statusCode());
    assertEquals("345", part.body());
    assertEquals("bytes 3-5/10", header(part, "Content-Range"));
    assertEquals("89", server.get(path, "Range", "bytes=-2").body());
    assertEquals("6789", server.get(path, "Range", "bytes=6-").body());
    assertEquals("6789", server.get(path, "Range", "bytes=6-99").body());
    var behind = server.get(path, "Range", "bytes=10-");
    assertEquals(416, behind.statusCode());
    assertEquals("bytes */10", header(behind, "Content-Range"));
    assertEquals(200, server.get(path, "Range", "bytes=1-2,4-5").statusCode());
    assertEquals(200, server.get(path, "Range", "lines=1-2").statusCode());
    assertEquals(404, server.get(path + "?attempt=2").statusCode());
    assertEquals(404, server.get(path + "?stream=stderr").statusCode());
    assertEquals(400, server.get(path + "?stream=x").statusCode());
    server.world.process(run(id)).exit(0);
    awaitState(id, "SUCCEEDED");
    assertEquals("true", header(server.get(path), "Holdfast-Output-Complete"));
    var head = server.send("HEAD", path, null);
    assertEquals(200, head.statusCode());
    assertEquals("10", header(head, "Content-Length"));
  }

  @Test
  void anOutputThatCannotBeReadIsAProblemAndNoBrokenConnection() {
    String id = running("{\"command\":[\"wait\"]}");
    server.outputs.write(run(id), OutputStreamName.MERGED, new byte[] {1, 2, 3});
    server.outputs.makeUnreadable(new OutputStorage.Output(run(id), OutputStreamName.MERGED));
    var refused = server.get("/api/tasks/" + id + "/output", "Range", "bytes=1-");
    assertEquals(500, refused.statusCode());
    assertTrue(refused.body().contains("from its byte 1 on"), refused.body());
    assertTrue(refused.body().contains("is damaged in both files"), refused.body());
  }

  @Test
  void eventStreamsResumeAtTheirLastId() {
    String id = running("{\"command\":[\"wait\"]}");
    byte[] text = "gr\u00fc\u00dfe\n".getBytes(StandardCharsets.UTF_8);
    server.outputs.write(run(id), OutputStreamName.MERGED, text);
    server.outputs.write(run(id), OutputStreamName.MERGED, new byte[] {(byte) 0xff});
    server.world.process(run(id)).exit(0);
    awaitState(id, "SUCCEEDED");
    String path = "/api/tasks/" + id + "/output/stream";
    var all = server.get(path);
    assertEquals("text/event-stream", header(all, "Content-Type"));
    assertTrue(
        all.body()
            .endsWith(
                "event: end\nid: 9\ndata: {\"offset\":9,\"outcome\":{\"kind\":\"EXITED\",\"exitCode\":0}}\n\n"),
        all.body());
    String tail = server.get(path, "Last-Event-ID", "8").body();
    assertTrue(
        tail.contains("event: output\nid: 9\ndata: {\"offset\":8,\"base64\":\"/w==\"}\n\n"), tail);
    assertTrue(server.get(path, "Last-Event-ID", "99").body().contains("event: gap\nid: 9\n"));
    assertEquals(400, server.get(path, "Last-Event-ID", "x").statusCode());
  }

  @Test
  void inputIsTakenRefusedOrTurnedAway() {
    String held = server.submit(HELD);
    assertEquals(409, input(held, "x", "").statusCode());
    String deaf = running("{\"command\":[\"wait\"]}");
    assertEquals(409, input(deaf, "x", "").statusCode());
    String idle = running("{\"command\":[\"wait\"],\"stdin\":\"pipe\"}");
    assertEquals(204, input(idle, "x".repeat(60_000), "").statusCode());
    var full = input(idle, "x".repeat(60_000), "");
    assertEquals(503, full.statusCode(), full.body());
    assertNotEquals("", header(full, "Retry-After"));
    assertEquals(400, input(idle, "x", "?end=yes").statusCode());
  }

  private HttpResponse<String> input(String id, String text, String query) {
    return server.send(
        server
            .request("GET", "/api/tasks/" + id + "/input" + query, null)
            .header("Content-Type", "text/plain")
            .POST(BodyPublishers.ofString(text)));
  }

  @Test
  void initiativesLiveAndGo() {
    var created = server.post("/api/initiatives", "{\"title\":\"docs\",\"labels\":{\"a\":\"b\"}}");
    assertEquals(201, created.statusCode(), created.body());
    String id = TestServer.id(created.body());
    assertTrue(
        created.body().contains("\"objective\":\"\",\"state\":\"OPEN\",\"counts\":{\"HELD\":0,"));
    String task =
        server.submit("{\"command\":[\"true\"],\"hold\":true,\"initiativeId\":\"" + id + "\"}");
    assertTrue(server.get("/api/initiatives/" + id).body().contains("\"counts\":{\"HELD\":1,"));
    assertEquals(task, TestServer.id(server.get("/api/tasks?initiativeId=" + id).body()));
    assertEquals(409, server.send("DELETE", "/api/initiatives/" + id, null).statusCode());
    var patched =
        server.send(
            "PATCH", "/api/initiatives/" + id, "{\"objective\":\"all\"}", "If-Match", "\"1\"");
    assertTrue(patched.body().contains("\"objective\":\"all\""), patched.body());
    assertEquals(
        422,
        server
            .post("/api/tasks", "{\"command\":[\"a\"],\"initiativeId\":\"" + "0".repeat(20) + "\"}")
            .statusCode());
    server.post("/api/tasks/" + task + "/cancel", "");
    server.send("DELETE", "/api/tasks/" + task, null);
    assertEquals(204, server.send("DELETE", "/api/initiatives/" + id, null).statusCode());
    assertEquals(410, server.get("/api/initiatives/" + id).statusCode());
  }

  @Test
  void storageThatTakesNothingIsSaidSo() {
    server.tasks.refuse(CommitResult.Reason.DISK_FULL);
    assertEquals(507, server.post("/api/tasks", HELD).statusCode());
    server.tasks.refuse(CommitResult.Reason.BUSY);
    var busy = server.post("/api/tasks", HELD);
    assertEquals(503, busy.statusCode());
    assertEquals("1", header(busy, "Retry-After"));
    server.tasks.refuse(null);
    server.tasks.pause();
    var pending =
        server.client.sendAsync(
            server.request("POST", "/api/tasks", HELD).build(),
            HttpResponse.BodyHandlers.ofString());
    TestServer.await("handed to storage", () -> !pending.isDone());
    server.tasks.fail("the disk is gone");
    var unknown = pending.join();
    assertEquals(503, unknown.statusCode());
    assertTrue(
        unknown.body().contains("durability-unknown") || unknown.body().contains("storage-closed"),
        unknown.body());
  }

  private String running(String body) {
    String id = server.submit(body);
    awaitState(id, "RUNNING");
    return id;
  }

  private void awaitState(String id, String state) {
    TestServer.await(
        state, () -> server.get("/api/tasks/" + id).body().contains("\"state\":\"" + state + "\""));
  }

  private static RunRef run(String id) {
    return new RunRef(new TaskId(id), 1, 1);
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }
}

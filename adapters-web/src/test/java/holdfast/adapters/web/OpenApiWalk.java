package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.Lookup;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.Conflict.Side;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.StateFiles.Edit;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Does everything that the API can do at least once, and much that it refuses. */
final class OpenApiWalk {
  private static final String HELD = "{\"command\":[\"true\"],\"hold\":true}";
  private static final String SLEEP = "{\"command\":[\"sleep\"],\"stdin\":\"pipe\"}";

  /** Of an output, whatever the buffers between the server and a client that does not read. */
  private static final int MORE_THAN_IS_ON_ITS_WAY = 32 * 1024 * 1024;

  private final TestServer server;

  OpenApiWalk(TestServer server) {
    this.server = server;
  }

  HttpResponse<String> answer(
      int status, String method, String path, @Nullable String body, String... headers) {
    HttpResponse<String> answer = server.send(method, path, body, headers);
    assertEquals(status, answer.statusCode(), method + " " + path + " " + answer.body());
    return answer;
  }

  private HttpResponse<String> get(int status, String path, String... headers) {
    return answer(status, "GET", path, null, headers);
  }

  private HttpResponse<String> post(int status, String path, @Nullable String body) {
    return answer(status, "POST", path, body);
  }

  private String held() {
    return server.submit(HELD);
  }

  String running() {
    String id = server.submit(SLEEP);
    awaitText("/api/tasks/" + id, "\"state\":\"RUNNING\"");
    return id;
  }

  private void awaitText(String path, String text) {
    TestServer.await(text, () -> server.get(path).body().contains(text));
  }

  private static RunRef run(String id) {
    return new RunRef(new TaskId(id), 1, 1);
  }

  private static String quoted(String json, String member) {
    String from = "\"" + member + "\":\"";
    int begin = json.indexOf(from) + from.length();
    return json.substring(begin, json.indexOf('"', begin));
  }

  void tasks() {
    String initiative = TestServer.id(post(201, "/api/initiatives", "{\"title\":\"i\"}").body());
    String whole =
        """
        {"title":"t","command":["true"],"cwd":"/srv","env":{"A_TOKEN":"s"},"labels":{"a":"b"},
         "timeout":"PT1H","hold":true,"output":"split","initiativeId":"%s"}"""
            .formatted(initiative);
    answer(201, "POST", "/api/tasks", whole, "Idempotency-Key", "walk");
    answer(201, "POST", "/api/tasks", whole, "Idempotency-Key", "walk");
    answer(422, "POST", "/api/tasks", HELD, "Idempotency-Key", "walk");
    String id = held();
    String path = "/api/tasks/" + id;
    get(200, "/api/tasks?state=HELD,RUNNING&limit=1");
    get(200, "/api/tasks?initiativeId=" + initiative);
    get(200, path);
    get(304, path, "If-None-Match", "\"1\"");
    answer(200, "PATCH", path, "{\"title\":\"n\"}", "If-Match", "\"1\"");
    post(202, path + "/release", null);
    awaitText(path, "\"state\":\"SUCCEEDED\"");
    answer(409, "PATCH", path, "{\"command\":[\"x\"]}", "If-Match", "*");
    post(409, path + "/cancel", null);
    post(409, path + "/input", "x");
    get(200, path + "/events?limit=2");
    post(202, path + "/retry", null);
    String canceled = held();
    post(202, "/api/tasks/" + canceled + "/cancel", "{}");
    answer(409, "DELETE", "/api/tasks/" + held(), null);
    answer(204, "DELETE", "/api/tasks/" + canceled, null);
    get(200, "/api/tasks/" + canceled + "/events");
  }

  /** Ends tasks that run, and leaves no place where another could. */
  void ending() {
    String stopped = running();
    post(204, "/api/tasks/" + stopped + "/input", "yes");
    post(202, "/api/tasks/" + stopped + "/stop", "{\"grace\":\"PT1S\"}");
    String killed = running();
    server.send("POST", "/api/tasks/" + killed + "/input", "x".repeat(60_000));
    post(503, "/api/tasks/" + killed + "/input", "x".repeat(60_000));
    post(202, "/api/tasks/" + killed + "/kill", null);
    awaitText("/api/tasks/" + killed, "\"kind\":\"SIGNALED\"");
    awaitText(
        "/api/tasks/" + server.submit("{\"command\":[\"no such\"]}"), "\"kind\":\"START_FAILED\"");
    // More than may run at once, so that the last one waits.
    for (int i = 0; i < 64; i++) {
      server.submit(SLEEP);
    }
    String last = server.submit("{\"command\":[\"sleep\"],\"priority\":-1}");
    post(202, "/api/tasks/" + last + "/hold", null);
    post(409, "/api/tasks/" + last + "/hold", null);
    for (String action : List.of("stop", "kill", "retry")) {
      post(409, "/api/tasks/" + last + "/" + action, null);
    }
    post(409, "/api/tasks/" + stopped + "/release", null);
  }

  void outputs() {
    String id = running();
    String path = "/api/tasks/" + id + "/output";
    server.outputs.write(run(id), OutputStreamName.MERGED, new byte[] {'a', (byte) 0xff, 'b'});
    get(200, path);
    get(206, path, "Range", "bytes=1-1");
    get(416, path, "Range", "bytes=9-");
    server.world.process(run(id)).exit(0);
    awaitText("/api/tasks/" + id, "\"state\":\"SUCCEEDED\"");
    for (String event : List.of("output", "end")) {
      assertTrue(get(200, path + "/stream").body().contains("event: " + event));
    }
    String behind = get(200, path + "/stream", "Last-Event-ID", "9").body();
    assertTrue(behind.contains("event: gap"), behind);
    awaitText("/api/tasks/" + id, "\"sealed\":{\"merged\":{");
    server.outputs.makeUnreadable(new OutputStorage.Output(run(id), OutputStreamName.MERGED));
    get(500, path);
  }

  void initiatives() {
    String body = "{\"title\":\"docs\",\"objective\":\"o\",\"labels\":{\"a\":\"b\"}}";
    String created =
        answer(201, "POST", "/api/initiatives", body, "Idempotency-Key", "walk").body();
    answer(201, "POST", "/api/initiatives", body, "Idempotency-Key", "walk");
    answer(422, "POST", "/api/initiatives", "{\"title\":\"x\"}", "Idempotency-Key", "walk");
    String path = "/api/initiatives/" + TestServer.id(created);
    get(200, "/api/initiatives?limit=1");
    get(200, path);
    answer(200, "PATCH", path, "{\"title\":\"n\"}", "If-Match", "\"1\"");
    server.submit(
        "{\"command\":[\"true\"],\"hold\":true,\"initiativeId\":\""
            + TestServer.id(created)
            + "\"}");
    answer(409, "DELETE", path, null);
  }

  /** Purges a task and an initiative, and gives their ids; nothing else has their keys. */
  List<String> purged() {
    String task =
        TestServer.id(answer(201, "POST", "/api/tasks", HELD, "Idempotency-Key", "gone").body());
    post(202, "/api/tasks/" + task + "/cancel", null);
    answer(204, "DELETE", "/api/tasks/" + task, null);
    answer(410, "POST", "/api/tasks", HELD, "Idempotency-Key", "gone");
    String body = "{\"title\":\"x\"}";
    String initiative =
        TestServer.id(
            answer(201, "POST", "/api/initiatives", body, "Idempotency-Key", "gone").body());
    answer(204, "DELETE", "/api/initiatives/" + initiative, null);
    answer(410, "POST", "/api/initiatives", body, "Idempotency-Key", "gone");
    return List.of(task, initiative);
  }

  void sync() {
    String id = held();
    get(200, "/api/sync");
    post(200, "/api/sync/force", null);
    conflict(id);
    String conflicts = get(200, "/api/sync/conflicts?limit=1").body();
    String resolve = "/api/sync/conflicts/" + quoted(conflicts, "id") + "/resolve";
    post(200, resolve, "{\"keep\":\"memory\"}");
    post(409, resolve, "{\"keep\":\"persistent\"}");
    get(200, "/api/sync");
    server.stateFiles.fail(true);
    held();
    post(503, "/api/sync/force", null);
    get(200, "/api/sync");
    server.stateFiles.fail(false);
  }

  /** Edits the file of a task too late, and lets that be found. */
  void conflict(String id) {
    Stored<Task> stored =
        ((Lookup.Found<Stored<Task>>) server.application().state().task(new TaskId(id))).value();
    server.stateFiles.edit(
        EntityKey.of(new TaskId(id)), new Edit(0, 0, Instant.EPOCH, new Side.OfTask(stored), null));
    post(200, "/api/sync/force", null);
  }

  void snapshots() {
    String first = quoted(post(201, "/api/snapshots", null).body(), "id");
    String path = "/api/snapshots/" + first;
    get(200, "/api/snapshots");
    get(200, path);
    post(200, path + "/verify", null);
    answer(409, "DELETE", path, null);
    String later = running();
    post(200, path + "/restore?dryRun=true", null);
    post(422, path + "/restore", "{\"confirm\":\"another\"}");
    String confirmed = "{\"confirm\":\"" + first + "\"";
    post(409, path + "/restore", confirmed + "}");
    post(200, path + "/restore", confirmed + ",\"running\":\"adopt\"}");
    get(200, "/api/tasks/" + later);
    post(201, "/api/snapshots", null);
    answer(204, "DELETE", path, null);
  }

  /** Of a task that was purged before the state was restored nothing is in the journal any more. */
  void eventsThatAreGone(String purged) {
    String snapshot = quoted(post(201, "/api/snapshots", null).body(), "id");
    post(
        200,
        "/api/snapshots/" + snapshot + "/restore",
        "{\"confirm\":\"" + snapshot + "\",\"running\":\"adopt\"}");
    get(410, "/api/tasks/" + purged + "/events");
  }

  /** Who reads slowly what a later history does not know is told so in the end. */
  void streamOfAnotherHistory() throws IOException {
    String snapshot = quoted(post(201, "/api/snapshots", null).body(), "id");
    String id = running();
    byte[] much = "x".repeat(MORE_THAN_IS_ON_ITS_WAY).getBytes(StandardCharsets.US_ASCII);
    server.outputs.write(run(id), OutputStreamName.MERGED, much);
    HttpRequest request =
        server.request("GET", "/api/tasks/" + id + "/output/stream", null).build();
    HttpResponse<InputStream> stream;
    try {
      stream = server.client.send(request, BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
    server.world.process(run(id)).exit(0);
    awaitText("/api/tasks/" + id, "\"state\":\"SUCCEEDED\"");
    post(200, "/api/snapshots/" + snapshot + "/restore", "{\"confirm\":\"" + snapshot + "\"}");
    String body;
    try (InputStream in = stream.body()) {
      body = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    assertTrue(body.endsWith("event: reset\ndata: {\"reason\":\"epoch\"}\n\n"));
    String path = request.uri().getRawPath();
    server.answered.addAll(
        OpenApi.hold(new OpenApi.Answer("GET", path, 200, stream.headers(), body)));
  }

  void full() {
    server.snapshots.full(true);
    post(507, "/api/snapshots", null);
    server.snapshots.full(false);
    String snapshot = quoted(post(201, "/api/snapshots", null).body(), "id");
    server.snapshots.full(true);
    String restore = "/api/snapshots/" + snapshot + "/restore";
    post(507, restore, "{\"confirm\":\"" + snapshot + "\",\"running\":\"adopt\"}");
    server.snapshots.full(false);
    server.tasks.refuse(CommitResult.Reason.DISK_FULL);
    post(507, "/api/tasks", HELD);
    post(507, "/api/initiatives", "{\"title\":\"x\"}");
    server.tasks.refuse(null);
  }

  void logs() {
    get(200, "/api/logs?category=task,audit&limit=3");
    get(200, "/api/logs?limit=2", "Accept", "application/x-ndjson");
    get(200, "/api/audit/verify");
    server.audit.remove(0);
    get(200, "/api/audit/verify");
  }

  void recovery() {
    String report = get(200, "/api/recovery").body();
    get(200, "/api/recovery/reports?limit=1");
    get(200, "/api/recovery/reports/" + quoted(report, "id"));
  }

  /** Of a server that has recovered a task which it cannot judge. */
  void decision(String id) {
    assertTrue(get(200, "/api/recovery").body().contains("\"needsDecision\":true"));
    String path = "/api/recovery/tasks/" + id + "/decision";
    post(200, path, "{\"decision\":\"fail\"}");
    post(409, path, "{\"decision\":\"retry\"}");
    assertTrue(get(200, "/api/recovery").body().contains("\"decided\":{"));
  }

  void server() throws IOException {
    get(200, "/api/health");
    for (String probe : List.of("live", "ready", "started")) {
      get(200, "/api/health/" + probe);
    }
    get(200, "/metrics");
    for (String document : List.of("/openapi.json", "/asyncapi.json")) {
      String tag = get(200, document).headers().firstValue("ETag").orElseThrow();
      get(304, document, "If-None-Match", tag);
    }
    URI launch = URI.create(server.web.launchUrl().orElseThrow());
    get(303, launch.getRawPath() + "?" + launch.getRawQuery());
    get(426, "/ws");
    try (var client = SocketClient.connect(server)) {
      server.answered.addAll(OpenApi.hold(upgraded(client.head)));
    }
  }

  private static OpenApi.Answer upgraded(String head) {
    List<String> lines = head.lines().toList();
    Map<String, List<String>> headers = new LinkedHashMap<>();
    for (String line : lines.subList(1, lines.size())) {
      if (!line.isBlank()) {
        headers
            .computeIfAbsent(line.substring(0, line.indexOf(':')), _ -> new ArrayList<>())
            .add(line.substring(line.indexOf(':') + 1).strip());
      }
    }
    int status = Integer.parseInt(lines.getFirst().split(" ", -1)[1]);
    return new OpenApi.Answer("GET", "/ws", status, HttpHeaders.of(headers, (_, _) -> true), "");
  }

  /** The last thing that can be done. */
  void shutdown() {
    post(200, "/api/shutdown?preview=true", "{\"tasks\":\"stop\"}");
    post(202, "/api/shutdown", "{\"tasks\":\"keep\"}");
    post(409, "/api/shutdown", null);
    server.application().beginNothingNew();
    get(503, "/api/health/ready");
    get(503, "/api/health");
  }
}

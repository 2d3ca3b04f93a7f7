package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.Lookup;
import holdfast.domain.port.AuditTrail.Entry;
import holdfast.domain.port.Conflict;
import holdfast.domain.port.Conflict.Side;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.StateFiles.Edit;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each request that changes something, or is refused it, leaves one entry that says who asked. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class AuditApiIT {
  private static final String HELD = "{\"command\":[\"true\"],\"hold\":true}";
  private static final String NOBODYS = "0".repeat(20);
  private TestServer server;
  private final Set<String> granted = new HashSet<>();
  private final Set<String> refused = new HashSet<>();

  @BeforeEach
  void start() {
    server = TestServer.start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private List<Entry> entries(String action) {
    return server.audit.entries().stream()
        .filter(entry -> entry.by().action().equals(action))
        .toList();
  }

  /** Sends a request, which must leave one entry of its own; returns the answer. */
  private HttpResponse<String> one(
      String action, String path, @Nullable String body, String... headers) {
    String method = action.substring(0, action.indexOf(' '));
    int before = entries(action).size();
    HttpResponse<String> answer = server.send(method, path, body, headers);
    List<Entry> after = entries(action);
    assertEquals(before + 1, after.size(), action + " " + answer.statusCode() + answer.body());
    Entry entry = after.getLast();
    boolean isGranted = answer.statusCode() < 400;
    assertEquals(isGranted, entry.result().equals(Entry.OK), entry + answer.body());
    if (!isGranted) {
      assertTrue(answer.body().contains("\"code\":\"" + entry.result() + "\""), answer.body());
    }
    assertEquals("127.0.0.1", entry.by().from());
    assertEquals("admin", entry.by().actor());
    (isGranted ? granted : refused).add(action);
    return answer;
  }

  private HttpResponse<String> granted(String action, String path, @Nullable String body) {
    HttpResponse<String> answer = one(action, path, body);
    assertTrue(answer.statusCode() < 400, action + answer.body());
    return answer;
  }

  private void refused(String action, String path, @Nullable String body) {
    HttpResponse<String> answer = one(action, path, body);
    assertTrue(answer.statusCode() >= 400, action + answer.body());
  }

  private void act(String action, String id) {
    granted("POST /api/tasks/{id}/" + action, "/api/tasks/" + id + "/" + action, null);
    refused("POST /api/tasks/{id}/" + action, "/api/tasks/" + NOBODYS + "/" + action, null);
  }

  private String running() {
    String id = server.submit("{\"command\":[\"sleep\"],\"stdin\":\"pipe\"}");
    TestServer.await(
        "it runs", () -> server.get("/api/tasks/" + id).body().contains("\"state\":\"RUNNING\""));
    return id;
  }

  @Test
  void everyRouteThatChangesSomethingLeavesOneEntryForSuccessAndOneForRefusal() {
    recovery();
    tasks();
    initiatives();
    snapshots();
    sync();
    granted("POST /api/shutdown", "/api/shutdown?preview=true", null);
    refused("POST /api/shutdown", "/api/shutdown", "{\"tasks\":\"never\"}");
    Set<String> changing =
        Objects.requireNonNull(server.web.routes()).all().stream()
            .filter(route -> !route.method().equals("GET"))
            .map(route -> route.method() + " " + route.pattern())
            .collect(Collectors.toSet());
    assertEquals(changing, refused, "every route was refused once");
    assertEquals(changing, granted, "and granted");
    String verdict = server.get("/api/audit/verify").body();
    assertTrue(verdict.startsWith("{\"ok\":true,\"entries\":"), verdict);
  }

  private void tasks() {
    String task = TestServer.id(granted("POST /api/tasks", "/api/tasks", HELD).body());
    refused("POST /api/tasks", "/api/tasks", "{\"command\":[]}");
    String one = "/api/tasks/" + task;
    assertEquals(
        200,
        one("PATCH /api/tasks/{id}", one, "{\"priority\":1}", "If-Match", "\"1\"").statusCode());
    refused("PATCH /api/tasks/{id}", one, "{\"priority\":2}");
    Entry entry = entries("PATCH /api/tasks/{id}").getFirst();
    assertEquals(task, entry.target());
    assertEquals(2, entry.revision());
    assertTrue(entry.seq() > 0);
    assertEquals("precondition-required", entries("PATCH /api/tasks/{id}").getLast().result());
    act("cancel", task);
    act("retry", canceled());
    act("release", TestServer.id(server.post("/api/tasks", HELD).body()));
    String stopped = running();
    granted("POST /api/tasks/{id}/input", "/api/tasks/" + stopped + "/input", "text");
    refused("POST /api/tasks/{id}/input", "/api/tasks/" + NOBODYS + "/input", "text");
    act("stop", stopped);
    act("kill", running());
    String canceled = canceled();
    granted("DELETE /api/tasks/{id}", "/api/tasks/" + canceled, null);
    refused("DELETE /api/tasks/{id}", "/api/tasks/" + NOBODYS, null);
    assertEquals(0, entries("DELETE /api/tasks/{id}").getFirst().revision());
    hold();
  }

  private String canceled() {
    String id = TestServer.id(server.post("/api/tasks", HELD).body());
    server.send("POST", "/api/tasks/" + id + "/cancel", null);
    return id;
  }

  /** One that waits, since as many run as may. */
  private void hold() {
    for (int i = 0; i < 64; i++) {
      server.submit("{\"command\":[\"sleep\"]}");
    }
    act("hold", server.submit("{\"command\":[\"sleep\"],\"priority\":-1}"));
  }

  private void initiatives() {
    String body = granted("POST /api/initiatives", "/api/initiatives", "{\"title\":\"i\"}").body();
    String one = "/api/initiatives/" + TestServer.id(body);
    refused("POST /api/initiatives", "/api/initiatives", "{}");
    String patch = "PATCH /api/initiatives/{id}";
    assertEquals(200, one(patch, one, "{\"title\":\"j\"}", "If-Match", "\"1\"").statusCode());
    assertEquals(412, one(patch, one, "{\"title\":\"k\"}", "If-Match", "\"1\"").statusCode());
    granted("DELETE /api/initiatives/{id}", one, null);
    refused("DELETE /api/initiatives/{id}", one, null);
  }

  private void snapshots() {
    String made = granted("POST /api/snapshots", "/api/snapshots", null).body();
    String id = made.substring(made.indexOf("\"id\":\"") + 6, made.indexOf("\",\"createdAt"));
    refused("POST /api/snapshots", "/api/snapshots", "{\"no\":1}");
    String one = "/api/snapshots/" + id;
    granted("POST /api/snapshots/{id}/verify", one + "/verify", null);
    refused("POST /api/snapshots/{id}/verify", "/api/snapshots/none/verify", null);
    HttpResponse<String> restored =
        one(
            "POST /api/snapshots/{id}/restore",
            one + "/restore",
            "{\"confirm\":\"" + id + "\",\"running\":\"adopt\"}");
    assertEquals(200, restored.statusCode(), restored.body());
    Entry entry = entries("POST /api/snapshots/{id}/restore").getLast();
    assertEquals(Entry.RESTORED, entry.type());
    assertEquals(id, entry.target());
    refused("POST /api/snapshots/{id}/restore", one + "/restore", "{}");
    refused("DELETE /api/snapshots/{id}", "/api/snapshots/none", null);
    granted("POST /api/snapshots", "/api/snapshots", null);
    granted("POST /api/snapshots", "/api/snapshots", null);
    granted("DELETE /api/snapshots/{id}", one, null);
  }

  /** Begins another server: it finds a task whose process runs on a machine it is not on. */
  private void recovery() {
    String id = running();
    server.world.killMonitor(new RunRef(new TaskId(id), 1, 1));
    server.world.moveTo(new HostIdentity("elsewhere", "boot-1", "4026531836"));
    server = server.crashed();
    String action = "POST /api/recovery/tasks/{id}/decision";
    String path = "/api/recovery/tasks/" + id + "/decision";
    granted(action, path, "{\"decision\":\"fail\"}");
    Entry decided = entries(action).getLast();
    assertEquals("run-decided", decided.type());
    assertEquals(id, decided.target());
    assertTrue(decided.seq() > 0, decided.toString());
    granted(action, path, "{\"decision\":\"fail\"}");
    assertEquals(0, entries(action).getLast().seq(), "it was decided before");
    refused(action, path, "{\"decision\":\"retry\"}");
    refused(action, "/api/recovery/tasks/" + NOBODYS + "/decision", "{}");
  }

  private void sync() {
    String task = TestServer.id(server.post("/api/tasks", HELD).body());
    granted("POST /api/sync/force", "/api/sync/force", null);
    refused("POST /api/sync/force", "/api/sync/force", "{\"no\":1}");
    String action = "POST /api/sync/conflicts/{id}/resolve";
    String changed = editTooLate(task, "changed");
    granted(action, "/api/sync/conflicts/" + changed + "/resolve", "{\"keep\":\"persistent\"}");
    Entry change = entries(action).getLast();
    assertEquals("edited", change.type());
    assertEquals(task, change.target());
    assertTrue(change.seq() > 0, change.toString());
    assertEquals(changed, change.details().get(Entry.CONFLICT));
    String kept = editTooLate(task, "lost");
    granted(action, "/api/sync/conflicts/" + kept + "/resolve", "{\"keep\":\"memory\"}");
    Entry settled = entries(action).getLast();
    assertEquals("request", settled.type());
    assertEquals(kept, settled.target());
    assertEquals(0, settled.seq(), "nothing was changed");
    refused(action, "/api/sync/conflicts/" + kept + "/resolve", "{\"keep\":\"persistent\"}");
    refused(action, "/api/sync/conflicts/none/resolve", "{}");
  }

  /** Edits the file of a task so long ago that the edit loses: the conflict that it makes. */
  private String editTooLate(String id, String title) {
    Stored<Task> stored =
        ((Lookup.Found<Stored<Task>>) server.application().state().task(new TaskId(id))).value();
    Task task = stored.entity();
    var edited =
        new Task(
            task.id(),
            SpecDraft.of("true").title(title).spec(),
            task.state(),
            task.stateReason(),
            task.revision(),
            task.createdAt(),
            task.updatedAt(),
            task.retries(),
            task.reruns(),
            task.attempts());
    var side = new Side.OfTask(new Stored<>(edited, stored.seq(), stored.cause()));
    server.stateFiles.edit(EntityKey.of(task.id()), new Edit(0, 0, Instant.EPOCH, side, null));
    int before = server.audit.entries().size();
    granted("POST /api/sync/force", "/api/sync/force", null);
    Conflict conflict = server.application().sync().edits().conflicts().getFirst();
    Entry lost = server.audit.entries().get(before);
    assertEquals("edit", lost.by().actor());
    assertEquals("memory-kept", lost.result());
    assertEquals(conflict.id(), lost.details().get(Entry.CONFLICT));
    return conflict.id();
  }

  @Test
  void whoeverIsNotLetInIsNotedWithNothingOfWhatWasTried() throws IOException {
    String secret = "Zecret0123456789";
    int before = server.audit.entries().size();
    String wrong = "\r\nHost: 127.0.0.1:" + server.port + "\r\nAuthorization: Bearer " + secret;
    String end = "\r\nConnection: close\r\n\r\n";
    assertTrue(
        server.raw("GET /api/tasks?q=" + secret + " HTTP/1.1" + wrong + end).contains("401"));
    String host = "\r\nHost: evil.example" + end;
    assertTrue(server.raw("GET /" + secret + " HTTP/1.1" + host).contains("403"));
    String origin = server.head("POST /api/tasks HTTP/1.1") + "Origin: http://evil.example" + end;
    assertTrue(server.raw(origin).contains("403"));
    assertEquals(404, server.get("/nothing").statusCode());
    List<Entry> entries = server.audit.entries().subList(before, server.audit.entries().size());
    assertEquals(
        List.of("unauthorized", "wrong-host", "wrong-origin"),
        entries.stream().map(Entry::result).toList(),
        "one each; a wrong path that is read changes nothing");
    assertTrue(entries.stream().allMatch(entry -> entry.by().actor().equals("nobody")));
    assertFalse(entries.toString().contains(secret), entries.toString());
  }

  @Test
  void aBrowserIsASessionAndItsLaunchIsNoted() {
    URI launch = URI.create(server.web.launchUrl().orElseThrow());
    HttpResponse<String> in = server.get(launch.getRawPath() + "?" + launch.getRawQuery());
    assertEquals(303, in.statusCode());
    Entry entry = entries("GET /launch").getFirst();
    assertEquals(Entry.OK, entry.result());
    assertFalse(entry.toString().contains(launch.getRawQuery()), "the code is no part of it");
    String cookie = in.headers().firstValue("Set-Cookie").orElseThrow();
    var request =
        java.net.http.HttpRequest.newBuilder(server.uri("/api/tasks"))
            .header("Cookie", cookie.substring(0, cookie.indexOf(';')))
            .header("Origin", "http://127.0.0.1:" + server.port)
            .header("Content-Type", "application/json")
            .POST(java.net.http.HttpRequest.BodyPublishers.ofString(HELD));
    assertEquals(201, server.send(request).statusCode());
    assertEquals("session", entries("POST /api/tasks").getLast().by().actor());
  }

  @Test
  void aReplayedSubmissionIsNotedAsARequest() {
    server.send("POST", "/api/tasks", HELD, "Idempotency-Key", "k");
    server.send("POST", "/api/tasks", HELD, "Idempotency-Key", "k");
    List<Entry> entries = entries("POST /api/tasks");
    assertEquals(List.of("submitted", "request"), entries.stream().map(Entry::type).toList());
  }

  @Test
  void aFloodOfRefusalsIsCounted() {
    for (int i = 0; i < 300; i++) {
      assertEquals(404, server.send("POST", "/api/none", null).statusCode());
    }
    long noted = server.audit.entries().stream().filter(e -> e.type().equals("refused")).count();
    assertTrue(noted < 250, noted + " were noted singly");
    TestServer.await(
        "the others are counted",
        () ->
            server.audit.entries().stream()
                    .filter(e -> e.type().equals(Entry.GAP))
                    .mapToLong(e -> (long) e.details().get("lost"))
                    .sum()
                == 300
                    - server.audit.entries().stream()
                        .filter(e -> e.type().equals("refused"))
                        .count());
  }
}

package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.CommitResult;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code POST /api/snapshots/{id}/restore}: what is asked, answered and refused. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RestoreApiIT {
  private static final String HELD = "{\"command\":[\"true\"],\"hold\":true,\"title\":\"%s\"}";
  private static final Pattern EPOCH = Pattern.compile("\"epoch\":\"([^\"]+)\"");
  private TestServer server;
  private String kept;
  private String snapshot;

  @BeforeEach
  void start() {
    server = TestServer.start();
    kept = server.submit(HELD.formatted("kept"));
    snapshot = snapshot();
  }

  @AfterEach
  void stop() {
    assertEquals(200, server.get("/api/tasks/" + kept).statusCode(), "it still serves");
    server.close();
  }

  private String snapshot() {
    HttpResponse<String> made = server.post("/api/snapshots", "{}");
    return made.body().replaceAll("^\\{\"id\":\"([^\"]+)\".*", "$1");
  }

  private String path() {
    return "/api/snapshots/" + snapshot + "/restore";
  }

  private String confirmed(String more) {
    return "{\"confirm\":\"" + snapshot + "\"" + more + "}";
  }

  private String epoch() {
    Matcher matcher = EPOCH.matcher(server.get("/api/tasks?limit=1").body());
    assertTrue(matcher.find());
    return matcher.group(1);
  }

  private static void assertHas(HttpResponse<String> response, int status, String... parts) {
    assertEquals(status, response.statusCode(), response.body());
    for (String part : parts) {
      assertTrue(response.body().contains(part), part + " is not in " + response.body());
    }
  }

  @Test
  void theDiffSaysWhatBecomesOfWhomAndIsTheSameDryAndDone() {
    String later = server.submit(HELD.formatted("lat\\\"er" + "x".repeat(300)));
    String epoch = epoch();
    HttpResponse<String> dry = server.post(path() + "?dryRun=true", "{}");
    assertHas(
        dry,
        200,
        "{\"snapshot\":\"" + snapshot + "\",\"dryRun\":true,\"before\":null,\"epoch\":null",
        "\"created\":{\"count\":0,\"items\":[]}",
        "\"removed\":{\"count\":1,\"items\":[{\"entity\":\"task\",\"id\":\"" + later + "\"",
        "\"title\":\"lat\\\"erx",
        "…\",\"detail\":\"HELD\"}]}",
        "\"unchanged\":1}");
    assertEquals(epoch, epoch());
    assertHas(server.send("POST", path() + "?dryRun=true", null), 200, "\"dryRun\":true");
    HttpResponse<String> done = server.post(path(), confirmed(""));
    assertHas(done, 200, "\"dryRun\":false", "\"before\":\"", "\"epoch\":\"" + epoch() + "\"");
    String diff = "\"created\":.*";
    assertEquals(
        dry.body().replaceAll("^.*?(?=" + diff + ")", ""),
        done.body().replaceAll("^.*?(?=" + diff + ")", ""));
    assertFalse(epoch().equals(epoch));
    assertEquals(404, server.get("/api/tasks/" + later).statusCode());
    assertHas(server.get("/api/snapshots"), 200, "\"reason\":\"pre-restore\"");
  }

  @Test
  void manyAreCountedAndSomeAreShown() {
    for (int i = 0; i < 1_005; i++) {
      server.submit(HELD.formatted("many"));
    }
    HttpResponse<String> dry = server.post(path() + "?dryRun=true", "{}");
    assertHas(dry, 200, "\"removed\":{\"count\":1005,");
    assertEquals(1_000, dry.body().split("\"title\":\"many\"", -1).length - 1);
  }

  @Test
  void withoutTheRightConfirmationNothingIsDone() {
    String later = server.submit(HELD.formatted("later"));
    String remedy = "\\\"" + snapshot + "\\\"";
    for (String body : List.of("{}", "{\"confirm\":null}", "{\"running\":\"adopt\"}")) {
      assertHas(server.post(path(), body), 400, "\"pointer\":\"/confirm\"", "is required", remedy);
    }
    for (String wrong : List.of("x", snapshot + "x", "")) {
      assertHas(
          server.post(path(), "{\"confirm\":\"" + wrong + "\"}"),
          422,
          "\"code\":\"impossible\"",
          "\"pointer\":\"/confirm\"",
          remedy);
    }
    assertHas(server.post(path() + "?dryRun=true", "{\"confirm\":\"x\"}"), 422, "\"/confirm\"");
    assertEquals(200, server.get("/api/tasks/" + later).statusCode());
  }

  @Test
  void whatIsNotKnownOrOfTheWrongTypeIsRefused() {
    assertHas(server.post(path(), confirmed(",\"force\":true")), 400, "\"/force\"", "not known");
    assertHas(server.post(path(), "{\"confirm\":1}"), 400, "\"/confirm\"", "a string");
    assertHas(server.post(path(), confirmed(",\"running\":true")), 400, "\"/running\"");
    assertHas(
        server.post(path(), confirmed(",\"running\":\"kill\"")), 400, "\"/running\"", "adopt");
    assertHas(server.post(path(), "[]"), 400);
    assertHas(server.post(path(), "{\"confirm\""), 400);
    assertHas(server.send("POST", path(), null), 400);
    assertHas(server.post(path() + "?dryrun=true", confirmed("")), 400, "?dryrun");
    assertHas(server.post(path() + "?dryRun=yes", confirmed("")), 400, "?dryRun");
    assertHas(server.post(path() + "?dryRun=true&dryRun=true", "{}"), 400, "twice");
    assertEquals(405, server.get(path()).statusCode());
    String nothing = "/api/snapshots/nothing/restore";
    assertHas(server.post(nothing, "{\"confirm\":\"nothing\"}"), 404, "GET /api/snapshots");
    assertHas(server.post(nothing, confirmed("")), 404, "there is no snapshot nothing");
    assertHas(server.post(nothing + "?dryRun=true", "{}"), 404);
    server.snapshots.damage(snapshot, "state/snapshots/x: its checksum is wrong");
    assertHas(server.post(path(), confirmed("")), 422, "its checksum is wrong");
    assertHas(server.post(path() + "?dryRun=true", "{}"), 422, "its checksum is wrong");
  }

  @Test
  void activeTasksAreNamedAndKeptIfThatIsWanted() {
    String running = server.submit("{\"command\":[\"sleep\",\"9\"],\"title\":\"runs\"}");
    TestServer.await(
        "it runs", () -> server.get("/api/tasks/" + running).body().contains("\"RUNNING\""));
    assertHas(
        server.post(path() + "?dryRun=true", "{}"),
        200,
        "\"running\":{\"count\":1,\"items\":[{\"entity\":\"task\",\"id\":\"" + running + "\"");
    HttpResponse<String> refused = server.post(path(), confirmed(""));
    assertHas(
        refused,
        409,
        "\"code\":\"tasks-active\"",
        "\"pointer\":\"/running\"",
        running,
        "\\\"runs\\\": RUNNING, attempt 1",
        "adopt");
    assertHas(server.post(path(), confirmed(",\"running\":\"adopt\"")), 200, running);
    assertHas(server.get("/api/tasks/" + running), 200, "\"RUNNING\"");
  }

  @Test
  void withoutRoomItIsSaidThatTheDiskIsFull() {
    server.snapshots.full(true);
    assertHas(
        server.post(path(), confirmed("")), 507, "\"code\":\"disk-full\"", "nothing was changed");
    assertHas(server.post("/api/snapshots", "{}"), 507, "\"code\":\"disk-full\"");
    server.snapshots.full(false);
    server.tasks.refuseReplacement(CommitResult.Reason.BUSY);
    HttpResponse<String> busy = server.post(path(), confirmed(""));
    assertHas(busy, 503, "\"code\":\"busy\"");
    assertTrue(busy.headers().firstValue("Retry-After").isPresent());
  }
}

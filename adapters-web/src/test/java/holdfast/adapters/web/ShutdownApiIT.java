package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.GracefulShutdown.Begun;
import holdfast.application.ShutdownTasks;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code POST /api/shutdown}, over a real port. What a shutdown then does is tested elsewhere. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ShutdownApiIT {
  private static final String PATH = "/api/shutdown";

  private final List<Begun> begun = new CopyOnWriteArrayList<>();
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start();
    server.shutdown().onBegin(begun::add);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        PATH + "|{\"tasks\":\"pause\"}|/tasks",
        PATH + "|{\"tasks\":\"KEEP\"}|/tasks",
        PATH + "|{\"tasks\":1}|/tasks",
        PATH + "|{\"task\":\"keep\"}|/task",
        PATH + "|{\"tasks\":\"keep\",\"timeout\":\"PT1S\"}|/timeout",
        PATH + "?preview=yes|{}|?preview",
        PATH + "?preview=true|{\"tasks\":\"pause\"}|/tasks",
        PATH + "?dryRun=true|{}|?dryRun",
      })
  void whatIsNotKnownIsRefusedAndNothingBegins(String path, String body, String pointer) {
    HttpResponse<String> answer = server.post(path, body);
    assertEquals(400, answer.statusCode(), answer.body());
    assertTrue(answer.body().contains("\"pointer\":\"" + pointer + "\""), answer.body());
    assertNull(server.shutdown().begun());
  }

  @Test
  void aBodyThatIsNoObjectOrNotJsonIsRefused() {
    for (String body : List.of("[]", "\"stop\"", "{", "null")) {
      assertEquals(400, server.post(PATH, body).statusCode(), body);
    }
    assertNull(server.shutdown().begun());
  }

  @Test
  void withoutABodyItDoesWhatIsConfiguredAndOnlyOnce() {
    HttpResponse<String> first = server.post(PATH, "");
    assertEquals(202, first.statusCode(), first.body());
    assertEquals("{\"tasks\":\"drain\",\"timeout\":\"PT20S\"}", first.body());
    assertEquals(1, begun.size());
    assertEquals(ShutdownTasks.DRAIN, begun.getFirst().tasks());
    assertEquals("POST /api/shutdown", begun.getFirst().cause());
    HttpResponse<String> second = server.post(PATH, "{\"tasks\":\"stop\"}");
    assertEquals(409, second.statusCode());
    assertTrue(second.body().contains("by POST /api/shutdown with tasks drain"), second.body());
    assertEquals(1, begun.size(), "what has begun is not changed");
    HttpResponse<String> preview = server.post(PATH + "?preview=true", "");
    assertEquals(200, preview.statusCode(), "a look is allowed");
  }

  @Test
  void thePreviewNamesTheFateOfTasksAndBeginsNothing() {
    String id = server.submit("{\"command\":[\"sleep\",\"1000\"],\"title\":\"a \\\"quote\\\"\"}");
    TestServer.await(
        "the task runs",
        () -> server.get("/api/tasks/" + id).body().contains("\"state\":\"RUNNING\""));
    server.submit("{\"command\":[\"true\"],\"hold\":true}");
    String preview = server.post(PATH + "?preview=true", "{\"tasks\":\"stop\"}").body();
    assertTrue(
        preview.startsWith(
            "{\"tasks\":\"stop\",\"timeout\":\"PT20S\",\"counts\":{\"RUNS_ON\":0,\"AWAITED\":0,"
                + "\"STOPPED\":1,\"WAITS\":1},\"items\":[{\"id\":\""
                + id
                + "\",\"title\":\"a \\\"quote\\\"\",\"state\":\"RUNNING\",\"fate\":\"STOPPED\","),
        preview);
    assertTrue(preview.endsWith("],\"omitted\":0}"), preview);
    assertNull(server.shutdown().begun());
    assertEquals(201, server.post("/api/tasks", "{\"command\":[\"true\"]}").statusCode());
  }

  @Test
  void onceBegunTheServerIsNotReadyAndServesOnUntilItIsDrained() {
    server.post(PATH, "");
    server.application().beginNothingNew();
    assertEquals(503, server.get("/api/health/ready").statusCode());
    assertEquals(200, server.get("/api/health/live").statusCode());
    assertEquals(200, server.get("/api/tasks").statusCode());
    HttpResponse<String> refused = server.post("/api/tasks", "{\"command\":[\"true\"]}");
    assertEquals(503, refused.statusCode());
    assertTrue(refused.body().contains("\"code\":\"stopping\""), refused.body());
    assertTrue(refused.headers().firstValue("Retry-After").isPresent());
    assertEquals(503, server.post("/api/initiatives", "{\"title\":\"x\"}").statusCode());
    server.web.stopAccepting();
    assertFalse(isServed(), "after that nobody comes in");
  }

  private boolean isServed() {
    try {
      return server.get("/api/tasks").statusCode() == 200;
    } catch (UncheckedIOException gone) {
      return false;
    }
  }
}

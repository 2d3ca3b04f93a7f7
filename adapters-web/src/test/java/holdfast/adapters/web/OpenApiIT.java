package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;

import holdfast.adapters.web.OpenApi.Operation;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Everything that {@code openapi.json} says is answered: each status of each operation was seen, as
 * it is described.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OpenApiIT {
  /** Only a disk that is full at the right moment leads to these. */
  private static final Set<String> NOT_TO_BE_HAD =
      Set.of(
          "POST /api/sync/force 507",
          "POST /api/sync/conflicts/{id}/resolve 507",
          "DELETE /api/snapshots/{id} 507",
          "POST /api/snapshots/{id}/verify 507",
          "POST /api/recovery/tasks/{id}/decision 507",
          "GET /api/audit/verify 507");

  private static final String EVENTS = "GET /api/tasks/{id}/events";

  private final Set<String> answered = new TreeSet<>();

  private static WebSettings settings() {
    return WebSettings.loopback(0, TestServer.TOKEN, "/")
        .with(new WebSettings.Lesser(OpenApiRefusals.READING, null));
  }

  @Test
  void everyStatusOfEveryOperationIsAnsweredAsItIsDescribed() throws IOException {
    try (var server = TestServer.start(settings())) {
      done(server);
      answered.addAll(server.answered);
    }
    try (var server = TestServer.start(settings())) {
      refused(server);
      answered.addAll(server.answered);
    }
    try (var server = TestServer.starting(settings())) {
      new OpenApiRefusals(server).tooEarly();
      answered.addAll(server.answered);
    }
    copied();
    undecided();
    Set<String> missing = new TreeSet<>();
    for (Operation operation : OpenApi.operations()) {
      for (String status : operation.statuses()) {
        missing.add(operation.name() + " " + status);
      }
    }
    missing.removeAll(answered);
    assertEquals(new TreeSet<>(NOT_TO_BE_HAD), missing);
    Set<String> unseen = new TreeSet<>();
    for (Operation operation : OpenApi.operations()) {
      unseen.addAll(ContractShapes.reached(operation.node().get("responses")));
    }
    unseen.removeIf(reference -> !reference.contains("/schemas/"));
    unseen.removeAll(answered);
    assertEquals(Set.of(), unseen, "everything that an answer can consist of was seen");
  }

  private static void done(TestServer server) throws IOException {
    server.world.program("true", process -> process.exit(0));
    var walk = new OpenApiWalk(server);
    walk.tasks();
    walk.outputs();
    walk.initiatives();
    walk.sync();
    walk.snapshots();
    walk.recovery();
    walk.logs();
    walk.server();
    walk.streamOfAnotherHistory();
    walk.ending();
    walk.full();
    walk.shutdown();
  }

  private static void refused(TestServer server) {
    var refusals = new OpenApiRefusals(server);
    refusals.whateverItDoes();
    refusals.ofNothing();
    String initiative = TestServer.id(server.post("/api/initiatives", "{\"title\":\"i\"}").body());
    refusals.ofAnotherRevision(server.submit("{\"command\":[\"true\"],\"hold\":true}"), initiative);
    var walk = new OpenApiWalk(server);
    List<String> purged = walk.purged();
    refusals.ofWhatIsPurged(purged.getFirst(), purged.getLast(), Set.of(EVENTS));
    walk.eventsThatAreGone(purged.getFirst());
    refusals.guesses();
  }

  private void copied() {
    TestServer original = TestServer.start();
    String task = original.submit("{\"command\":[\"true\"],\"hold\":true}");
    String initiative =
        TestServer.id(original.post("/api/initiatives", "{\"title\":\"i\"}").body());
    try (var copy = original.copied()) {
      new OpenApiRefusals(copy).ofACopy(task, initiative);
      new OpenApiWalk(copy).answer(404, "GET", "/api/recovery", null);
      answered.addAll(copy.answered);
    }
  }

  private void undecided() {
    TestServer before = TestServer.start();
    String id = new OpenApiWalk(before).running();
    before.world.killMonitor(new RunRef(new TaskId(id), 1, 1));
    before.world.moveTo(new HostIdentity("elsewhere", "boot-1", "4026531836"));
    try (var server = before.crashed()) {
      new OpenApiWalk(server).decision(id);
      answered.addAll(server.answered);
    }
  }
}

package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of the packaged server die, and nothing else does. */
class RedundancyEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Map<String, String> OFTEN =
      Map.of("SYNC_INTERVAL", "200", "SNAPSHOT_INTERVAL", "500");
  private static final int TASKS = 12;

  @TempDir Path scratch;

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch);
  }

  private Path state() {
    return scratch.resolve("data/state");
  }

  private static List<Path> files(Path below) throws IOException {
    try (Stream<Path> walk = Files.walk(below)) {
      return walk.filter(Files::isRegularFile).sorted().toList();
    }
  }

  /** Runs tasks to their end, with an initiative, and ends in order; what they are then. */
  private Map<String, JsonObject> fill() throws Exception {
    Map<String, JsonObject> tasks = new TreeMap<>();
    try (PackagedServer server = PackagedServer.start(scratch.resolve("data"), OFTEN)) {
      ApiClient api = server.client();
      String initiative =
          ApiClient.expect(
                  201, api.post("/api/initiatives", "{\"title\":\"t\",\"objective\":\"o\"}"))
              .getString("id");
      for (int i = 0; i < TASKS; i++) {
        String id =
            api.submit(
                "{\"command\":[\"sh\",\"-c\",\"echo "
                    + i
                    + "; exit "
                    + i % 3
                    + "\"],\"initiativeId\":\""
                    + initiative
                    + "\"}");
        tasks.put(id, api.awaitSealed(id));
      }
      assertEquals(0, server.terminate());
    }
    return tasks;
  }

  private static int verify(Path data, List<String> lines) throws Exception {
    var command = new ArrayList<String>(PackagedServer.javaCommand());
    command.addAll(List.of("verify", "--data-dir", data.toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    lines.addAll(
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
            .lines()
            .toList());
    return process.waitFor();
  }

  @Test
  void anyOneFileOfTheStateMayDieAtRest() throws Exception {
    Map<String, JsonObject> tasks = fill();
    assertEquals(0, verify(scratch.resolve("data"), new ArrayList<>()));
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("RedundancyEndToEndTest seed " + seed);
    var random = new Random(seed);
    for (String directory :
        List.of("journal", "recovery/journal", "snapshots", "recovery/snapshots", "tasks", ".")) {
      List<Path> candidates =
          files(state().resolve(directory).normalize()).stream()
              .filter(
                  file ->
                      !file.endsWith("spare.wal") && !file.endsWith("ballast") && !isOfARun(file))
              .filter(file -> !directory.equals(".") || state().equals(file.getParent()))
              .filter(file -> !file.endsWith("LOCK"))
              .toList();
      assertTrue(!candidates.isEmpty(), directory + " holds " + files(state()));
      Path file = candidates.get(random.nextInt(candidates.size()));
      byte[] bytes = Files.readAllBytes(file);
      assertTrue(bytes.length > 0, file + " is empty");
      bytes[random.nextInt(Math.min(bytes.length, 4_000))] ^= 4;
      Files.write(file, bytes);
      var findings = new ArrayList<String>();
      assertEquals(1, verify(scratch.resolve("data"), findings), file + ": " + findings);
      assertTrue(findings.toString().contains(file.toString()), findings.toString());
      try (PackagedServer server = PackagedServer.start(scratch.resolve("data"), OFTEN)) {
        for (Map.Entry<String, JsonObject> task : tasks.entrySet()) {
          assertEquals(task.getValue(), server.client().task(task.getKey()), file.toString());
        }
        awaitScrubbed(server.client());
        assertEquals(0, server.terminate());
      }
      findings.clear();
      assertEquals(0, verify(scratch.resolve("data"), findings), findings.toString());
    }
    assertTrue(files(state().resolve("recovery/quarantine")).size() >= 2);
  }

  private static boolean isOfARun(Path file) {
    return file.toString().matches(".*/tasks/../[^/]+/.*");
  }

  /** Waits for the round of the scrub that began with the server. */
  private static void awaitScrubbed(ApiClient api) throws Exception {
    Await.until(
        () ->
            !api.get("/api/health")
                .getJsonObject("components")
                .getJsonObject("scrub")
                .getString("message")
                .contains("none yet"),
        done -> done,
        PATIENCE);
  }

  @Test
  void aStateFileThatIsDeletedUnderTheServerComesBackWithItsNextChange() throws Exception {
    Path data = scratch.resolve("data");
    try (PackagedServer server = PackagedServer.start(data, OFTEN)) {
      ApiClient api = server.client();
      String id = api.submit(RestartEndToEndTest.command("sleep", "600"));
      Path file = state().resolve("tasks").resolve(id.substring(0, 2)).resolve(id + ".json");
      Await.until(() -> Files.exists(file), there -> there, PATIENCE);
      Files.delete(file);
      ApiClient.expect(202, api.post("/api/tasks/" + id + "/kill", "{}"));
      api.awaitEnd(id);
      Await.until(
          () -> Files.exists(file) && Files.readString(file).contains("CANCELED"),
          there -> there,
          PATIENCE);
    }
  }

  @Test
  void aCopyTouchesNothingUntilItIsAccepted() throws Exception {
    Path data = scratch.resolve("data");
    try (PackagedServer original = PackagedServer.start(data, OFTEN)) {
      ApiClient api = original.client();
      String running = api.submit(RestartEndToEndTest.command("sleep", "600"));
      api.await(running, task -> task.getString("state").equals("RUNNING"), PATIENCE);
      assertEquals(0, original.terminate());
      Path copy = scratch.resolve("copy");
      assertEquals(
          0, new ProcessBuilder("cp", "-a", data.toString(), copy.toString()).start().waitFor());
      try (PackagedServer server = PackagedServer.start(copy)) {
        assertEquals("RUNNING", server.client().task(running).getString("state"));
        JsonObject refusal =
            ApiClient.expect(409, server.client().post("/api/tasks/" + running + "/kill", "{}"));
        assertEquals("copy-not-accepted", refusal.getString("code"));
        JsonObject newest =
            server.client().get("/api/snapshots").getJsonArray("items").getJsonObject(0);
        String id = newest.getString("id");
        refusal =
            ApiClient.expect(
                409,
                server
                    .client()
                    .post("/api/snapshots/" + id + "/restore", "{\"confirm\":\"" + id + "\"}"));
        assertEquals("copy-not-accepted", refusal.getString("code"));
        assertEquals(0, server.terminate());
      }
      try (PackagedServer server = PackagedServer.start(copy, "--accept-copy")) {
        assertEquals("LOST", server.client().task(running).getString("state"));
        assertEquals(0, server.terminate());
      }
      try (PackagedServer again = PackagedServer.start(data)) {
        assertEquals(
            "ADOPTED",
            again
                .client()
                .get("/api/recovery")
                .getJsonArray("tasks")
                .getJsonObject(0)
                .getString("verdict"),
            "the copy has not touched the original's process");
        ApiClient.expect(202, again.client().post("/api/tasks/" + running + "/kill", "{}"));
        again.client().awaitEnd(running);
      }
    }
  }
}

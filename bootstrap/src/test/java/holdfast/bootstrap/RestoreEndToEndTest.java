package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged product returns to a snapshot. */
class RestoreEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir Path scratch;

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch);
  }

  /** What the command printed, stderr included, and its exit code. */
  private record Printed(int exit, List<String> lines) {
    String text() {
      return String.join("\n", lines);
    }
  }

  private Path data() {
    return scratch.resolve("data");
  }

  private Path state() {
    return data().resolve("state");
  }

  private Printed restore(String... arguments) throws Exception {
    var command = new ArrayList<String>(PackagedServer.javaCommand());
    command.addAll(List.of("restore", "--data-dir", data().toString()));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Printed(process.waitFor(), output.lines().toList());
  }

  /** Id of the snapshot that holds most history. */
  private String newestSnapshot() throws IOException {
    try (Stream<Path> files = Files.list(state().resolve("snapshots"))) {
      return files
          .map(file -> file.getFileName().toString().replace(".jsonl.zst", ""))
          .max(String::compareTo)
          .orElseThrow();
    }
  }

  private Map<Path, String> content() throws IOException {
    var content = new TreeMap<Path, String>();
    try (Stream<Path> walk = Files.walk(state())) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        content.put(file, HexFormat.of().formatHex(Files.readAllBytes(file)));
      }
    }
    return content;
  }

  private static String shell(String script) {
    return RestartEndToEndTest.command("sh", "-c", script);
  }

  private static String output(ApiClient api, String task, int attempt) throws Exception {
    return new String(
        api.bytes("/api/tasks/" + task + "/output?attempt=" + attempt), StandardCharsets.UTF_8);
  }

  private static int status(HttpRequest.Builder request, ApiClient api) throws Exception {
    return api.send(request.build()).statusCode();
  }

  private static void act(ApiClient api, String task, String verb) throws Exception {
    HttpResponse<String> response = api.post("/api/tasks/" + task + "/" + verb, "{}");
    assertEquals(2, response.statusCode() / 100, response.body());
  }

  @Test
  void whatWasThenIsBackAndCanBeUndone() throws Exception {
    String failed;
    String purged;
    String created;
    String then;
    String epoch;
    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      // Fails the first time, succeeds the second.
      failed =
          api.submit(
              shell(
                  "echo run >> "
                      + scratch
                      + "/count; wc -l < "
                      + scratch
                      + "/count; test $(wc -l < "
                      + scratch
                      + "/count) -ge 2"));
      purged = api.submit(shell("echo purged"));
      assertEquals("FAILED", api.awaitEnd(failed).getString("state"));
      api.awaitEnd(purged);
      epoch = server.client().get("/api/tasks").getString("epoch");
      assertEquals(0, server.terminate());
    }
    then = newestSnapshot();
    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      act(api, failed, "retry");
      api.await(failed, task -> task.getString("state").equals("SUCCEEDED"), PATIENCE);
      assertEquals(204, status(api.request("/api/tasks/" + purged).DELETE(), api));
      created = api.submit(shell("echo created"));
      api.awaitEnd(created);
      Printed held = restore(then);
      assertEquals(73, held.exit(), held.text());
      assertTrue(held.text().contains("pid " + server.pid()), held.text());
      assertEquals(0, server.terminate());
    }

    Map<Path, String> before = content();
    Printed dry = restore(then, "--dry-run");
    assertEquals(0, dry.exit(), dry.text());
    assertEquals(before, content(), "a dry run changes nothing");
    assertEquals(
        List.of("created task " + purged, "changed task " + failed, "removed task " + created),
        dry.lines().stream()
            .filter(line -> line.contains(" task "))
            .map(line -> line.substring(0, line.indexOf(" \"")))
            .toList());
    assertTrue(dry.text().contains("1 created, 1 changed, 1 removed"), dry.text());

    Printed done = restore(then);
    assertEquals(0, done.exit(), done.text());
    String undo = done.text().replaceAll("(?s).*to undo it: restore (\\S+).*", "$1");
    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      assertEquals("FAILED", api.task(failed).getString("state"));
      assertEquals("SUCCEEDED", api.task(purged).getString("state"));
      assertEquals(404, status(api.request("/api/tasks/" + created).GET(), api));
      assertNotEquals(epoch, api.get("/api/tasks").getString("epoch"));
      // The second attempt was forgotten; the one that follows has a directory of its own.
      act(api, failed, "retry");
      api.await(failed, task -> task.getString("state").equals("SUCCEEDED"), PATIENCE);
      assertEquals("3", output(api, failed, 2).strip());
      assertEquals(0, server.terminate());
    }

    Printed undone = restore(undo);
    assertEquals(0, undone.exit(), undone.text());
    try (PackagedServer server = PackagedServer.start(data())) {
      ApiClient api = server.client();
      assertEquals("SUCCEEDED", api.task(failed).getString("state"));
      assertEquals("2", output(api, failed, 2).strip(), "the output of the attempt that is back");
      assertEquals("created", output(api, created, 1).strip(), "a restore destroys no output");
      assertEquals(404, status(api.request("/api/tasks/" + purged).GET(), api));
      assertEquals(0, server.terminate());
    }
  }

  @Test
  void aTaskThatRunsIsNeitherForgottenNorStartedTwice() throws Exception {
    String running;
    String waiting;
    try (PackagedServer server = PackagedServer.start(data(), "--max-running", "1")) {
      ApiClient api = server.client();
      running = api.submit(shell("echo run >> " + scratch + "/count; sleep 600"));
      api.await(running, task -> task.getString("state").equals("RUNNING"), PATIENCE);
      waiting = api.submit(shell("echo waited"));
      assertEquals(0, server.terminate());
    }
    String then = newestSnapshot();
    try (PackagedServer server = PackagedServer.start(data(), "--max-running", "1")) {
      ApiClient api = server.client();
      act(api, waiting, "cancel");
      assertEquals(0, server.terminate());
    }
    Map<Path, String> before = content();
    Printed refused = restore(then);
    assertEquals(5, refused.exit(), refused.text());
    assertTrue(refused.text().contains(running), refused.text());
    before.keySet().removeIf(file -> file.endsWith("LOCK"));
    Map<Path, String> after = content();
    after.keySet().removeIf(file -> file.endsWith("LOCK"));
    assertEquals(before, after, "what is refused changes nothing");

    Printed adopted = restore(then, "--running", "adopt");
    assertEquals(0, adopted.exit(), adopted.text());
    try (PackagedServer server = PackagedServer.start(data(), "--max-running", "1")) {
      ApiClient api = server.client();
      JsonObject task = api.task(running);
      assertEquals("RUNNING", task.getString("state"));
      assertEquals(1, task.getJsonArray("attempts").size());
      assertEquals("HELD", api.task(waiting).getString("state"), "nothing starts by itself");
      assertEquals(1, Files.readAllLines(scratch.resolve("count")).size(), "started once");
      act(api, running, "kill");
      api.awaitEnd(running);
      act(api, waiting, "release");
      assertEquals("SUCCEEDED", api.awaitEnd(waiting).getString("state"));
      assertEquals(0, server.terminate());
    }
  }

  @Test
  void aSnapshotThatIsNotThereIsRefusedWithTheListOfThoseThatAre() throws Exception {
    Printed nothing = restore("20200101T000000.000Z-1-1");
    assertEquals(73, nothing.exit(), nothing.text());
    assertFalse(Files.exists(state()), "nothing was made");
    try (PackagedServer server = PackagedServer.start(data())) {
      server.client().awaitEnd(server.client().submit(shell("true")));
      assertEquals(0, server.terminate());
    }
    Printed unknown = restore("20200101T000000.000Z-1-1");
    assertEquals(3, unknown.exit(), unknown.text());
    assertTrue(unknown.text().contains(newestSnapshot()), unknown.text());
    assertEquals(2, restore().exit());
  }
}

package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How the packaged server ends, and how it refuses to begin. */
class ShutdownEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir Path scratch;

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch.resolve("data"));
  }

  @Test
  void sigtermClosesSocketsLeavesTasksRunningAndExitsWithZero() throws Exception {
    Path data = scratch.resolve("data");
    String id;
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      id = api.submit(RestartEndToEndTest.command("sleep", "600"));
      api.await(id, task -> task.getString("state").equals("RUNNING"), PATIENCE);
      try (WebSocketClient follower = api.follow()) {
        assertEquals(0, server.terminate());
        assertTrue(Set.of(1001, 1012).contains(follower.awaitClose(PATIENCE)));
      }
    }
    try (PackagedServer server = PackagedServer.start(data)) {
      ApiClient api = server.client();
      JsonObject report = api.get("/api/recovery");
      assertEquals("clean", report.getString("cause"));
      assertEquals("ADOPTED", report.getJsonArray("tasks").getJsonObject(0).getString("verdict"));
      assertEquals("RUNNING", api.task(id).getString("state"));
      ApiClient.expect(202, api.post("/api/tasks/" + id + "/kill", "{}"));
      assertEquals("CANCELED", api.awaitEnd(id).getString("state"));
    }
  }

  @Test
  void aSecondSignalEndsAtOnceAndTheNextStartRecovers() throws Exception {
    Path data = scratch.resolve("data");
    try (PackagedServer server = PackagedServer.start(data)) {
      server.client().submit("{\"command\":[\"true\"],\"hold\":true}");
      new ProcessBuilder("sh", "-c", "kill -TERM $0; kill -TERM $0", String.valueOf(server.pid()))
          .start()
          .waitFor();
      server.terminate();
    }
    try (PackagedServer server = PackagedServer.start(data)) {
      assertEquals(1, server.client().get("/api/tasks").getJsonArray("items").size());
    }
  }

  @Test
  void aSecondServerIsRefusedWithTheHoldersPid() throws Exception {
    Path data = scratch.resolve("data");
    try (PackagedServer server = PackagedServer.start(data)) {
      Process second = PackagedServer.launch(data, Map.of());
      assertTrue(second.waitFor(20, TimeUnit.SECONDS));
      assertEquals(73, second.exitValue());
      String said = PackagedServer.stderr(data);
      assertTrue(said.contains(String.valueOf(server.pid())), said);
      assertEquals(0, server.client().get("/api/tasks").getJsonArray("items").size());
    }
  }

  @Test
  void aPortThatIsTakenIsRefusedWithOneLine() throws Exception {
    Path data = scratch.resolve("data");
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = String.valueOf(taken.getLocalPort());
      Process server = PackagedServer.launchOn(port, data);
      assertTrue(server.waitFor(20, TimeUnit.SECONDS));
      assertEquals(64, server.exitValue());
      String said = PackagedServer.stderr(data);
      assertEquals(1, said.lines().count(), said);
      assertTrue(said.contains("cannot listen on 127.0.0.1:" + port), said);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "--port,70000",
    "--port,http",
    "--max-running,0",
    "--shutdown-timeout,30",
    "--shutdown-tasks,pause",
    "--output-quota,-1",
    "--auth,open",
    "--host,203.0.113.1",
    "--tls-cert,/nowhere",
    "--frobnicate,1"
  })
  void aBadValueIsRefusedWithOneLineThatNamesIt(String option, String value) throws Exception {
    Path data = scratch.resolve("data");
    Process server = PackagedServer.launch(data, Map.of(), option, value);
    assertTrue(server.waitFor(20, TimeUnit.SECONDS));
    assertEquals(64, server.exitValue());
    String said = PackagedServer.stderr(data);
    assertEquals(1, said.lines().count(), said);
    assertTrue(said.contains(option.substring(2)), said);
    assertTrue(!Files.exists(data.resolve("state")), "nothing is made before the refusal");
  }

  @Test
  void aBadVariableAndABadFileAreNamedAsTheSource() throws Exception {
    Path data = scratch.resolve("data");
    Process byVariable = PackagedServer.launch(data, Map.of("HOLDFAST_MAX_RUNNING", "many"));
    assertTrue(byVariable.waitFor(20, TimeUnit.SECONDS));
    assertEquals(64, byVariable.exitValue());
    assertTrue(PackagedServer.stderr(data).contains("variable HOLDFAST_MAX_RUNNING"));

    try (PackagedServer server = PackagedServer.start(data)) {
      assertEquals(0, server.terminate());
    }
    Path file = Files.writeString(data.resolve("config.yaml"), "max-runing: 3\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    Process byFile = PackagedServer.launch(data, Map.of());
    assertTrue(byFile.waitFor(20, TimeUnit.SECONDS));
    assertEquals(64, byFile.exitValue());
    assertTrue(PackagedServer.stderr(data).contains("config.yaml: there is no setting"));
  }
}

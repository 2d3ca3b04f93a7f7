package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
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

  /** A start with a certificate or key that no client would accept. */
  private record BadTls(Path certificate, Path key, String setting, Path named, String remedy) {}

  @Test
  void aCertificateOrKeyThatCannotBeUsedIsRefusedBeforeAnythingIsMadeOrChanged() throws Exception {
    var certificates = new Certificates(scratch);
    Certificates.Pair good = certificates.make("good");
    Certificates.Pair other = certificates.make("other");
    Certificates.Pair old = certificates.make("old", "-startdate", "-2d", "-validity", "1");
    Path missing = scratch.resolve("missing.pem");
    Path none = Files.writeString(scratch.resolve("none.pem"), "nothing");
    Path cert = good.certificate();
    String chain = "expected: a PEM file with the server's own certificate, then its chain";
    String unencrypted = "unencrypted, as openssl pkcs8 -topk8 -nodes writes it";
    List<BadTls> cases =
        List.of(
            new BadTls(missing, good.key(), "tls-cert", missing, "no such file; " + chain),
            new BadTls(none, good.key(), "tls-cert", none, chain),
            new BadTls(cert, missing, "tls-key", missing, unencrypted),
            new BadTls(cert, none, "tls-key", none, unencrypted),
            new BadTls(
                cert, good.encryptedKey(), "tls-key", good.encryptedKey(), "it is encrypted; exp"),
            new BadTls(cert, other.key(), "tls-cert", cert, "files that belong together"),
            new BadTls(old.certificate(), old.key(), "tls-cert", old.certificate(), "renew it"));
    Path fresh = scratch.resolve("fresh");
    assertRefused(fresh, cases.getFirst());
    assertFalse(Files.exists(fresh), "nothing is made");
    Path data = scratch.resolve("data");
    try (PackagedServer server = PackagedServer.start(data)) {
      server.client().submit("{\"command\":[\"true\"],\"hold\":true}");
      assertEquals(0, server.terminate());
    }
    Map<String, String> before = contents(data);
    for (BadTls bad : cases) {
      assertRefused(data, bad);
      assertEquals(before, contents(data), "nothing is changed");
    }
    try (PackagedServer server =
        PackagedServer.start(
            data, "--tls-cert", cert.toString(), "--tls-key", good.key().toString())) {
      assertEquals("https", server.address().getScheme());
    }
  }

  private static void assertRefused(Path data, BadTls bad) throws Exception {
    long linesBefore = Files.exists(data) ? PackagedServer.stderr(data).lines().count() : 0;
    // Once by an option, once by a variable.
    Process server =
        PackagedServer.launch(
            data,
            Map.of("HOLDFAST_TLS_KEY", bad.key().toString()),
            "--tls-cert",
            bad.certificate().toString());
    assertTrue(server.waitFor(20, TimeUnit.SECONDS));
    List<String> said = PackagedServer.stderr(data).lines().skip(linesBefore).toList();
    assertEquals(64, server.exitValue(), said.toString());
    assertEquals(1, said.size(), said.toString());
    String line = said.getFirst();
    assertTrue(line.startsWith("holdfast: " + bad.setting() + ": "), line);
    assertTrue(line.contains(" in " + bad.named() + ": "), line);
    assertTrue(line.contains(bad.remedy()), line);
  }

  /** Every path below, with when it was changed and what it holds. */
  private static Map<String, String> contents(Path directory) throws IOException {
    var found = new TreeMap<String, String>();
    try (Stream<Path> below = Files.walk(directory)) {
      for (Path path : below.toList()) {
        String bytes =
            Files.isRegularFile(path) ? Arrays.hashCode(Files.readAllBytes(path)) + " " : "";
        found.put(path.toString(), bytes + Files.getLastModifiedTime(path));
      }
    }
    return found;
  }
}

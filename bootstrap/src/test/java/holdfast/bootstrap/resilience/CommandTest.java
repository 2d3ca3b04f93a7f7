package holdfast.bootstrap.resilience;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import jakarta.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** What the command says of what it is given, of servers that it cannot use, and of results. */
class CommandTest {
  private static final String DEGRADED =
      "{\"status\":\"degraded\",\"components\":{\"sync\":{\"status\":\"degraded\","
          + "\"message\":\"is behind\"}},\"metrics\":{}}";

  @TempDir private Path directory;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final HttpServer server;

  CommandTest() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  /** A server that gives everybody the same answer. */
  private String serve(int status, String body) {
    server.createContext(
        "/",
        exchange -> {
          byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(status, bytes.length);
          try (var answer = exchange.getResponseBody()) {
            answer.write(bytes);
          }
        });
    server.start();
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private int run(String... arguments) {
    var caller =
        new Resilience.Caller(
            Map.of(),
            List.of(),
            List.of(),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return Resilience.run(new CommandLine(Resilience.spec()).parseArgs(arguments), caller);
  }

  private String said() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void whatMakesNoSenseIsRefusedByName() {
    for (List<String> wrong :
        List.of(
            List.of("--only", "crash-recovery,nothing"),
            List.of("--server", "localhost"),
            List.of("--server", "ftp://localhost"),
            List.of("--token-file", "x"),
            List.of("--server", "http://localhost", "--token-file", "/nowhere/token"))) {
      var refused = assertThrows(ParameterException.class, () -> run(wrong.toArray(String[]::new)));
      assertTrue(
          String.valueOf(refused.getMessage()).contains(wrong.get(wrong.size() - 2)),
          wrong.toString());
    }
  }

  @Test
  void aWrongTokenIsToldInOneLineWithExitCodeFour() throws Exception {
    String url = serve(401, "{}");
    Path token = Files.writeString(directory.resolve("token"), "wrong");
    assertEquals(4, run("--server", url, "--token-file", token.toString()));
    assertTrue(said().contains("does not take the token"), said());
    assertEquals(4, run("--server", url));
    assertTrue(said().contains("--token-file"), said());
    assertEquals(2, said().lines().count());
  }

  @Test
  void aServerThatIsNotThereOrIsAnotherIsToldInOneLineWithExitCodeSix() {
    String url = serve(200, "<html>");
    assertEquals(6, run("--server", url));
    server.stop(0);
    assertEquals(6, run("--server", url));
    assertEquals(2, said().lines().count(), said());
  }

  @Test
  void aDegradedServerFailsWithItsReasonAndTheRestIsSkipped() {
    assertEquals(1, run("--server", serve(200, DEGRADED), "--only", "health-monitoring,restore"));
    List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
    assertTrue(lines.get(0).startsWith("failed health-monitoring"), lines.toString());
    assertTrue(lines.get(0).contains("is behind"), lines.toString());
    assertTrue(lines.get(1).startsWith("skipped restore · it returns"), lines.toString());
    assertEquals("0 passed, 1 failed, 1 skipped", lines.get(2));
  }

  @Test
  void nothingIsProvenWhereNothingWasRun() {
    assertEquals(1, run("--server", serve(200, DEGRADED), "--only", "restore", "--json"));
    var said =
        Json.createReader(new StringReader(out.toString(StandardCharsets.UTF_8))).readObject();
    assertEquals(0, said.getInt("passed"));
    assertEquals(1, said.getInt("skipped"));
    assertTrue(said.isNull("kept"));
  }

  @Test
  void aLineIsALineWhateverItQuotes() {
    var report = new Report(false, new PrintStream(out, true, StandardCharsets.UTF_8));
    report.add(new Result("x", new Outcome.Failed("a\nb\u001b[2J"), Duration.ofMillis(1_250)));
    assertEquals("failed x · a b [2J (1.3 s)\n", out.toString(StandardCharsets.UTF_8));
  }
}

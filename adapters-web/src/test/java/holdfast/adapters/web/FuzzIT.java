package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rubbish on both doors: whatever is sent, the server answers or closes in time, never says that it
 * failed itself, and has no connection left afterwards.
 */
class FuzzIT {
  private static final Path CORPUS = Path.of("src/test/resources/fuzz");

  /** Where an input that broke the server is put, to be kept in the corpus. */
  private static final Path FOUND = Path.of("target/fuzz-found.http");

  private static final int HANG_MILLIS = 10_000;
  private static final Pattern STATUS = Pattern.compile("HTTP/1\\.1 (\\d{3}) ");

  /** Of the statuses of a server's failure those that say what is not supported. */
  private static final Set<Integer> REFUSALS = Set.of(501, 505);

  @TempDir Path scratch;

  private TestServer server;
  private Fuzzer.Names names;

  @BeforeEach
  void start() {
    server = TestServer.start();
    String task = server.submit("{\"command\":[\"sleep\"]}");
    var initiative = server.post("/api/initiatives", "{\"title\":\"t\",\"objective\":\"o\"}");
    names =
        new Fuzzer.Names(
            "127.0.0.1:" + server.port, TestServer.TOKEN, task, TestServer.id(initiative.body()));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS)
  void rubbishIsAnsweredOrClosed() throws Exception {
    fuzz(4_000, 1_000);
  }

  @Test
  @Tag("long")
  @Timeout(value = 3, unit = TimeUnit.HOURS)
  void aMillionPiecesOfRubbishAreAnsweredOrClosed() throws Exception {
    fuzz(800_000, 200_000);
  }

  private void fuzz(int requests, int sockets) throws Exception {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("FuzzIT seed " + seed);
    var fuzzer = new Fuzzer(CORPUS, names, new Random(seed));
    long threads = threads();
    for (byte[] sound : fuzzer.corpus()) {
      assertTrue(statuses(sound) > 0, () -> "no answer to " + text(sound));
    }
    long answers = 0;
    for (int i = 0; i < requests; i++) {
      byte[] input = fuzzer.request();
      try {
        answers += statuses(input);
      } catch (AssertionError e) {
        throw broken(input, "seed " + seed + ", request " + i, e);
      }
    }
    for (int i = 0; i < sockets; i++) {
      byte[] input = fuzzer.frames();
      try {
        overSocket(input);
      } catch (AssertionError e) {
        throw broken(input, "seed " + seed + ", frames " + i, e);
      }
    }
    System.out.println(
        "FuzzIT " + requests + " requests, " + answers + " answers, " + sockets + " sockets");
    assertNothingIsLeft(threads);
  }

  private static AssertionError broken(byte[] input, String which, AssertionError e)
      throws IOException {
    Files.write(FOUND, input);
    return new AssertionError(
        which + ", kept in " + FOUND + ": " + e.getMessage() + "\n" + text(input), e);
  }

  private static String text(byte[] input) {
    return new String(input, StandardCharsets.ISO_8859_1);
  }

  /** How many answers there were to what was sent on one connection. */
  private int statuses(byte[] input) throws IOException {
    try (Socket socket = server.connect()) {
      return judged(exchange(socket, input));
    }
  }

  private void overSocket(byte[] frames) throws IOException {
    try (SocketClient client = SocketClient.connect(server)) {
      String answer = exchange(client.socket(), frames);
      assertTrue(!answer.contains("\"status\":500") && !answer.contains("\"code\":500"), answer);
    }
  }

  private static int judged(String answer) {
    int count = 0;
    Matcher statuses = STATUS.matcher(answer);
    while (statuses.find()) {
      int status = Integer.parseInt(statuses.group(1));
      assertTrue(status < 500 || REFUSALS.contains(status), answer);
      count++;
    }
    return count;
  }

  /** Sends, says that nothing more comes, and reads whatever there is until the server closes. */
  private static String exchange(Socket socket, byte[] input) throws IOException {
    socket.setSoTimeout(HANG_MILLIS);
    var answer = new ByteArrayOutputStream();
    try {
      socket.getOutputStream().write(input);
      socket.shutdownOutput();
      InputStream in = socket.getInputStream();
      byte[] buffer = new byte[8_192];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        answer.write(buffer, 0, read);
        if (isEndless(new String(buffer, 0, read, StandardCharsets.ISO_8859_1))) {
          break;
        }
      }
    } catch (SocketTimeoutException hangs) {
      // Its head may have come in two pieces.
      if (!isEndless(answer.toString(StandardCharsets.ISO_8859_1))) {
        throw new AssertionError("neither answered nor closed: " + answer, hangs);
      }
    } catch (IOException reset) {
      // The server may close before it has read everything.
    }
    return answer.toString(StandardCharsets.ISO_8859_1);
  }

  /** A stream of events goes on until its task ends, be it the first answer or a later one. */
  private static boolean isEndless(String answer) {
    return answer.contains("\nContent-Type: text/event-stream");
  }

  /** How many virtual threads there are: whatever the server does for a client runs on one. */
  private long threads() {
    Path list = scratch.resolve("threads");
    try {
      Files.deleteIfExists(list);
      ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
          .dumpThreads(
              list.toAbsolutePath().toString(),
              HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
      try (Stream<String> lines = Files.lines(list)) {
        return lines.filter(line -> line.startsWith("#") && line.contains("\" virtual ")).count();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void assertNothingIsLeft(long threadsBefore) {
    TestServer.await(
        "all connections but that of the one who asks are closed",
        () -> server.get("/metrics").body().contains("\nholdfast_http_connections 1.0\n"));
    TestServer.await(
        "there are no more threads than the " + threadsBefore + " before",
        () -> threads() <= threadsBefore);
    String metrics = server.get("/metrics").body();
    assertTrue(metrics.contains("\nholdfast_ws_connections 0.0\n"), metrics);
    assertEquals(200, server.get("/api/health").statusCode());
    assertEquals(
        201, server.post("/api/tasks", "{\"command\":[\"true\"]}").statusCode(), "it still works");
  }
}

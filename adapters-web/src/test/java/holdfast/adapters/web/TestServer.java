package holdfast.adapters.web;

import holdfast.application.GracefulShutdown;
import holdfast.application.Holdfast;
import holdfast.application.Ports;
import holdfast.application.ShutdownTasks;
import holdfast.domain.port.InMemoryAuditTrail;
import holdfast.domain.port.InMemoryEventLog;
import holdfast.domain.port.InMemoryOutputStorage;
import holdfast.domain.port.InMemoryRecoveryStorage;
import holdfast.domain.port.InMemoryScrubbing;
import holdfast.domain.port.InMemorySnapshotStorage;
import holdfast.domain.port.InMemoryStateFiles;
import holdfast.domain.port.InMemoryTaskStorage;
import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.SimulatedProcessControl;
import holdfast.domain.port.SimulatedWorld;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A server on a free port over in-memory ports, and the means to talk to it. Whatever it answers to
 * {@link #send} is held to {@code openapi.json}.
 */
final class TestServer implements AutoCloseable {
  static final String TOKEN = "0123456789abcdef-test-token";
  static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Pattern ID = Pattern.compile("\"id\":\"([0-9a-z]{20})\"");

  final InMemoryOutputStorage outputs;
  final SimulatedWorld world;
  final InMemoryTaskStorage tasks;
  final InMemoryRecoveryStorage reports;
  final InMemoryStateFiles stateFiles = new InMemoryStateFiles();
  final InMemorySnapshotStorage snapshots = new InMemorySnapshotStorage();
  final InMemoryEventLog log = new InMemoryEventLog();
  final InMemoryAuditTrail audit = new InMemoryAuditTrail(log);
  final HttpClient client = HttpClient.newHttpClient();

  /** What was answered so far, by operation and status, and the schemas that this fitted. */
  final Set<String> answered = ConcurrentHashMap.newKeySet();

  final HoldfastWeb web;
  final int port;
  private @Nullable Holdfast application;
  private @Nullable GracefulShutdown shutdown;

  private TestServer(WebSettings settings) {
    this(settings, new InMemoryOutputStorage());
  }

  private TestServer(WebSettings settings, InMemoryOutputStorage outputs) {
    this(
        settings,
        outputs,
        new SimulatedWorld(outputs::write),
        new InMemoryTaskStorage(),
        new InMemoryRecoveryStorage());
  }

  private TestServer(
      WebSettings settings,
      InMemoryOutputStorage outputs,
      SimulatedWorld world,
      InMemoryTaskStorage tasks,
      InMemoryRecoveryStorage reports) {
    this.outputs = outputs;
    this.world = world;
    this.tasks = tasks;
    this.reports = reports;
    web = new HoldfastWeb(settings, InstantSource.system());
    port = web.start();
  }

  static TestServer start() {
    return start(WebSettings.loopback(0, TOKEN, "/"));
  }

  static TestServer start(WebSettings settings) {
    var server = starting(settings);
    server.open();
    return server;
  }

  /** One whose WebSockets are looked after this often. */
  static TestServer beating(Duration heartbeat) {
    var patience = Duration.ofSeconds(30);
    return start(
        WebSettings.loopback(0, TOKEN, "/")
            .withLimits(
                new WebSettings.Limits(1_048_576, 100, patience, patience, patience, heartbeat)));
  }

  /** One that has not recovered yet. */
  static TestServer starting(WebSettings settings) {
    return new TestServer(settings);
  }

  /** Ends as by kill -9, and goes on as another server in the same world. */
  TestServer crashed() {
    return on(new InMemoryTaskStorage(dead()));
  }

  /** The same with a copy of the data directory that nobody has accepted. */
  TestServer copied() {
    var copy = new InMemoryTaskStorage(dead());
    copy.copied("the data directory is a copy");
    return on(copy);
  }

  private InMemoryTaskStorage.Content dead() {
    var content = tasks.crash();
    close();
    return content;
  }

  private TestServer on(InMemoryTaskStorage storage) {
    var server =
        new TestServer(WebSettings.loopback(0, TOKEN, "/"), outputs, world, storage, reports);
    server.open();
    return server;
  }

  void open() {
    open(outputs);
  }

  GracefulShutdown shutdown() {
    return Objects.requireNonNull(shutdown, "open first");
  }

  /** With outputs other than those that {@link #world} writes. */
  void open(OutputStorage readFrom) {
    var ports =
        new Ports(
            tasks,
            readFrom,
            new SimulatedProcessControl(world),
            reports,
            stateFiles,
            snapshots,
            new InMemoryScrubbing(),
            log,
            audit);
    audit.journal(tasks::changes);
    var begun =
        new GracefulShutdown(LIMIT, ShutdownTasks.DRAIN, InstantSource.system(), ports, line -> {});
    shutdown = begun;
    try {
      application =
          Holdfast.start(
              ports,
              64,
              new Holdfast.Intervals(
                  Duration.ofSeconds(30), Duration.ofMinutes(5), Duration.ofMinutes(10)),
              InstantSource.system(),
              new SecureRandom(),
              begun::draining);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    web.open(application, begun);
  }

  Holdfast application() {
    if (application == null) {
      throw new IllegalStateException("not open");
    }
    return application;
  }

  URI uri(String path) {
    return URI.create("http://127.0.0.1:" + port + path);
  }

  HttpRequest.Builder request(String method, String path, @Nullable String body) {
    var request =
        HttpRequest.newBuilder(uri(path))
            .timeout(LIMIT)
            .header("Authorization", "Bearer " + TOKEN)
            .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
    return body == null ? request : request.header("Content-Type", "application/json");
  }

  HttpResponse<String> send(String method, String path, @Nullable String body, String... headers) {
    var request = request(method, path, body);
    return send(headers.length == 0 ? request : request.headers(headers));
  }

  HttpResponse<String> get(String path, String... headers) {
    return send("GET", path, null, headers);
  }

  HttpResponse<String> post(String path, String body) {
    return send("POST", path, body);
  }

  HttpResponse<String> send(HttpRequest.Builder builder) {
    HttpRequest request = builder.build();
    try {
      HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
      answered.addAll(OpenApi.hold(request, response));
      return response;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Submits a task and returns its id. */
  String submit(String body) {
    HttpResponse<String> response = post("/api/tasks", body);
    if (response.statusCode() != 201) {
      throw new IllegalStateException(response.statusCode() + " " + response.body());
    }
    return id(response.body());
  }

  static String id(String json) {
    Matcher matcher = ID.matcher(json);
    if (!matcher.find()) {
      throw new IllegalStateException("no id in " + json);
    }
    return matcher.group(1);
  }

  /** A request head with the right host and token; the caller adds the rest and the blank line. */
  String head(String requestLine) {
    return requestLine
        + "\r\nHost: 127.0.0.1:"
        + port
        + "\r\nAuthorization: Bearer "
        + TOKEN
        + "\r\n";
  }

  /** Sends bytes as they are and returns all that comes back until the server closes. */
  String raw(String request) throws IOException {
    try (Socket socket = connect()) {
      OutputStream out = socket.getOutputStream();
      out.write(request.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  Socket connect() throws IOException {
    var socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout((int) LIMIT.toMillis());
    return socket;
  }

  /** Reads up to and including the blank line behind the headers. */
  static String readHead(InputStream in) throws IOException {
    var head = new StringBuilder();
    while (!head.toString().endsWith("\r\n\r\n")) {
      int next = in.read();
      if (next < 0) {
        return head.toString();
      }
      head.append((char) next);
    }
    return head.toString();
  }

  static void await(String what, BooleanSupplier condition) {
    await(what, LIMIT, condition);
  }

  static void await(String what, Duration limit, BooleanSupplier condition) {
    long deadline = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("waited in vain for: " + what);
      }
      Thread.onSpinWait();
      LockSupport.parkNanos(2_000_000);
    }
  }

  @Override
  public void close() {
    try {
      web.stop(Duration.ofSeconds(2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (application != null) {
      application.close();
    }
    tasks.close();
    client.close();
  }
}

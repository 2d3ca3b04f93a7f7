package holdfast.adapters.web;

import holdfast.adapters.web.metrics.Metrics;
import holdfast.application.Audit;
import holdfast.application.GracefulShutdown;
import holdfast.application.Holdfast;
import holdfast.application.Lookup;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import io.helidon.common.socket.SocketOptions;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import java.lang.module.ModuleDescriptor;
import java.net.StandardSocketOptions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The server's face: REST, WebSocket, Server-Sent Events and probes on one port.
 *
 * <p>Its life: {@link #start} before recovery, so that probes are answered from the first moment;
 * {@link #open} when recovery is done; {@link #drain} when the server is about to go; {@link
 * #stop}. These four may be called from any thread, one after the other.
 */
public final class HoldfastWeb {
  private static final Duration SWEEP_EVERY_MAX = Duration.ofSeconds(1);
  private static final int PROLOGUE_BYTES_MAX = 8 * 1024;
  private static final int HEADER_BYTES_MAX = 16 * 1024;
  private static final int RECEIVE_BUFFER_BYTES = 256 * 1024;
  private static final int BACKLOG = 4_096;
  private static final int WRITE_BUFFER_BYTES = 16 * 1024;
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private final WebSettings settings;
  private final InstantSource clock;
  private final Connections connections;
  private final Sockets sockets;
  private final Metrics metrics;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private volatile @Nullable Holdfast application;
  private volatile String closedBecause =
      "the server is still finding out what became of its tasks";
  private volatile @Nullable Routes routes;
  private @Nullable Gate gate;
  private @Nullable FrontDoor frontDoor;
  private @Nullable WebServer server;

  /** Why connections are closed, as clients are told. */
  public enum Leaving {
    /** The server goes away; WebSocket close code 1001. */
    GOING_AWAY,
    /** It will be back soon; WebSocket close code 1012. */
    RESTARTING
  }

  public HoldfastWeb(WebSettings settings, InstantSource clock) {
    this.settings = settings;
    this.clock = clock;
    this.connections = new Connections(settings.limits());
    this.sockets = new Sockets(settings.limits().heartbeat());
    this.metrics = new Metrics(version(), connections::count, sockets::count);
  }

  private static String version() {
    ModuleDescriptor module = HoldfastWeb.class.getModule().getDescriptor();
    return module == null ? "unpackaged" : module.rawVersion().orElse("unpackaged");
  }

  /** What is counted and measured, from before the start on. */
  public Metrics metrics() {
    return metrics;
  }

  /**
   * Binds the port and answers: probes truthfully, everything else with 503 until {@link #open}.
   *
   * @return the port that was bound
   * @throws IllegalStateException if the port cannot be bound or the certificate cannot be read
   */
  public int start() {
    // The names under which the server may be addressed contain the port, which is known only once
    // it is bound: until the gate stands, the door waits for it.
    var doorway = new Doorway();
    WebServer built = build(doorway);
    try {
      built.start();
    } catch (RuntimeException e) {
      throw new IllegalStateException(
          "cannot listen on " + settings.host() + ":" + settings.port() + ": " + rootMessage(e), e);
    }
    // Helidon logs a port that it cannot bind, and returns as if all were well.
    if (!built.isRunning() || built.port() < 1) {
      throw new IllegalStateException(
          "cannot listen on "
              + settings.host()
              + ":"
              + settings.port()
              + ": the port is in use, or the address is not this machine's; set another port or"
              + " host, or stop the program that has it");
    }
    var newGate = new Gate(settings, built.port(), clock, System::nanoTime, this::goesOn);
    var door = door(newGate);
    gate = newGate;
    frontDoor = door;
    server = built;
    doorway.install(door, upgrade(newGate));
    // Not a virtual thread: it must run also when those wait for a processor.
    Thread.ofPlatform().daemon().name("web-sweep").start(this::sweepUntilStopped);
    return built.port();
  }

  /** Before recovery nothing is known of any run, and nothing is let through but probes. */
  private boolean goesOn(RunRef run) {
    Holdfast recovered = application;
    return recovered == null
        || (recovered.state().task(run.task()) instanceof Lookup.Found<Stored<Task>>(var stored)
            && stored.entity().state().name().isActive()
            && stored.entity().lastRun().filter(run::equals).isPresent());
  }

  private FrontDoor door(Gate newGate) {
    var probes = health().probes();
    return new FrontDoor(
        newGate,
        new Routes(probes),
        () -> routes,
        this::audit,
        () -> closedBecause,
        settings.limits().bodyBytesMax());
  }

  /** All that is answered, or null before {@link #open}. */
  @Nullable Routes routes() {
    return routes;
  }

  private @Nullable Audit audit() {
    Holdfast recovered = application;
    return recovered == null ? null : recovered.audit();
  }

  private HealthRoutes health() {
    return new HealthRoutes(() -> application, this::isDraining, () -> closedBecause);
  }

  private SocketUpgrade upgrade(Gate newGate) {
    return new SocketUpgrade(newGate, sockets, settings.limits().bodyBytesMax(), clock);
  }

  /** Says why no requests are let through to an application, in place of the usual words. */
  public void refuse(String why) {
    closedBecause = why;
  }

  /**
   * Lets requests through to the application.
   *
   * @param shutdown is begun by whoever asks for it
   */
  public void open(Holdfast recovered, GracefulShutdown shutdown) {
    Gate guard = gate;
    if (guard == null) {
      throw new IllegalStateException("start comes before open");
    }
    var rendering = new Rendering(recovered.outputs());
    var specs = new SpecReading(settings.workingDirectory());
    var calls = new TaskCalls(recovered, rendering, specs);
    HealthRoutes health = health();
    var all = new ArrayList<Route>();
    all.addAll(health.probes());
    all.add(health.overview());
    all.addAll(new TaskRoutes(recovered, calls, rendering).routes());
    all.addAll(
        new OutputRoutes(recovered, settings.limits().heartbeat(), this::isDraining).routes());
    all.addAll(new InitiativeRoutes(recovered).routes());
    all.addAll(new RecoveryRoutes(recovered, calls).routes());
    all.addAll(new SyncRoutes(recovered, new SyncJson(recovered, rendering)).routes());
    all.addAll(new SnapshotRoutes(recovered).routes());
    all.add(new LogRoutes(recovered).route());
    all.add(new AuditRoute(recovered).route());
    all.add(new ShutdownRoute(recovered, shutdown).route());
    all.add(new LaunchRoute(guard, settings.tls() != null || settings.behindProxy()).route());
    all.add(upgrade(guard).route());
    all.add(MetricsRoute.of(metrics));
    all.addAll(DocumentRoutes.routes());
    recovered.health().watchSockets(() -> connections.health(sockets.count()));
    metrics.begin(recovered);
    sockets.open(new SocketServices(recovered, calls, rendering, metrics));
    application = recovered;
    routes = new Routes(all);
  }

  /**
   * A URL that lets a browser in, once, within ten minutes.
   *
   * @return empty if no token is asked for, and so none is needed
   */
  public Optional<String> launchUrl() {
    Gate guard = gate;
    WebServer running = server;
    if (guard == null || running == null) {
      throw new IllegalStateException("start comes before the launch URL");
    }
    Sessions sessions = guard.sessions();
    return sessions == null
        ? Optional.empty()
        : Optional.of(url(running.port()) + LaunchRoute.PATH + "?code=" + sessions.newCode());
  }

  /** Where the server is reached, such as {@code http://127.0.0.1:3000}. */
  private String url(int port) {
    String host = settings.host().indexOf(':') >= 0 ? "[" + settings.host() + "]" : settings.host();
    return (settings.tls() == null ? "http://" : "https://") + host + ":" + port;
  }

  /**
   * Takes no new connections and refuses new requests on those there are. Requests in flight and
   * WebSockets go on. Returns at once; idempotent.
   */
  public void stopAccepting() {
    connections.drain();
    FrontDoor door = frontDoor;
    if (door != null) {
      door.drain();
    }
  }

  /** As {@link #stopAccepting}, and says good-bye to every WebSocket. */
  public void drain(Leaving leaving) {
    stopAccepting();
    sockets.drain(leaving);
  }

  /**
   * Says good-bye to every WebSocket, waits until the last frames are written, but no longer than
   * {@code limit}, and cuts off those whose clients do not read. After {@link #stopAccepting}.
   */
  public void closeSockets(Leaving leaving, Duration limit) throws InterruptedException {
    sockets.drain(leaving);
    await(() -> sockets.count() == 0, limit);
    sockets.sever();
  }

  /**
   * Waits for the requests in flight and the last frames, but no longer than {@code limit}, then
   * closes everything. Idempotent.
   */
  public void stop(Duration limit) throws InterruptedException {
    drain(Leaving.GOING_AWAY);
    FrontDoor door = frontDoor;
    await(() -> (door == null || door.inFlight() == 0) && sockets.count() == 0, limit);
    sockets.sever();
    WebServer running = server;
    if (running != null) {
      running.stop();
      server = null;
    }
    stopped.countDown();
  }

  private static void await(BooleanSupplier wanted, Duration limit) throws InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    while (!wanted.getAsBoolean() && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(LOOK_NANOS);
      if (Thread.interrupted()) {
        throw new InterruptedException("interrupted while the last answers were being written");
      }
    }
  }

  private boolean isDraining() {
    FrontDoor door = frontDoor;
    return door != null && door.isDraining();
  }

  private void sweepUntilStopped() {
    long pauseMillis =
        Math.clamp(settings.limits().heartbeat().toMillis() / 4, 10, SWEEP_EVERY_MAX.toMillis());
    try {
      while (!stopped.await(pauseMillis, TimeUnit.MILLISECONDS)) {
        connections.sweep();
        sockets.sweep();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private WebServer build(Doorway doorway) {
    var http1 =
        Http1Config.builder()
            .maxPrologueLength(PROLOGUE_BYTES_MAX)
            .maxHeadersSize(HEADER_BYTES_MAX)
            .sendKeepAliveHeader(false)
            .build();
    var selector = Http1ConnectionSelector.builder().config(http1).addUpgrader(doorway).build();
    var options = SocketOptions.builder().tcpNoDelay(true).build();
    var builder =
        WebServer.builder()
            .host(settings.host())
            .port(settings.port())
            .backlog(BACKLOG)
            .shutdownHook(false)
            .protocolsDiscoverServices(false)
            .featuresDiscoverServices(false)
            // One buffer a connection instead of two, and large answers in one write.
            .useNio(false)
            .writeBufferSize(WRITE_BUFFER_BYTES)
            .putListenerSocketOption(StandardSocketOptions.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            .putListenerSocketOption(StandardSocketOptions.SO_REUSEADDR, true)
            .connectionOptions(connections.watching(options))
            .addConnectionSelector(connections.watching(selector))
            .directHandlers(EarlyProblems.handlers())
            // Lets our handler see the message, which it does not pass on.
            .errorHandling(handling -> handling.includeEntity(true))
            .idleConnectionTimeout(Duration.ofDays(1))
            .addRouting(HttpRouting.builder().addFilter(doorway).any(doorway));
    if (settings.tls() != null) {
      builder.tls(TlsMaterial.read(settings.tls(), clock.instant()));
    }
    return builder.build();
  }

  private static String rootMessage(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return String.valueOf(cause.getMessage());
  }
}

package holdfast.bootstrap;

import holdfast.adapters.file.FileStorage;
import holdfast.adapters.file.FileStorageException;
import holdfast.adapters.file.PrivateFile;
import holdfast.adapters.file.RepeatedFailureException;
import holdfast.adapters.process.LinuxProcessControl;
import holdfast.adapters.web.HoldfastWeb;
import holdfast.adapters.web.WebSettings;
import holdfast.application.GracefulShutdown;
import holdfast.application.GracefulShutdown.Step;
import holdfast.application.Holdfast;
import holdfast.application.Ports;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One server, from its configuration to its exit code: puts the concrete adapters into the ports,
 * and takes everything down again in order when it is signalled.
 */
final class Server {
  private static final Duration LAST_REQUESTS_MAX = Duration.ofSeconds(10);

  /** For those who wait for an answer when the journal fails: they are told that it is unknown. */
  private static final Duration LAST_ANSWERS_MAX = Duration.ofSeconds(2);

  private final Configuration configuration;
  private final InstantSource clock = InstantSource.system();
  private final CompletableFuture<Integer> exit = new CompletableFuture<>();
  private final CompletableFuture<URI> address = new CompletableFuture<>();
  private volatile @Nullable Holdfast holdfast;
  private volatile boolean standingBy;
  private volatile Runnable answering = () -> {};
  private volatile Runnable ending = () -> exit.complete(ExitCode.OK);

  /**
   * @throws ConfigurationException if the configuration cannot be used
   */
  Server(Map<String, String> options, Map<String, String> environment) {
    configuration = configuration(options, environment);
    for (String variable : Settings.WITHOUT_EFFECT) {
      if (environment.containsKey(variable)) {
        say(variable + " is set but has no effect in this version");
      }
    }
  }

  /**
   * What is in force for these options and variables and the data directory they name.
   *
   * @throws FileStorageException if the file in it is open to others, or none
   */
  static Configuration configuration(Map<String, String> options, Map<String, String> environment) {
    Path data = Configuration.early(Settings.DATA_DIR, options, environment);
    Path file = data.resolve("config.yaml");
    Map<String, String> values =
        PrivateFile.read(file)
            .map(yaml -> ConfigurationFile.parse(yaml, file.toString()))
            .orElse(Map.of());
    return Configuration.of(options, environment, values, file.toString());
  }

  /** Runs until a signal or a failure ends it; returns the exit code. */
  int run() {
    try (FileStorage storage =
        FileStorage.open(Storage.settings(configuration, clock, this::journalFailed))) {
      return run(storage);
    } catch (FileStorageException unusable) {
      say(String.valueOf(unusable.getMessage()));
      return unusable.exitCode();
    } finally {
      address.completeExceptionally(new IllegalStateException("the server has ended"));
    }
  }

  private int run(FileStorage storage) {
    @Nullable String token = AdminToken.of(configuration).orElse(null);
    try (var processes = new LinuxProcessControl(processSettings(storage))) {
      Ports ports = Storage.ports(storage, processes);
      var web = new HoldfastWeb(webSettings(token), clock);
      ports.tasks().meter(web.metrics());
      var shutdown =
          new GracefulShutdown(configuration.get(Settings.SHUTDOWN_TIMEOUT), clock, ports);
      answering = () -> stop(web, LAST_ANSWERS_MAX);
      ending = () -> shutDown(shutdown, ports, web, storage);
      Signals.onEnd(ending, () -> Runtime.getRuntime().halt(ExitCode.OK));
      int port = listen(web);
      begin(ports, shutdown, web);
      if (holdfast != null && !shutdown.draining()) {
        announce(web, port);
      }
      return exit.join();
    }
  }

  /** Where the server is reached, once it is ready. */
  CompletableFuture<URI> address() {
    return address;
  }

  /** Ends the server as a signal would. */
  void end() {
    ending.run();
  }

  private int listen(HoldfastWeb web) {
    try {
      return web.start();
    } catch (IllegalStateException refused) {
      throw new ConfigurationException(String.valueOf(refused.getMessage()));
    }
  }

  /** Recovers and opens the doors. A signal in the meantime ends the wait, not the recovery. */
  private void begin(Ports ports, GracefulShutdown shutdown, HoldfastWeb web) {
    try {
      Holdfast recovered =
          Holdfast.start(
              ports,
              configuration.get(Settings.MAX_RUNNING),
              new Holdfast.Intervals(
                  configuration.get(Settings.SYNC_INTERVAL),
                  configuration.get(Settings.SNAPSHOT_INTERVAL),
                  configuration.get(Settings.SCRUB_INTERVAL),
                  configuration.get(Settings.SYNC_STRATEGY)),
              clock,
              new SecureRandom(),
              shutdown::draining);
      holdfast = recovered;
      web.open(recovered);
    } catch (RepeatedFailureException hopeless) {
      // A restart loop would only do harm: the server stays, says why, and waits for a person.
      say(String.valueOf(hopeless.getMessage()));
      web.refuse(String.valueOf(hopeless.getMessage()));
      standingBy = true;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted during recovery", interrupted);
    }
  }

  private void announce(HoldfastWeb web, int port) {
    web.launchUrl().ifPresent(url -> say("open in a browser, once: " + url));
    String host = configuration.get(Settings.HOST);
    String scheme = configuration.find(Settings.TLS_CERT).isPresent() ? "https" : "http";
    String name = host.contains(":") ? "[" + host + "]" : host;
    URI reached = URI.create(scheme + "://" + name + ":" + port);
    System.out.println("READY " + reached);
    System.out.flush();
    address.complete(reached);
  }

  private void shutDown(
      GracefulShutdown shutdown, Ports ports, HoldfastWeb web, FileStorage storage) {
    try {
      if (standingBy) {
        storage.failuresNoticed();
      }
      List<String> unfinished =
          shutdown.run(
              List.of(
                  new Step("stop accepting", () -> web.drain(HoldfastWeb.Leaving.RESTARTING)),
                  new Step("finish requests", () -> stop(web, LAST_REQUESTS_MAX)),
                  new Step("stop services", () -> ifRunning(Holdfast::close)),
                  new Step("final sync", () -> ifRunning(Holdfast::finalSync)),
                  new Step("final snapshot", () -> ifRunning(Holdfast::finalSnapshot)),
                  new Step("let go of processes", ports.processes()::close),
                  new Step("close storage", storage::close)));
      if (!unfinished.isEmpty()) {
        say("not finished within the shutdown timeout: " + String.join(", ", unfinished));
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } finally {
      exit.complete(ExitCode.OK);
    }
  }

  private static void stop(HoldfastWeb web, Duration limit) {
    try {
      web.stop(limit);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void ifRunning(Consumer<Holdfast> action) {
    Holdfast running = holdfast;
    if (running != null) {
      action.accept(running);
    }
  }

  /** Nothing may be acknowledged any more: a supervisor's restart finds out what is durable. */
  private void journalFailed(Throwable failure) {
    say("the journal failed, and only a restart can tell what is durable: " + failure.getMessage());
    // Nothing is committed any more, whatever happens meanwhile; nothing of it may delay the end.
    Thread answers = Thread.ofPlatform().daemon().name("holdfast-last-answers").start(answering);
    try {
      answers.join(LAST_ANSWERS_MAX);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } finally {
      Runtime.getRuntime().halt(ExitCode.JOURNAL_FAILED);
    }
  }

  private LinuxProcessControl.Settings processSettings(FileStorage storage) {
    return LinuxProcessControl.Settings.of(
        storage::runDirectory,
        configuration.get(Settings.DATA_DIR),
        storage.quarantineDirectory(),
        configuration.get(Settings.OUTPUT_QUOTA),
        System.getenv());
  }

  private WebSettings webSettings(@Nullable String token) {
    WebSettings.@Nullable TlsFiles tls =
        configuration.find(Settings.TLS_CERT).isEmpty()
            ? null
            : new WebSettings.TlsFiles(
                configuration.get(Settings.TLS_CERT), configuration.get(Settings.TLS_KEY));
    return new WebSettings(
        configuration.get(Settings.HOST),
        configuration.get(Settings.PORT),
        token,
        Set.copyOf(configuration.get(Settings.ALLOWED_HOSTS)),
        tls,
        configuration.get(Settings.BEHIND_PROXY),
        Path.of("").toAbsolutePath().toString(),
        WebSettings.Limits.USUAL);
  }

  private static void say(String line) {
    System.err.println("holdfast: " + line);
  }
}

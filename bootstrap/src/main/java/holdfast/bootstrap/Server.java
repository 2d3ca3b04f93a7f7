package holdfast.bootstrap;

import holdfast.adapters.file.FileStorage;
import holdfast.adapters.file.FileStorageException;
import holdfast.adapters.file.PrivateFile;
import holdfast.adapters.file.RepeatedFailureException;
import holdfast.adapters.process.LinuxProcessControl;
import holdfast.adapters.web.HoldfastWeb;
import holdfast.application.GracefulShutdown;
import holdfast.application.GracefulShutdown.Begun;
import holdfast.application.GracefulShutdown.Step;
import holdfast.application.Holdfast;
import holdfast.application.Ports;
import holdfast.application.ShutdownTasks;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.task.Task;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One server, from its configuration to its exit code: puts the concrete adapters into the ports,
 * and takes everything down again in order when it is signalled.
 */
final class Server {
  private static final Duration LAST_REQUESTS_MAX = Duration.ofSeconds(10);

  /** What a client needs to take its last frames; who does not read would take for ever. */
  private static final Duration LAST_FRAMES_MAX = Duration.ofSeconds(3);

  /** Tasks that are named when they outlive a shutdown that waited for them. */
  private static final int LEFT_NAMED_MAX = 20;

  /** For those who wait for an answer when the journal fails: they are told that it is unknown. */
  private static final Duration LAST_ANSWERS_MAX = Duration.ofSeconds(2);

  /** When the shutdown timeout is over: for saying so. */
  private static final Duration LAST_WORD_MAX = Duration.ofMillis(200);

  private final Configuration configuration;
  private final InstantSource clock = InstantSource.system();
  private final CompletableFuture<Integer> exit = new CompletableFuture<>();
  private final CompletableFuture<URI> address = new CompletableFuture<>();
  private final CompletableFuture<GracefulShutdown> shutdown = new CompletableFuture<>();

  /** Completed when recovery is over, however it ended. */
  private final CompletableFuture<Boolean> recovered = new CompletableFuture<>();

  private volatile @Nullable Holdfast holdfast;
  private volatile boolean standingBy;
  private volatile Runnable answering = () -> {};

  /**
   * @throws ConfigurationException if the configuration cannot be used
   */
  Server(Map<String, String> options, Map<String, String> environment) {
    configuration = configuration(options, environment);
    // Before anything is made or changed for a start that cannot be.
    Web.requireUsableTls(configuration, clock.instant());
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
    Signals.onEnd(this::end, Server::endAtOnce);
    try (FileStorage storage =
        FileStorage.open(Storage.settings(configuration, clock, this::journalFailed))) {
      return run(storage);
    } catch (FileStorageException unusable) {
      say(String.valueOf(unusable.getMessage()));
      return unusable.exitCode();
    } finally {
      address.completeExceptionally(new IllegalStateException("the server has ended"));
      shutdown.cancel(false);
    }
  }

  private int run(FileStorage storage) {
    @Nullable Tokens tokens = Tokens.of(configuration).orElse(null);
    try (var processes = new LinuxProcessControl(processSettings(storage, tokens))) {
      Ports ports = Storage.ports(storage, processes);
      UnforeseenErrors.into(
          data -> ifRunning(server -> server.note(Category.ERROR, "internal-error", data)));
      var web = new HoldfastWeb(Web.settings(configuration, tokens), clock);
      ports.tasks().meter(web.metrics());
      var ending =
          new GracefulShutdown(
              configuration.get(Settings.SHUTDOWN_TIMEOUT),
              configuration.get(Settings.SHUTDOWN_TASKS),
              clock,
              ports,
              Server::say);
      answering = () -> stop(web, LAST_ANSWERS_MAX);
      ending.onBegin(
          how -> {
            // At once: whoever has been told of the shutdown is not to find work still taken.
            ifRunning(Holdfast::beginNothingNew);
            Thread.ofPlatform()
                .name("holdfast-shutdown")
                .start(() -> shutDown(ending, how, ports, web, storage));
          });
      int port = listen(web);
      shutdown.complete(ending);
      try {
        begin(ports, ending, web);
      } finally {
        recovered.complete(true);
      }
      if (holdfast != null && !ending.draining()) {
        announce(web, port);
      }
      return exit.join();
    }
  }

  /** Where the server is reached, once it is ready. */
  CompletableFuture<URI> address() {
    return address;
  }

  /** Ends the server as a signal would, as soon as it stands. */
  void end(String cause) {
    GracefulShutdown ending;
    try {
      ending = shutdown.join();
    } catch (CancellationException ended) {
      return;
    }
    if (!ending.begin(cause, null)) {
      say(cause + ": the shutdown goes on, but waits for tasks no longer");
      ending.hasten();
    }
  }

  private static void endAtOnce(String signal) {
    say(signal + " again: ended at once; the next start recovers");
    Runtime.getRuntime().halt(ExitCode.OK);
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
      Holdfast started =
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
      holdfast = started;
      if (!shutdown.draining()) {
        web.open(started, shutdown);
      }
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
      GracefulShutdown ending, Begun how, Ports ports, HoldfastWeb web, FileStorage storage) {
    // Whatever hangs, and wherever, the process is gone when the time is over.
    Thread.ofPlatform().daemon().name("holdfast-shutdown-limit").start(() -> endAfterLimit(ending));
    try {
      if (standingBy) {
        storage.failuresNoticed();
      }
      ending.run(steps(ending, how, ports, web, storage));
      if (!recovered.isDone()) {
        say("ended while it recovered; the next start recovers");
        Runtime.getRuntime().halt(ExitCode.OK);
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } finally {
      exit.complete(ExitCode.OK);
    }
  }

  private static void endAfterLimit(GracefulShutdown ending) {
    try {
      Thread.sleep(ending.limit());
      String over = "the shutdown timeout is over at \"" + ending.current() + "\"";
      // What hangs may be stderr itself: a pipe that is full and that nobody reads.
      Thread.ofPlatform()
          .daemon()
          .start(() -> say(over + ": ended all the same"))
          .join(LAST_WORD_MAX);
      Runtime.getRuntime().halt(ExitCode.OK);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** In the order in which nothing loses what it still needs. */
  private List<Step> steps(
      GracefulShutdown ending, Begun how, Ports ports, HoldfastWeb web, FileStorage storage) {
    var steps = new ArrayList<Step>();
    if (!recovered.isDone()) {
      steps.add(new Step("finish recovery", this::finishRecovery));
    }
    steps.add(Step.of("refuse new work", () -> ifRunning(Holdfast::beginNothingNew)));
    if (how.tasks() != ShutdownTasks.KEEP) {
      String name = how.tasks() == ShutdownTasks.DRAIN ? "wait for tasks" : "stop tasks";
      steps.add(new Step(name, limit -> endTasks(how.tasks(), limit, ending)));
    }
    steps.add(Step.of("stop accepting", web::stopAccepting));
    steps.add(new Step("close WebSockets", limit -> closeSockets(web, limit)));
    steps.add(new Step("finish requests", limit -> finishRequests(web, limit)));
    steps.add(Step.of("stop services", () -> ifRunning(Holdfast::close)));
    steps.add(Step.of("copy outputs", () -> ifRunning(Holdfast::finalCopies)));
    steps.add(Step.of("final sync", () -> ifRunning(Holdfast::finalSync)));
    steps.add(Step.of("final snapshot", () -> ifRunning(Holdfast::finalSnapshot)));
    steps.add(Step.of("let go of processes", ports.processes()::close));
    steps.add(
        Step.of("end audit trail", () -> ifRunning(running -> running.endAudit(how.cause()))));
    steps.add(Step.of("close storage", () -> closeUnlessRecovering(storage)));
    return steps;
  }

  private static List<String> closeSockets(HoldfastWeb web, Duration limit) {
    try {
      web.closeSockets(HoldfastWeb.Leaving.RESTARTING, least(limit, LAST_FRAMES_MAX));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    return List.of();
  }

  private static List<String> finishRequests(HoldfastWeb web, Duration limit) {
    stop(web, least(limit, LAST_REQUESTS_MAX));
    return List.of();
  }

  private List<String> finishRecovery(Duration limit) {
    try {
      recovered.get(limit.toNanos(), TimeUnit.NANOSECONDS);
      return List.of();
    } catch (TimeoutException overrun) {
      return List.of("the recovery of this start; the next one begins it anew");
    } catch (ExecutionException impossible) {
      throw new IllegalStateException(impossible);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return List.of("the recovery of this start: nobody waited for it");
    }
  }

  private List<String> endTasks(ShutdownTasks policy, Duration limit, GracefulShutdown ending) {
    Holdfast running = holdfast;
    List<Task> left =
        running == null ? List.of() : running.endTasks(policy, limit, ending::isHastened);
    if (left.isEmpty()) {
      return List.of();
    }
    String named =
        left.stream()
            .limit(LEFT_NAMED_MAX)
            .map(task -> task.id() + " " + task.state().name())
            .collect(Collectors.joining(", "));
    String more =
        left.size() > LEFT_NAMED_MAX ? " and " + (left.size() - LEFT_NAMED_MAX) + " more" : "";
    String what =
        policy == ShutdownTasks.STOP
            ? " being stopped still, which the next start goes on with: "
            : " running on, to be adopted by the next start: ";
    return List.of((left.size() == 1 ? "1 task" : left.size() + " tasks") + what + named + more);
  }

  /** What is still being read must not be closed; a start is as good after a kill. */
  private void closeUnlessRecovering(FileStorage storage) {
    if (recovered.isDone()) {
      storage.closeJournal();
    }
  }

  private static Duration least(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
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

  private LinuxProcessControl.Settings processSettings(
      FileStorage storage, @Nullable Tokens tokens) {
    return LinuxProcessControl.Settings.of(
            storage::runDirectory,
            configuration.get(Settings.DATA_DIR),
            storage.quarantineDirectory(),
            configuration.get(Settings.OUTPUT_QUOTA),
            System.getenv())
        .withToken(run -> tokens == null ? null : tokens.ofTasks().of(run));
  }

  private static void say(String line) {
    System.err.println("holdfast: " + line);
  }
}

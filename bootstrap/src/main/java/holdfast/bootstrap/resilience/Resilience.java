package holdfast.bootstrap.resilience;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/**
 * {@code holdfast resilience}: breaks a server in a scratch directory in every way that it promises
 * to survive, and says what came of it. Stands outside of what it tests: it knows the server by its
 * command line, its API and its files alone.
 *
 * <p>A {@code Drill} is one test. It gathers an observation and hands it to a pure function that
 * names every promise it breaks, so that the judgement itself can be tested against observations
 * that are wrong in one thing each.
 */
public final class Resilience {
  private static final int FAILED = 1;
  private static final int NO_AUTHORITY = 4;
  private static final int UNREACHABLE = 6;
  private static final int AT_ONCE_MAX = 4;

  /** Far beyond what a busy machine takes; whatever hangs ends then. */
  private static final Duration RUN_MAX = Duration.ofMinutes(5);

  private final Request request;
  private final Caller caller;
  private final Report report;

  /**
   * Who runs it.
   *
   * @param environment of this process
   * @param variables in it that configure a server
   * @param directories of the user's, which stay as they are
   */
  public record Caller(
      Map<String, String> environment,
      Collection<String> variables,
      List<Path> directories,
      PrintStream out,
      PrintStream err) {}

  private Resilience(Request request, Caller caller) {
    this.request = request;
    this.caller = caller;
    report = new Report(request.json(), caller.out());
  }

  /** Options and help text. */
  public static CommandSpec spec() {
    return Request.spec();
  }

  /** Runs the tests to their end; the exit code. */
  public static int run(ParseResult parsed, Caller caller) {
    var resilience = new Resilience(Request.of(parsed), caller);
    try {
      @Nullable URI server = resilience.request.server();
      return server == null ? resilience.runHere() : resilience.runAgainst(server);
    } catch (IOException failure) {
      return resilience.fail(FAILED, String.valueOf(failure.getMessage()));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return resilience.fail(FAILED, "interrupted");
    }
  }

  private int fail(int exitCode, String message) {
    caller.err().println("holdfast: " + message);
    return exitCode;
  }

  private int runAgainst(URI server) throws IOException, InterruptedException {
    var api = new Api(server, request.token());
    Api.Reply health;
    try {
      health = api.send("GET", "/api/health", null);
    } catch (IOException unreachable) {
      String why = unreachable.getMessage() == null ? "" : ": " + unreachable.getMessage();
      return fail(UNREACHABLE, "no server answers at " + server + why);
    }
    if (health.status() == 401 || health.status() == 403) {
      return fail(
          NO_AUTHORITY,
          server
              + (request.token() == null
                  ? " wants a token: name its file with --token-file"
                  : " does not take the token of that file"));
    }
    if (!health.body().contains("\"components\"")) {
      return fail(UNREACHABLE, server + " is no Holdfast server: " + health.status());
    }
    long begun = System.nanoTime();
    for (Drill drill : request.drills()) {
      report.add(timed(drill, () -> drill.against(api)));
    }
    return report.close(Duration.ofNanos(System.nanoTime() - begun), null) ? 0 : FAILED;
  }

  private int runHere() throws IOException, InterruptedException {
    List<String> lacks = Platform.USUAL.lacks();
    if (!lacks.isEmpty()) {
      return fail(FAILED, "this machine lacks what it takes: " + String.join("; ", lacks));
    }
    List<Path> absent = caller.directories().stream().filter(path -> !Files.exists(path)).toList();
    Path root = Files.createTempDirectory("holdfast-resilience-").toRealPath();
    List<String> arguments =
        ProcessHandle.current().info().arguments().map(List::of).orElse(List.of());
    var launch = Launch.of(arguments, caller.environment(), caller.variables(), root);
    var scratch = new Scratch(root, request.keep(), launch);
    var hook = new Thread(() -> clear(scratch), "holdfast-resilience-clear");
    Runtime.getRuntime().addShutdownHook(hook);
    long begun = System.nanoTime();
    try {
      runAll(scratch);
    } finally {
      scratch.clear();
    }
    Runtime.getRuntime().removeShutdownHook(hook);
    List<Path> made = absent.stream().filter(Files::exists).toList();
    @Nullable String kept = request.keep() ? root.toString() : null;
    boolean sound = report.close(Duration.ofNanos(System.nanoTime() - begun), kept);
    if (kept != null) {
      caller.err().println("holdfast: everything that was written is in " + kept);
    }
    return made.isEmpty()
        ? sound ? 0 : FAILED
        : fail(FAILED, "made in the meantime, not by these tests as far as known: " + made);
  }

  /** When the run is cut short. */
  private void clear(Scratch scratch) {
    try {
      caller.err().println("holdfast: cut short; ending what was started");
      scratch.clear();
    } catch (IOException | BrokenPromiseException failure) {
      caller.err().println("holdfast: " + failure.getMessage());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void runAll(Scratch scratch) throws InterruptedException {
    int processors = Runtime.getRuntime().availableProcessors();
    long deadline = System.nanoTime() + RUN_MAX.toNanos();
    ExecutorService pool = Executors.newFixedThreadPool(Math.clamp(processors, 2, AT_ONCE_MAX));
    try {
      var running = new ArrayList<Future<Result>>();
      for (Drill drill : request.drills()) {
        running.add(pool.submit(() -> timed(drill, () -> drill.run(bench(scratch, drill)))));
      }
      for (int i = 0; i < running.size(); i++) {
        report.add(await(running.get(i), request.drills().get(i), deadline));
      }
    } finally {
      pool.shutdownNow();
    }
  }

  private Bench bench(Scratch scratch, Drill drill) throws IOException {
    return new Bench(scratch, scratch.directory(drill.name()), caller.directories());
  }

  private static Result await(Future<Result> running, Drill drill, long deadline)
      throws InterruptedException {
    try {
      return running.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException hangs) {
      running.cancel(true);
      return new Result(
          drill.name(), new Outcome.Failed("not over after " + Spell.of(RUN_MAX)), RUN_MAX);
    } catch (ExecutionException bug) {
      throw new IllegalStateException(bug.getCause());
    }
  }

  /** Runs a drill; whatever it throws is its outcome. */
  private static Result timed(Drill drill, Callable<Outcome> run) {
    long begun = System.nanoTime();
    Outcome outcome;
    try {
      outcome = run.call();
    } catch (BrokenPromiseException broken) {
      outcome = new Outcome.Failed(String.valueOf(broken.getMessage()));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      outcome = new Outcome.Failed("interrupted");
    } catch (RuntimeException unreadable) {
      outcome = new Outcome.Failed("an answer is not as the contract has it: " + unreadable);
    } catch (Exception unexpected) {
      outcome = new Outcome.Failed(unexpected.toString());
    }
    return new Result(drill.name(), outcome, Duration.ofNanos(System.nanoTime() - begun));
  }
}

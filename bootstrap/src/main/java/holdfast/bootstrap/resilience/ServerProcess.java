package holdfast.bootstrap.resilience;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A server of this run: a process of its own with a data directory of its own. */
final class ServerProcess implements AutoCloseable {
  private static final Duration END_MAX = Duration.ofSeconds(40);

  private final Process process;
  private final Path data;
  private final URI address;
  private final Duration start;

  private ServerProcess(Process process, Path data, URI address, Duration start) {
    this.process = process;
    this.data = data;
    this.address = address;
    this.start = start;
  }

  /**
   * Waits until a process that was just started says READY.
   *
   * @param errors where it writes what it has to say
   * @throws BrokenPromiseException with the last it said, if it ends instead
   */
  static ServerProcess ready(Process process, Path data, Path errors)
      throws IOException, InterruptedException {
    long begun = System.nanoTime();
    var output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    Wait.until(
        "READY of the server in " + data,
        () -> !process.isAlive() || output.ready(),
        Boolean::booleanValue);
    @Nullable String line = output.readLine();
    if (line == null || !line.startsWith("READY http")) {
      throw new BrokenPromiseException("the server did not start: " + last(errors));
    }
    return new ServerProcess(
        process,
        data,
        URI.create(line.substring("READY ".length())),
        Duration.ofNanos(System.nanoTime() - begun));
  }

  private static String last(Path errors) throws IOException {
    List<String> lines = Files.readAllLines(errors);
    return lines.isEmpty() ? "it said nothing" : lines.getLast();
  }

  Path data() {
    return data;
  }

  long pid() {
    return process.pid();
  }

  /** How long it took until it was ready. */
  Duration start() {
    return start;
  }

  /** A client with the admin token. */
  Api api() throws IOException {
    return new Api(address, Files.readString(data.resolve("token")).strip());
  }

  /** Every file it has open, by the name under which it has it. */
  List<String> openFiles() throws IOException {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
      return descriptors.map(ServerProcess::target).toList();
    }
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException closedMeanwhile) {
      return "";
    }
  }

  /** SIGKILL, and waits until it is gone. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    awaitEnd("SIGKILL");
  }

  /** SIGTERM; the exit code. */
  int terminate() throws InterruptedException {
    process.destroy();
    return awaitEnd("SIGTERM");
  }

  boolean isAlive() {
    return process.isAlive();
  }

  private int awaitEnd(String signal) throws InterruptedException {
    if (!process.waitFor(END_MAX.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new BrokenPromiseException(
          "the server lived on for " + Spell.of(END_MAX) + " after " + signal);
    }
    return process.exitValue();
  }

  /** Kills it if it still lives; its tasks go on. */
  @Override
  public void close() {
    process.destroyForcibly();
  }
}

package holdfast.bootstrap;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The packaged distribution, started as a user would start it: module path, own process. */
final class PackagedServer implements AutoCloseable {
  private static final Duration READY_MAX = Duration.ofSeconds(60);

  private final Process process;
  private final URI address;
  private final Path dataDirectory;

  private PackagedServer(Process process, URI address, Path dataDirectory) {
    this.process = process;
    this.address = address;
    this.dataDirectory = dataDirectory;
  }

  /** Starts a server on any free port and waits until it says READY. */
  static PackagedServer start(Path dataDirectory, String... options) throws IOException {
    return start(dataDirectory, Map.of(), options);
  }

  static PackagedServer start(
      Path dataDirectory, Map<String, String> environment, String... options) throws IOException {
    return ready(launch(dataDirectory, environment, options), dataDirectory);
  }

  /** The same by a command that becomes the one behind it, such as env(1). */
  static PackagedServer startBy(List<String> command, Path dataDirectory, String... options)
      throws IOException {
    return ready(launch(command, "0", dataDirectory, Map.of(), options), dataDirectory);
  }

  /** The same on a certain port. */
  static PackagedServer startOn(String port, Path dataDirectory) throws IOException {
    return ready(launchOn(port, dataDirectory), dataDirectory);
  }

  private static PackagedServer ready(Process process, Path dataDirectory) {
    var stdout =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    var ready = CompletableFuture.supplyAsync(() -> readLine(stdout));
    try {
      String line = ready.get(READY_MAX.toSeconds(), TimeUnit.SECONDS);
      if (line == null || !line.startsWith("READY http")) {
        process.destroyForcibly();
        throw new AssertionError(
            "expected READY, got \"" + line + "\"; stderr:\n" + stderr(dataDirectory));
      }
      return new PackagedServer(process, URI.create(line.substring(6)), dataDirectory);
    } catch (InterruptedException | ExecutionException | TimeoutException failure) {
      process.destroyForcibly();
      throw new AssertionError("not ready; stderr:\n" + stderr(dataDirectory), failure);
    }
  }

  /**
   * Starts the distribution without waiting for anything; stderr goes beside the data directory.
   */
  static Process launch(Path dataDirectory, Map<String, String> environment, String... options)
      throws IOException {
    return launch(List.of(), "0", dataDirectory, environment, options);
  }

  /** The same on a certain port. */
  static Process launchOn(String port, Path dataDirectory) throws IOException {
    return launch(List.of(), port, dataDirectory, Map.of());
  }

  private static Process launch(
      List<String> by,
      String port,
      Path dataDirectory,
      Map<String, String> environment,
      String... options)
      throws IOException {
    var command = new ArrayList<String>(by);
    command.addAll(javaCommand());
    command.add("serve");
    command.addAll(List.of("--data-dir", dataDirectory.toString(), "--port", port));
    command.addAll(List.of(options));
    var builder = new ProcessBuilder(command);
    builder.environment().put("HOME", dataDirectory.getParent().toString());
    builder.environment().putAll(environment);
    builder.redirectError(ProcessBuilder.Redirect.appendTo(stderrFile(dataDirectory).toFile()));
    return builder.start();
  }

  /** Begins every command of the distribution, with the options that users' starts have. */
  static List<String> javaCommand() {
    return JavaCommand.WORDS;
  }

  private static final class JavaCommand {
    static final List<String> WORDS = words();

    private static List<String> words() {
      Path libraries = Path.of("target", "distribution", "lib").toAbsolutePath();
      var words =
          new ArrayList<String>(
              List.of(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:+UseSerialGC",
                  "-XX:InitialRAMPercentage=8",
                  "-Xmn16m",
                  "-XX:MetaspaceSize=64m",
                  "--enable-native-access=holdfast.adapters.file,holdfast.adapters.process,com.github.luben.zstd_jni",
                  "--module-path",
                  libraries.toString(),
                  "--module",
                  "holdfast.bootstrap/holdfast.bootstrap.Main"));
      words.addAll(1, StartCache.options(List.copyOf(words), libraries));
      return List.copyOf(words);
    }
  }

  /** A client with the admin token. */
  ApiClient client() throws IOException {
    return new ApiClient(address, Files.readString(dataDirectory.resolve("token")).strip());
  }

  URI address() {
    return address;
  }

  long pid() {
    return process.pid();
  }

  /** SIGKILL: nothing of the server gets a last word. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** Waits until it has ended by itself; the exit code. */
  int awaitExit() throws InterruptedException {
    if (!process.waitFor(40, TimeUnit.SECONDS)) {
      throw new AssertionError("still alive after 40 s; " + stderr(dataDirectory));
    }
    return process.exitValue();
  }

  /** SIGTERM; the exit code. */
  int terminate() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(40, TimeUnit.SECONDS)) {
      throw new AssertionError("still alive 40 s after SIGTERM; " + stderr(dataDirectory));
    }
    return process.exitValue();
  }

  static String stderr(Path dataDirectory) {
    try {
      return Files.readString(stderrFile(dataDirectory));
    } catch (IOException none) {
      return "(no stderr: " + none + ")";
    }
  }

  private static Path stderrFile(Path dataDirectory) {
    return dataDirectory.resolveSibling(dataDirectory.getFileName() + ".stderr");
  }

  private static String readLine(BufferedReader reader) {
    try {
      return reader.readLine();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Kills the server if it still lives. Its tasks go on, as they are meant to. */
  @Override
  public void close() {
    process.destroyForcibly();
  }

  /** Ends what tests have left running: the monitors of a data directory and all below them. */
  static void endTasks(Path dataDirectory) {
    ProcessHandle.allProcesses()
        .filter(handle -> handle.info().commandLine().orElse("").contains(dataDirectory.toString()))
        .forEach(
            handle -> {
              handle.descendants().forEach(ProcessHandle::destroyForcibly);
              handle.destroyForcibly();
            });
  }
}

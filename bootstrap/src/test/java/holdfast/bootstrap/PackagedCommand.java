package holdfast.bootstrap;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A command of the packaged distribution, run to its end.
 *
 * @param out what it printed on stdout
 * @param err what it printed on stderr
 */
record PackagedCommand(int exit, String out, String err) {

  static PackagedCommand run(List<String> arguments) throws IOException, InterruptedException {
    Process process = start(arguments);
    var err = CompletableFuture.supplyAsync(() -> read(process.getErrorStream()));
    String out = read(process.getInputStream());
    return new PackagedCommand(process.waitFor(), out, err.join());
  }

  static PackagedCommand run(String... arguments) throws IOException, InterruptedException {
    return run(List.of(arguments));
  }

  /** Starts it and does not wait. */
  static Process start(List<String> arguments) throws IOException {
    var command = new ArrayList<String>(PackagedServer.javaCommand());
    command.addAll(arguments);
    return new ProcessBuilder(command).start();
  }

  private static String read(java.io.InputStream stream) {
    try (stream) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "unreadable: " + e;
    }
  }
}

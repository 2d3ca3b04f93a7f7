package holdfast.bootstrap;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A server started by the script that users start, with everything the script adds. */
final class ScriptedServer implements AutoCloseable {
  private final Process process;
  private final URI address;
  private final Path data;
  private final double readySeconds;

  /**
   * Starts a server on any free port and waits until it is ready.
   *
   * @param scratch where its standard error goes
   */
  ScriptedServer(Path scratch, Path data, String... options) throws IOException {
    this.data = data;
    var command = new ArrayList<String>();
    command.add(Path.of("holdfast").toAbsolutePath().toString());
    command.addAll(List.of("serve", "--port", "0", "--data-dir", data.toString()));
    command.addAll(List.of(options));
    long begun = System.nanoTime();
    process =
        new ProcessBuilder(command)
            .redirectError(ProcessBuilder.Redirect.appendTo(scratch.resolve("stderr").toFile()))
            .start();
    String line =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))
            .readLine();
    readySeconds = (System.nanoTime() - begun) / 1e9;
    if (line == null || !line.startsWith("READY ")) {
      throw new IOException("not ready: " + line + "; see " + scratch.resolve("stderr"));
    }
    address = URI.create(line.substring(6));
  }

  URI address() {
    return address;
  }

  /** From the start of the script to the line READY. */
  double readySeconds() {
    return readySeconds;
  }

  ApiClient client() throws IOException {
    return new ApiClient(address, token());
  }

  String token() throws IOException {
    return Files.readString(data.resolve("token")).strip();
  }

  double residentMebibytes() throws IOException {
    return status("VmRSS:");
  }

  double peakMebibytes() throws IOException {
    return status("VmHWM:");
  }

  private double status(String field) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
      if (line.startsWith(field)) {
        return Double.parseDouble(line.replaceAll("\\D", "")) / 1024;
      }
    }
    throw new IOException("no " + field);
  }

  /** SIGTERM; seconds until it has ended, which must be with 0. */
  double terminate() throws InterruptedException {
    long begun = System.nanoTime();
    process.destroy();
    int exit = process.waitFor();
    if (exit != 0) {
      throw new IllegalStateException("exit code " + exit + " after SIGTERM");
    }
    return (System.nanoTime() - begun) / 1e9;
  }

  /** SIGKILL. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(40, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

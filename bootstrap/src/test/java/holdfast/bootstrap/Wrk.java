package holdfast.bootstrap;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code wrk}, from Debian's package of that name, submitting held tasks of 400 bytes. */
final class Wrk {
  private final Path script;

  /**
   * @param scratch where its script is written to
   */
  Wrk(Path scratch) throws IOException {
    script =
        Files.writeString(
            scratch.resolve("post.lua"),
            """
            wrk.method='POST'
            wrk.headers['Content-Type']='application/json'
            wrk.headers['Authorization']='Bearer '..os.getenv('TOKEN')
            wrk.body='{"command":["true"],"hold":true,"title":"'..string.rep('x',340)..'"}'
            """);
  }

  /**
   * What it measured.
   *
   * @param rate requests a second
   * @param p50 the median latency, with its unit
   * @param p99 the 99th percentile, with its unit
   * @param allTaken whether every answer was a success
   */
  record Measured(double rate, String p50, String p99, boolean allTaken) {}

  /** Submits over {@code connections} connections at once for some seconds. */
  Measured submit(URI server, String token, int connections, int seconds)
      throws IOException, InterruptedException {
    var builder =
        new ProcessBuilder(
            "wrk",
            "-t1",
            "-c" + connections,
            "-d" + seconds + "s",
            "--latency",
            "-s",
            script.toString(),
            server.resolve("/api/tasks").toString());
    builder.environment().put("TOKEN", token);
    Process wrk = builder.redirectErrorStream(true).start();
    var said = new String(wrk.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    wrk.waitFor();
    return new Measured(
        Double.parseDouble(said.replaceAll("(?s).*Requests/sec:\\s+([0-9.]+).*", "$1")),
        latency(said, "50%"),
        latency(said, "99%"),
        !said.contains("Non-2xx"));
  }

  private static String latency(String said, String percentile) {
    return said.replaceAll("(?s).*\\s" + percentile + "\\s+([0-9.a-z]+).*", "$1");
  }
}

package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonArray;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The metrics of the packaged server, judged by Prometheus itself. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class PrometheusEndToEndTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Path PACKAGING = Path.of("..", "packaging");
  private static final Pattern NAME = Pattern.compile("\\bholdfast_[a-z_]+\\b(?!\")");

  @TempDir private Path scratch;

  private static boolean isThere(String program) throws InterruptedException {
    try {
      Process process =
          new ProcessBuilder(program, "--version")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException absent) {
      return false;
    }
  }

  private static void requireProgram(String program) throws InterruptedException {
    Assumptions.assumeTrue(
        isThere(program), "needs " + program + " (Debian: apt install prometheus)");
  }

  private void check(List<String> command, String input) throws Exception {
    Path said = scratch.resolve("said");
    Path given = Files.writeString(scratch.resolve("given"), input);
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(given.toFile())
            .redirectOutput(said.toFile())
            .start();
    assertTrue(process.waitFor(30, TimeUnit.SECONDS), "promtool hangs");
    assertEquals(0, process.exitValue(), Files.readString(said));
  }

  private static String metrics(ApiClient api) throws Exception {
    HttpResponse<String> answer = api.send(api.request("/metrics").GET().build());
    assertEquals(200, answer.statusCode());
    return answer.body();
  }

  @Test
  void promtoolFindsNothingWrongWithTheMetricsAndTheRules() throws Exception {
    requireProgram("promtool");
    try (PackagedServer server = PackagedServer.start(scratch.resolve("data"))) {
      ApiClient api = server.client();
      api.awaitEnd(api.submit(RestartEndToEndTest.command("true")));
      check(List.of("promtool", "check", "metrics"), metrics(api));
    }
    Path rules = PACKAGING.resolve("prometheus/holdfast.rules.yml");
    check(List.of("promtool", "check", "rules", rules.toString()), "");
  }

  /** A dashboard that asks for what is not there shows nothing, and nobody notices. */
  @Test
  void whatDashboardAndRulesAskForIsThere() throws Exception {
    try (PackagedServer server = PackagedServer.start(scratch.resolve("data"))) {
      ApiClient api = server.client();
      api.awaitEnd(api.submit(RestartEndToEndTest.command("true")));
      ApiClient.expect(201, api.post("/api/snapshots", "{}"));
      String text = metrics(api);
      var asked = new TreeSet<String>();
      for (String file : List.of("prometheus/holdfast.rules.yml", "grafana/holdfast.json")) {
        NAME.matcher(Files.readString(PACKAGING.resolve(file)))
            .results()
            .forEach(found -> asked.add(found.group()));
      }
      assertTrue(asked.size() > 15, asked.toString());
      for (String name : asked) {
        String family = name.replaceAll("_(bucket|sum|count)$", "");
        assertTrue(text.contains("# TYPE " + family + " "), name + " is asked for and not there");
      }
    }
  }

  @Test
  void aPrometheusShowsACrashAndWhatBecameOfItsTasks() throws Exception {
    requireProgram("prometheus");
    Path data = scratch.resolve("data");
    PackagedServer first = PackagedServer.start(data);
    try {
      ApiClient api = first.client();
      String port = String.valueOf(first.address().getPort());
      try (var prometheus = ScrapingPrometheus.start(scratch, data.resolve("token"), port)) {
        api.awaitEnd(api.submit(RestartEndToEndTest.command("true")));
        String runs = api.submit(RestartEndToEndTest.command("sleep", "300"));
        api.await(runs, task -> task.getString("state").equals("RUNNING"), PATIENCE);
        prometheus.await("holdfast_tasks{state=\"RUNNING\"}", "1");
        prometheus.await("holdfast_task_outcomes_total{state=\"SUCCEEDED\"}", "1");
        prometheus.await("holdfast_task_starts_total", "2");
        first.kill();
        prometheus.await("up", "0");
        try (PackagedServer again = PackagedServer.startOn(port, data)) {
          prometheus.await("up", "1");
          prometheus.await("holdfast_recovery_tasks_total{verdict=\"ADOPTED\"}", "1");
          prometheus.await("holdfast_tasks{state=\"RUNNING\"}", "1");
          ApiClient.expect(202, again.client().post("/api/tasks/" + runs + "/kill", "{}"));
          prometheus.await("holdfast_task_outcomes_total{state=\"CANCELED\"}", "1");
          prometheus.await("holdfast_journal_sync_seconds_count > bool 0", "1");
        }
      }
    } finally {
      first.close();
      PackagedServer.endTasks(scratch);
    }
  }

  /** A real one, which asks several times a second. */
  private record ScrapingPrometheus(Process process, String address, Path log)
      implements AutoCloseable {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    static ScrapingPrometheus start(Path scratch, Path token, String target) throws Exception {
      Path configuration =
          Files.writeString(
              scratch.resolve("prometheus.yml"),
              """
              scrape_configs:
                - job_name: holdfast
                  scrape_interval: 200ms
                  scrape_timeout: 200ms
                  authorization:
                    credentials_file: %s
                  static_configs:
                    - targets: ["127.0.0.1:%s"]
              """
                  .formatted(token, target));
      String address;
      try (var free = new ServerSocket(0)) {
        address = "127.0.0.1:" + free.getLocalPort();
      }
      Path log = scratch.resolve("prometheus.log");
      Process process =
          new ProcessBuilder(
                  "prometheus",
                  "--config.file=" + configuration,
                  "--storage.tsdb.path=" + scratch.resolve("tsdb"),
                  "--web.listen-address=" + address)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      return new ScrapingPrometheus(process, address, log);
    }

    /** Waits until the only series of a query has a value. */
    void await(String query, String value) throws Exception {
      try {
        Await.until(() -> ask(query), value::equals, PATIENCE);
      } catch (AssertionError e) {
        throw new AssertionError(query + ": " + e.getMessage() + "\n" + Files.readString(log), e);
      }
    }

    private String ask(String query) throws IOException, InterruptedException {
      String path = "/api/v1/query?query=" + URLEncoder.encode(query, StandardCharsets.UTF_8);
      HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + address + path)).build();
      try {
        JsonObject answer =
            ApiClient.parse(CLIENT.send(request, HttpResponse.BodyHandlers.ofString()).body());
        JsonArray result = answer.getJsonObject("data").getJsonArray("result");
        return result.size() == 1
            ? result.getJsonObject(0).getJsonArray("value").getString(1)
            : result.size() + " series";
      } catch (java.net.ConnectException notYet) {
        return "not listening";
      }
    }

    @Override
    public void close() {
      process.destroy();
      process.onExit().orTimeout(30, TimeUnit.SECONDS).join();
    }
  }
}

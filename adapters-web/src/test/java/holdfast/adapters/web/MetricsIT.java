package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.TaskStorage.Condition;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@code /metrics} shows of what happens. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class MetricsIT {
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private String text() {
    var answer = server.get("/metrics");
    assertEquals(200, answer.statusCode());
    assertEquals(
        "text/plain; version=0.0.4; charset=utf-8",
        answer.headers().firstValue("content-type").orElseThrow());
    return answer.body();
  }

  /** The value of a series, or "absent". */
  private static String value(String text, String series) {
    return text.lines()
        .filter(line -> line.startsWith(series + " "))
        .map(line -> line.substring(series.length() + 1))
        .findFirst()
        .orElse("absent");
  }

  private void awaitValue(String series, String wanted) {
    TestServer.await(series + " " + wanted, () -> value(text(), series).equals(wanted));
  }

  @Test
  void whatBecomesOfTasksIsCounted() {
    server.post("/api/tasks", "{\"command\":[\"true\"]}");
    server.post("/api/tasks", "{\"command\":[\"false\"]}");
    server.post("/api/tasks", "{\"command\":[\"no such\"]}");
    server.post("/api/tasks", "{\"command\":[\"true\"],\"hold\":true}");
    awaitValue("holdfast_task_outcomes_total{state=\"FAILED\"}", "2.0");
    awaitValue("holdfast_task_outcomes_total{state=\"SUCCEEDED\"}", "1.0");
    String text = text();
    assertEquals("1.0", value(text, "holdfast_tasks{state=\"SUCCEEDED\"}"));
    assertEquals("1.0", value(text, "holdfast_tasks{state=\"HELD\"}"));
    assertEquals("0.0", value(text, "holdfast_tasks{state=\"RUNNING\"}"));
    assertEquals("4.0", value(text, "holdfast_task_submissions_total"));
    assertEquals("3.0", value(text, "holdfast_task_starts_total"));
    assertEquals("3", value(text, "holdfast_task_queue_seconds_count"));
    assertEquals("2", value(text, "holdfast_task_duration_seconds_count{outcome=\"exited\"}"));
    assertEquals(
        "1", value(text, "holdfast_task_duration_seconds_count{outcome=\"start-failed\"}"));
  }

  @Test
  void everySeriesIsNamedAsTheContractHasIt() {
    String text = text();
    for (String name :
        List.of(
            "holdfast_build_info",
            "holdfast_tasks",
            "holdfast_task_submissions_total",
            "holdfast_task_starts_total",
            "holdfast_task_queue_seconds",
            "holdfast_journal_sync_seconds",
            "holdfast_journal_batch_changes",
            "holdfast_journal_seq",
            "holdfast_output_bytes_total",
            "holdfast_output_copy_lag_bytes",
            "holdfast_ws_connections",
            "holdfast_sync_dirty",
            "holdfast_sync_lag_changes",
            "holdfast_sync_conflicts_open",
            "holdfast_state_file_findings_total",
            "holdfast_quarantined_total",
            "holdfast_scrub_rounds",
            "holdfast_scrub_mended_total",
            "holdfast_recovery_duration_seconds",
            "holdfast_healthy",
            "holdfast_health_status",
            "jvm_memory_used_bytes",
            "process_resident_memory_bytes",
            "process_cpu_seconds_total",
            "process_open_fds")) {
      assertTrue(text.contains("# TYPE " + name + " "), name + " is missing in " + text);
    }
    text.lines()
        .filter(line -> !line.startsWith("#"))
        .forEach(
            line ->
                assertTrue(
                    line.matches("(holdfast|jvm|process)_[a-z0-9_]+(\\{.*})? [-+0-9.EeNaInf]+"),
                    line));
  }

  @Test
  void howAComponentIsIsANumberFromWellToIll() {
    assertEquals("0.0", value(text(), "holdfast_health_status{component=\"journal\"}"));
    assertEquals("1.0", value(text(), "holdfast_healthy{component=\"journal\"}"));
    server.tasks.say(condition("is slow", null));
    assertEquals("1.0", value(text(), "holdfast_health_status{component=\"journal\"}"));
    assertEquals("0.0", value(text(), "holdfast_healthy{component=\"journal\"}"));
    server.tasks.say(condition(null, "failed"));
    assertEquals("2.0", value(text(), "holdfast_health_status{component=\"journal\"}"));
  }

  private static Condition condition(@Nullable String trouble, @Nullable String failure) {
    return new Condition(failure, null, trouble, List.of(), Duration.ZERO, 0, 0);
  }

  @Test
  void noIdOfATaskIsALabel() {
    String id = server.submit("{\"command\":[\"true\"]}");
    awaitValue("holdfast_task_outcomes_total{state=\"SUCCEEDED\"}", "1.0");
    assertFalse(text().contains(id));
  }

  @Test
  void socketsAreCounted() throws Exception {
    assertEquals("0.0", value(text(), "holdfast_ws_connections"));
    try (SocketClient client = SocketClient.connect(server)) {
      client.send(
          "{\"type\":\"subscribe\",\"id\":\"a\",\"topic\":\"tasks\","
              + "\"since\":{\"epoch\":\"another\",\"seq\":1}}");
      awaitValue("holdfast_ws_connections", "1.0");
      awaitValue("holdfast_ws_resets_total{reason=\"epoch\"}", "1.0");
    }
    awaitValue("holdfast_ws_connections", "0.0");
  }

  @Test
  void onlyWhoHasATokenIsShownThem() {
    assertEquals(
        401,
        server
            .send(
                java.net.http.HttpRequest.newBuilder(server.uri("/metrics"))
                    .timeout(TestServer.LIMIT)
                    .GET())
            .statusCode());
    assertEquals(400, server.get("/metrics?name=x").statusCode());
    assertEquals(405, server.post("/metrics", "{}").statusCode());
    assertEquals(406, server.get("/metrics", "Accept", "application/json").statusCode());
  }
}

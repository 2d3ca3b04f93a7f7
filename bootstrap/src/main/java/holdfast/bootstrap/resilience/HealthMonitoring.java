package holdfast.bootstrap.resilience;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Health says how it is: when all is well, when something is broken, and when it is mended. */
final class HealthMonitoring extends Drill {
  private static final List<String> COMPONENTS =
      List.of("persistence", "sync", "recovery", "tasks", "websocket");
  private static final List<String> METRICS =
      List.of("activeTasks", "totalTasks", "uptime", "memoryUsage");
  private static final List<String> PROBES = List.of("live", "ready", "started");
  private static final String HEALTHY = "healthy";

  /**
   * What was observed.
   *
   * @param broken while the directory of the state files is none, and {@code place} is its path
   * @param probes the faults of the three probes
   */
  record Seen(
      JsonObject before, JsonObject broken, JsonObject after, String place, List<String> probes) {}

  @Override
  String name() {
    return "health-monitoring";
  }

  @Override
  String harm() {
    return "breaks the server";
  }

  @Override
  Outcome run(Bench bench) throws IOException, InterruptedException {
    try (ServerProcess server = bench.start(Map.of("SYNC_INTERVAL", "200"))) {
      Api api = server.api();
      api.submit(Api.held("is counted"));
      JsonObject before = health(api);
      List<String> probes = probes(api);
      Path place = bench.data().resolve("state/tasks");
      Path aside = bench.directory().resolve("tasks-aside");
      Files.move(place, aside);
      Files.createFile(place);
      api.submit(Api.held("is to be written"));
      long begun = System.nanoTime();
      JsonObject broken = awaitStatus(api, false);
      String noticed = Spell.since(begun);
      Files.delete(place);
      Files.move(aside, place);
      JsonObject after = awaitStatus(api, true);
      var seen = new Seen(before, broken, after, place.toString(), probes);
      return Outcome.of(
          faults(seen),
          COMPONENTS.size()
              + " components and "
              + METRICS.size()
              + " metrics of the contract, live, ready and started without a token; a directory"
              + " that was taken away is told of after "
              + noticed
              + " with its name, healthy again when it is back");
    }
  }

  private static JsonObject health(Api api) throws IOException, InterruptedException {
    return api.send("GET", "/api/health", null).json();
  }

  /** Waits until all is well, or until it is not; what is not is the answer at the limit. */
  private static JsonObject awaitStatus(Api api, boolean well)
      throws IOException, InterruptedException {
    return Wait.until(
        "health that is " + (well ? HEALTHY : "not " + HEALTHY),
        () -> health(api),
        health -> health.getString("status", "").equals(HEALTHY) == well);
  }

  /** The probes answer anybody; a supervisor has no token. */
  private static List<String> probes(Api api) throws IOException, InterruptedException {
    var checks = new Checks();
    for (String probe : PROBES) {
      Api.Reply reply = api.anonymous().send("GET", "/api/health/" + probe, null);
      checks.equal("status of the probe " + probe, 200, reply.status());
      checks.holds(reply.body().contains("\"UP\""), "the probe " + probe + " does not say UP");
    }
    return checks.faults();
  }

  static List<String> faults(Seen seen) {
    var checks = new Checks().all(seen.probes());
    checks.equal("status when all is well", HEALTHY, seen.before().getString("status", ""));
    checks.all(shape(seen.before()));
    checks.holds(
        !seen.broken().getString("status", "").equals(HEALTHY), "a broken server says healthy");
    List<String> reasons = reasons(seen.broken());
    checks.holds(
        reasons.stream().anyMatch(reason -> reason.contains(seen.place())),
        "no component names " + seen.place() + " as the reason: " + Checks.shortened(reasons));
    checks.equal("status when it is mended", HEALTHY, seen.after().getString("status", ""));
    return checks.faults();
  }

  /** Everything that the contract names must be there. */
  private static List<String> shape(JsonObject health) {
    var checks = new Checks();
    JsonObject components = member(health, "components");
    for (String component : COMPONENTS) {
      JsonObject one = member(components, component);
      checks.holds(
          !one.getString("status", "").isEmpty() && !one.getString("message", "").isEmpty(),
          "component " + component + " does not say how it is");
    }
    JsonObject metrics = member(health, "metrics");
    for (String metric : METRICS) {
      checks.holds(metrics.containsKey(metric), "there is no metric " + metric);
    }
    return checks.faults();
  }

  private static JsonObject member(JsonObject of, String name) {
    return of.containsKey(name) ? of.getJsonObject(name) : JsonObject.EMPTY_JSON_OBJECT;
  }

  /** What the components say that are not healthy. */
  private static List<String> reasons(JsonObject health) {
    var reasons = new ArrayList<String>();
    JsonObject components = member(health, "components");
    for (String name : components.keySet()) {
      JsonObject component = components.getJsonObject(name);
      if (!component.getString("status", "").equals(HEALTHY)) {
        reasons.add(component.getString("message", ""));
      }
    }
    return reasons;
  }

  /** Somebody else's server may be degraded for a reason of its own; then the reason is shown. */
  @Override
  Outcome against(Api api) throws IOException, InterruptedException {
    JsonObject health = health(api);
    String status = health.getString("status", "none");
    return Outcome.of(
        new Checks()
            .equal("status", HEALTHY + ": " + reasons(health), status + ": " + reasons(health))
            .all(shape(health))
            .all(probes(api))
            .faults(),
        "healthy; "
            + COMPONENTS.size()
            + " components and "
            + METRICS.size()
            + " metrics of the contract; live, ready and started answer without a token");
  }
}

package holdfast.bootstrap;

import jakarta.json.Json;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** How long a server takes to go while much depends on it. Called by {@link ServerBench}. */
final class ShutdownBench {
  private static final int TASKS = 1_000;
  private static final int SOCKETS = 100;
  private static final int CLIENTS = 16;
  private static final int ROUNDS = 3;
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private ShutdownBench() {}

  /** SIGTERM to exit with tasks that run on and sockets that follow them; three times. */
  static void run(Path scratch) throws IOException, InterruptedException, ExecutionException {
    Path data = scratch.resolve("shutdown");
    var seconds = new ArrayList<Double>();
    int cutOff = 0;
    try {
      for (int round = 0; round < ROUNDS; round++) {
        try (var server =
            new ScriptedServer(
                scratch,
                data,
                "--max-running",
                String.valueOf(TASKS),
                "--sync-interval",
                "30000")) {
          ApiClient api = server.client();
          if (round == 0) {
            submit(api);
          }
          awaitRunning(api);
          var sockets = new ArrayList<WebSocketClient>();
          for (int i = 0; i < SOCKETS; i++) {
            sockets.add(following(api));
          }
          // Something to sync, to snapshot and to tell: as many changes as there are tasks.
          relabel(api);
          seconds.add(server.terminate());
          for (WebSocketClient socket : sockets) {
            cutOff += socket.awaitClose(PATIENCE) == 1012 ? 0 : 1;
          }
        }
      }
    } finally {
      PackagedServer.endTasks(data);
    }
    seconds.sort(null);
    ServerBench.row(
        "SIGTERM to exit, " + TASKS + " running tasks, " + SOCKETS + " sockets",
        seconds.get(ROUNDS / 2),
        "s",
        String.format(
            Locale.ROOT,
            "median of %s; sockets cut off: %d; the last: %s",
            seconds,
            cutOff,
            steps(data)));
  }

  private static void submit(ApiClient api)
      throws IOException, InterruptedException, ExecutionException {
    try (var pool = Executors.newFixedThreadPool(CLIENTS)) {
      List<Future<String>> submitted = new ArrayList<>();
      for (int i = 0; i < TASKS; i++) {
        submitted.add(pool.submit(() -> api.submit(RestartEndToEndTest.command("sleep", "3600"))));
      }
      for (Future<String> task : submitted) {
        task.get();
      }
    }
  }

  private static void awaitRunning(ApiClient api) throws IOException, InterruptedException {
    Await.until(
        () -> api.get("/api/tasks?state=RUNNING&limit=1000").getJsonArray("items").size(),
        running -> running == TASKS,
        PATIENCE);
  }

  private static WebSocketClient following(ApiClient api) throws IOException, InterruptedException {
    WebSocketClient socket = api.follow();
    socket.send(
        Json.createObjectBuilder()
            .add("type", "subscribe")
            .add("id", "t")
            .add("topic", "tasks")
            .build());
    Await.until(
        socket::frames,
        frames -> frames.stream().anyMatch(frame -> frame.getString("type").equals("live")),
        PATIENCE);
    return socket;
  }

  private static void relabel(ApiClient api)
      throws IOException, InterruptedException, ExecutionException {
    var items = api.get("/api/tasks?limit=1000").getJsonArray("items");
    try (var pool = Executors.newFixedThreadPool(CLIENTS)) {
      List<Future<?>> changed = new ArrayList<>();
      for (int i = 0; i < items.size(); i++) {
        String id = items.getJsonObject(i).getString("id");
        int priority = items.getJsonObject(i).getInt("priority") + 1;
        changed.add(
            pool.submit(
                () ->
                    ApiClient.expect(
                        200,
                        api.send(
                            api.request("/api/tasks/" + id)
                                .header("Content-Type", "application/json")
                                .header("If-Match", "*")
                                .method(
                                    "PATCH",
                                    BodyPublishers.ofString("{\"priority\":" + priority + "}"))
                                .build()))));
      }
      for (Future<?> change : changed) {
        change.get();
      }
    }
  }

  private static List<String> steps(Path data) throws IOException {
    List<String> lines = Files.readAllLines(data.resolve("logs/system/system.jsonl"));
    var steps = new ArrayList<String>();
    for (String line : lines) {
      var event = ApiClient.parse(line);
      if (event.getString("type").equals("shutdown-begun")) {
        steps.clear();
      } else if (event.getString("type").startsWith("shutdown-step")) {
        steps.add(event.getString("step") + " " + event.getInt("millis") + " ms");
      }
    }
    return steps;
  }
}

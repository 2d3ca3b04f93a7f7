package holdfast.bootstrap.resilience;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/** Files are written, and whatever was acknowledged is in them when the server is killed. */
final class DataPersistence extends Drill {
  private static final int CLIENTS = 4;
  private static final int BEFORE = 20;
  private static final int UNTIL_KILL = 60;

  /**
   * What was observed.
   *
   * @param forced up to which seq the state files were said to be, and must be
   * @param withoutStateFile tasks of before that have none
   * @param snapshot as it was answered
   * @param snapshotOnDisk whether its file is there
   * @param withoutTwoCopies acknowledged tasks that are not in both copies of the journal
   * @param acknowledged title by id
   * @param found the same after the kill; what is gone is not in it
   */
  record Seen(
      List<Long> forced,
      List<String> withoutStateFile,
      JsonObject snapshot,
      boolean snapshotOnDisk,
      List<String> withoutTwoCopies,
      Map<String, String> acknowledged,
      Map<String, String> found) {}

  @Override
  String name() {
    return "data-persistence";
  }

  @Override
  String harm() {
    return "kills the server";
  }

  @Override
  Outcome run(Bench bench) throws IOException, InterruptedException {
    var acknowledged = new ConcurrentSkipListMap<String, String>();
    List<Long> forced;
    List<String> withoutStateFile;
    JsonObject snapshot;
    Path state = bench.data().resolve("state");
    // Nothing is written by itself in the meantime.
    Map<String, String> seldom = Map.of("SYNC_INTERVAL", "3600000", "SNAPSHOT_INTERVAL", "3600000");
    try (ServerProcess server = bench.start(seldom)) {
      Api api = server.api();
      for (int i = 0; i < BEFORE; i++) {
        submit(api, "before " + i, acknowledged);
      }
      forced = List.of(force(api), newest(api, acknowledged.keySet()));
      withoutStateFile = withoutStateFile(state, acknowledged.keySet());
      snapshot = api.post("/api/snapshots", "{}").expect(201);
      submitUntilKilled(server, acknowledged);
    }
    List<String> single = withoutTwoCopies(state, acknowledged.keySet());
    try (ServerProcess server = bench.start()) {
      String file = snapshot.getString("id") + ".jsonl.zst";
      var seen =
          new Seen(
              forced,
              withoutStateFile,
              snapshot,
              Files.exists(state.resolve("snapshots").resolve(file)),
              single,
              acknowledged,
              found(server.api(), acknowledged.keySet()));
      return Outcome.of(
          faults(seen),
          acknowledged.size()
              + " acknowledged tasks, kill -9 under load: all there again, each in both journal"
              + " copies; a forced sync wrote the files of "
              + BEFORE
              + ", a snapshot of "
              + snapshot.getInt("tasks")
              + " tasks is verified");
    }
  }

  private static void submit(Api api, String title, Map<String, String> acknowledged)
      throws IOException, InterruptedException {
    acknowledged.put(api.submit(Api.held(title)), title);
  }

  private static long force(Api api) throws IOException, InterruptedException {
    return api.post("/api/sync/force", "{}").expect(200).getJsonNumber("seq").longValue();
  }

  private static long newest(Api api, Collection<String> ids)
      throws IOException, InterruptedException {
    long newest = 0;
    for (String id : ids) {
      newest = Math.max(newest, api.task(id).getJsonNumber("seq").longValue());
    }
    return newest;
  }

  private static List<String> withoutStateFile(Path state, Collection<String> ids)
      throws IOException {
    var without = new ArrayList<String>();
    for (String id : ids) {
      Path file = state.resolve("tasks").resolve(id.substring(0, 2)).resolve(id + ".json");
      if (!Files.exists(file) || !Files.readString(file).contains("\"checksum\"")) {
        without.add(id);
      }
    }
    return without;
  }

  /** Several clients submit at once, and the server is killed between two of their requests. */
  private static void submitUntilKilled(
      ServerProcess server, ConcurrentSkipListMap<String, String> acknowledged)
      throws IOException, InterruptedException {
    Api api = server.api();
    try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
      var submitting = new ArrayList<Future<?>>();
      for (int i = 0; i < CLIENTS; i++) {
        String title = "client " + i;
        submitting.add(clients.submit(() -> submitOnAndOn(api, title, acknowledged)));
      }
      Wait.until(
          "submissions under load",
          acknowledged::size,
          count -> count >= BEFORE + UNTIL_KILL || submitting.stream().anyMatch(Future::isDone));
      server.kill();
      for (Future<?> client : submitting) {
        client.get();
      }
    } catch (ExecutionException broken) {
      throw broken.getCause() instanceof BrokenPromiseException promise
          ? promise
          : new IllegalStateException(broken.getCause());
    }
  }

  private static void submitOnAndOn(Api api, String title, Map<String, String> acknowledged) {
    try {
      for (int i = 0; ; i++) {
        submit(api, title + " task " + i, acknowledged);
      }
    } catch (IOException killed) {
      // What had no answer was not acknowledged.
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Looks for the ids in the very bytes of the journals. */
  private static List<String> withoutTwoCopies(Path state, Collection<String> ids)
      throws IOException {
    String first = journal(state.resolve("journal"));
    String second = journal(state.resolve("recovery/journal"));
    return ids.stream().filter(id -> !first.contains(id) || !second.contains(id)).toList();
  }

  private static String journal(Path directory) throws IOException {
    var bytes = new StringBuilder();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.filter(name -> name.toString().endsWith(".wal")).toList()) {
        bytes.append(Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    return bytes.toString();
  }

  private static Map<String, String> found(Api api, Collection<String> ids)
      throws IOException, InterruptedException {
    var found = new TreeMap<String, String>();
    for (String id : ids) {
      Api.Reply reply = api.send("GET", "/api/tasks/" + id, null);
      if (reply.status() == 200) {
        found.put(id, reply.json().getString("title"));
      }
    }
    return found;
  }

  static List<String> faults(Seen seen) {
    var lost = new TreeMap<>(seen.acknowledged());
    lost.entrySet().removeAll(seen.found().entrySet());
    return new Checks()
        .holds(
            seen.forced().getFirst() >= seen.forced().getLast(),
            "a forced sync stopped at seq "
                + seen.forced().getFirst()
                + " before "
                + seen.forced().getLast())
        .equal("tasks without a state file after a forced sync", List.of(), seen.withoutStateFile())
        .holds(seen.snapshot().getBoolean("verified", false), "the snapshot is not verified")
        .equal("tasks in the snapshot", BEFORE, seen.snapshot().getInt("tasks", -1))
        .holds(seen.snapshotOnDisk(), "the snapshot has no file")
        .equal("tasks that are not in both journals", List.of(), seen.withoutTwoCopies())
        .holds(
            lost.isEmpty(),
            lost.size()
                + " of "
                + seen.acknowledged().size()
                + " acknowledged tasks are gone or changed after kill -9: "
                + Checks.shortened(lost.keySet()))
        .faults();
  }

  /** What can be told from outside: a key is remembered, and the files keep up. */
  @Override
  Outcome against(Api api) throws IOException, InterruptedException {
    String key = "resilience-" + UUID.randomUUID();
    String body = Api.held("resilience: is persisted").build().toString();
    String id = keyed(api, body, key);
    try {
      String again = keyed(api, body, key);
      long seq = api.task(id).getJsonNumber("seq").longValue();
      long forced = force(api);
      long checkpoint = api.get("/api/sync").getJsonNumber("checkpointSeq").longValue();
      return Outcome.of(
          new Checks()
              .equal("task of a repeated submission with the same key", id, again)
              .holds(forced >= seq, "a forced sync stopped at seq " + forced + " before " + seq)
              .holds(
                  checkpoint >= seq, "the checkpoint is at seq " + checkpoint + ", before " + seq)
              .faults(),
          "a repeated submission gave the same task; a forced sync brought the files to seq "
              + forced
              + ", past the task's "
              + seq);
    } finally {
      api.post("/api/tasks/" + id + "/cancel", "{}").expect(202);
      api.send("DELETE", "/api/tasks/" + id, null).expect(204);
    }
  }

  private static String keyed(Api api, String body, String key)
      throws IOException, InterruptedException {
    return api.send("POST", "/api/tasks", body, "Idempotency-Key", key).expect(201).getString("id");
  }
}

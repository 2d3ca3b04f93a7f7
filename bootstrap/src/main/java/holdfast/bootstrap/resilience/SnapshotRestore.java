package holdfast.bootstrap.resilience;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The state returns to a snapshot while tasks run, and back. */
final class SnapshotRestore extends Drill {
  private static final String OLD = "restore: old title";
  private static final String NEW = "restore: new title";
  private static final String LOOP = "while :; do sleep 0.1; done";
  private static final Set<Integer> GONE = Set.of(404, 410);

  /**
   * What was observed.
   *
   * @param changes what the dry run must name and what it does
   * @param refusals of a restore without confirmation, with a wrong one, and with tasks that run
   * @param reset why the follower was told to list again
   * @param epochs before, after, and after another crash
   * @param restored after the restore
   * @param restarted after another crash
   * @param undone after the restore of the snapshot that was made before
   */
  record Seen(
      DryRun changes,
      List<Integer> refusals,
      String reset,
      List<String> epochs,
      State before,
      State restored,
      State restarted,
      State undone) {}

  /** Whether each of these is named in the dry run, and nothing was changed by it. */
  record DryRun(boolean changed, boolean removed, boolean running, boolean isHarmless) {}

  /**
   * What there is.
   *
   * @param title of the task that is changed after the snapshot
   * @param later status of the task that is made after it
   * @param older the process of the task that was started before it, with its state
   * @param newer of the one that was started after it
   */
  record State(String title, int later, String older, String newer) {}

  /** The tasks of this drill. */
  private record Tasks(String changed, String removed, String older, String newer) {}

  @Override
  String name() {
    return "restore";
  }

  @Override
  String harm() {
    return "returns the server to a snapshot";
  }

  @Override
  Outcome run(Bench bench) throws IOException, InterruptedException {
    ServerProcess server = bench.start();
    try {
      Api api = server.api();
      String changed = api.submit(Api.held(OLD));
      String older = api.submit(Api.shell("restore: runs", LOOP));
      api.awaitRunning(older);
      String snapshot = api.post("/api/snapshots", "{}").expect(201).getString("id");
      var tasks = change(api, changed, older);
      State before = state(api, tasks);
      DryRun dryRun = dryRun(api, snapshot, tasks, before);
      List<Integer> refusals = refusals(api, snapshot);
      String epoch = epoch(api);
      String reset = restoreFollowed(api, snapshot);
      State restored = state(api, tasks);
      String newEpoch = epoch(api);
      String undo = preRestore(api, snapshot);
      server.kill();
      server = bench.start();
      api = server.api();
      State restarted = state(api, tasks);
      List<String> epochs = List.of(epoch, newEpoch, epoch(api));
      restore(api, undo).expect(200);
      var seen =
          new Seen(dryRun, refusals, reset, epochs, before, restored, restarted, state(api, tasks));
      return Outcome.of(faults(seen), measured(seen));
    } finally {
      server.close();
    }
  }

  private static String measured(Seen seen) {
    return "dry run named all changes and made none; refused "
        + seen.refusals()
        + " without confirmation and with running tasks; restored as confirmed from epoch "
        + seen.epochs().getFirst()
        + " to "
        + seen.epochs().get(1)
        + ", follower told reset "
        + seen.reset()
        + ", both running tasks kept with their pids, also after kill -9; undone by the pre-restore"
        + " snapshot";
  }

  private static Tasks change(Api api, String changed, String older)
      throws IOException, InterruptedException {
    String body = Json.createObjectBuilder().add("title", NEW).build().toString();
    String match = "\"" + api.task(changed).getInt("revision") + "\"";
    api.send("PATCH", "/api/tasks/" + changed, body, "If-Match", match).expect(200);
    String removed = api.submit(Api.held("restore: came later"));
    String newer = api.submit(Api.shell("restore: runs, came later", LOOP));
    api.awaitRunning(newer);
    return new Tasks(changed, removed, older, newer);
  }

  private static State state(Api api, Tasks tasks) throws IOException, InterruptedException {
    return new State(
        api.task(tasks.changed()).getString("title"),
        api.send("GET", "/api/tasks/" + tasks.removed(), null).status(),
        process(api, tasks.older()),
        process(api, tasks.newer()));
  }

  private static String process(Api api, String id) throws IOException, InterruptedException {
    Api.Reply reply = api.send("GET", "/api/tasks/" + id, null);
    if (reply.status() != 200) {
      return "status " + reply.status();
    }
    JsonObject task = reply.json();
    String state = task.getString("state");
    // A task that was forgotten and came back has an attempt without a process, or none.
    return Api.attempt(task).get("process") instanceof JsonObject
        ? state + " " + Api.pid(task)
        : state + " without a process";
  }

  private static String epoch(Api api) throws IOException, InterruptedException {
    return Following.epoch(api.get("/api/tasks?limit=1"));
  }

  private static DryRun dryRun(Api api, String snapshot, Tasks tasks, State before)
      throws IOException, InterruptedException {
    JsonObject diff =
        api.post("/api/snapshots/" + snapshot + "/restore?dryRun=true", "{}").expect(200);
    return new DryRun(
        names(diff, "changed", tasks.changed()),
        names(diff, "removed", tasks.removed()),
        names(diff, "running", tasks.newer()),
        before.equals(state(api, tasks)));
  }

  private static boolean names(JsonObject diff, String member, String id) {
    return diff.containsKey(member) && diff.get(member).toString().contains("\"" + id + "\"");
  }

  private static List<Integer> refusals(Api api, String snapshot)
      throws IOException, InterruptedException {
    String path = "/api/snapshots/" + snapshot + "/restore";
    return List.of(
        api.post(path, "{}").status(),
        api.post(path, "{\"confirm\":\"" + snapshot + "x\"}").status(),
        api.post(path, "{\"confirm\":\"" + snapshot + "\"}").status());
  }

  private static Api.Reply restore(Api api, String snapshot)
      throws IOException, InterruptedException {
    String body = "{\"confirm\":\"" + snapshot + "\",\"running\":\"adopt\"}";
    return api.post("/api/snapshots/" + snapshot + "/restore", body);
  }

  /** Restores while somebody follows; why that one was told to list again, or never. */
  private static String restoreFollowed(Api api, String snapshot)
      throws IOException, InterruptedException {
    var following = Following.from(api.get("/api/tasks?limit=1"), null);
    try (LiveSocket socket = api.follow()) {
      following.subscriptions().forEach(socket::send);
      restore(api, snapshot).expect(200);
      Sockets.takeUntil(socket, following, () -> following.reset() != null);
    }
    @Nullable String reset = following.reset();
    return reset == null ? "never" : reset;
  }

  /** The snapshot that was made of the state before. */
  private static String preRestore(Api api, String restored)
      throws IOException, InterruptedException {
    return api.get("/api/snapshots").getJsonArray("items").getValuesAs(JsonObject.class).stream()
        .filter(snapshot -> !snapshot.getString("id").equals(restored))
        .filter(snapshot -> snapshot.getString("reason").contains("pre-restore"))
        .map(snapshot -> snapshot.getString("id"))
        .findFirst()
        .orElseThrow(() -> new BrokenPromiseException("there is no pre-restore snapshot"));
  }

  static List<String> faults(Seen seen) {
    DryRun dryRun = seen.changes();
    var checks =
        new Checks()
            .holds(dryRun.changed(), "the dry run does not name the task that is changed")
            .holds(dryRun.removed(), "the dry run does not name the task that is removed")
            .holds(dryRun.running(), "the dry run does not name the running task it touches")
            .holds(dryRun.isHarmless(), "the dry run has changed something")
            .holds(
                seen.refusals().get(0) / 100 == 4 && seen.refusals().get(1) / 100 == 4,
                "restored without the right confirmation: " + seen.refusals())
            .equal("restore that would forget a running task", 409, seen.refusals().get(2))
            .equal("reset of the follower", "epoch", seen.reset())
            .holds(!seen.epochs().get(0).equals(seen.epochs().get(1)), "the restore began no epoch")
            .equal("epoch after kill -9", seen.epochs().get(1), seen.epochs().get(2));
    checks.all(faults("after the restore", OLD, true, seen.before(), seen.restored()));
    checks.all(faults("after kill -9", OLD, true, seen.before(), seen.restarted()));
    checks.all(faults("when undone", NEW, false, seen.before(), seen.undone()));
    return checks.faults();
  }

  private static List<String> faults(
      String when, String title, boolean gone, State before, State now) {
    return new Checks()
        .equal("title " + when, title, now.title())
        .equal("the later task is gone " + when, gone, GONE.contains(now.later()))
        .equal("the older running task " + when, before.older(), now.older())
        .equal("the newer running task " + when, before.newer(), now.newer())
        .faults();
  }
}

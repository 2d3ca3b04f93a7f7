package holdfast.bootstrap.resilience;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;

/** State files are edited by hand: rightly, against the rules, and too late. */
final class SyncConflict extends Drill {
  private static final String FIRST = "sync conflict: as submitted";
  private static final String EDITED = "sync conflict: edited by hand";
  private static final String PATCHED = "sync conflict: changed by the API";
  private static final String LATE = "sync conflict: edited too late";
  private static final Duration TOO_LATE = Duration.ofHours(1);

  /**
   * What was observed.
   *
   * @param eventSeq of the last event that a follower got of the task after the edit
   */
  record Seen(JsonObject before, JsonObject edited, long eventSeq, Illegal illegal, Late late) {}

  /**
   * An edit against the rules.
   *
   * @param keptAside whether what was edited lies in the quarantine
   */
  record Illegal(JsonObject task, JsonObject conflict, boolean keptAside) {}

  /**
   * An edit that is older than what memory has.
   *
   * @param title then, and when the conflict was settled for the file
   * @param again status of settling it once more, the other way
   */
  record Late(JsonObject conflict, String title, boolean settled, String settledTitle, int again) {}

  @Override
  String name() {
    return "sync-conflict";
  }

  @Override
  String harm() {
    return "edits state files";
  }

  @Override
  Outcome run(Bench bench) throws IOException, InterruptedException {
    try (ServerProcess server = bench.start()) {
      Api api = server.api();
      String id = api.submit(Api.held(FIRST));
      force(api);
      Path file = bench.find(id + ".json");
      JsonObject before = api.task(id);
      var following = Following.from(api.get("/api/tasks"), null);
      JsonObject edited;
      try (LiveSocket socket = api.follow()) {
        following.subscriptions().forEach(socket::send);
        edit(file, FIRST, EDITED);
        force(api);
        edited = api.task(id);
        long seq = edited.getJsonNumber("seq").longValue();
        Sockets.takeUntil(socket, following, () -> following.position() >= seq);
      }
      if (!edited.getString("title").equals(EDITED)) {
        // Whatever comes after it builds on it.
        throw new BrokenPromiseException(
            "an edit of the title was not taken over: it is " + edited.getString("title"));
      }
      Illegal illegal = illegal(api, bench, id, file);
      var seen = new Seen(before, edited, following.seqOf(id), illegal, late(api, bench, id, file));
      return Outcome.of(
          faults(seen),
          "an edit was taken over as revision "
              + edited.getInt("revision")
              + " with event "
              + seen.eventSeq()
              + "; HELD to SUCCEEDED was refused and kept aside; an older edit lost, was listed,"
              + " and was settled once");
    }
  }

  private static void force(Api api) throws IOException, InterruptedException {
    api.post("/api/sync/force", "{}").expect(200);
  }

  private static void edit(Path file, String from, String to) throws IOException {
    String text = Files.readString(file);
    if (!text.contains("\"" + from + "\"")) {
      throw new BrokenPromiseException("the state file " + file + " does not say " + from);
    }
    Files.writeString(file, text.replace("\"" + from + "\"", "\"" + to + "\""));
  }

  private static Illegal illegal(Api api, Bench bench, String id, Path file)
      throws IOException, InterruptedException {
    force(api);
    edit(file, "HELD", "SUCCEEDED");
    force(api);
    JsonObject conflict = newestConflict(api, id, 2);
    return new Illegal(api.task(id), conflict, isKept(bench, "\"SUCCEEDED\""));
  }

  /** The newest conflict of a task, once there are so many. */
  private static JsonObject newestConflict(Api api, String id, int count)
      throws IOException, InterruptedException {
    return Wait.until(
            count + " conflicts of a task in /api/sync/conflicts",
            () -> conflicts(api, id),
            conflicts -> conflicts.size() >= count)
        .getFirst();
  }

  private static List<JsonObject> conflicts(Api api, String id)
      throws IOException, InterruptedException {
    return api
        .get("/api/sync/conflicts")
        .getJsonArray("items")
        .getValuesAs(JsonObject.class)
        .stream()
        .filter(conflict -> conflict.getString("key").equals(id))
        .sorted((one, other) -> other.getString("at").compareTo(one.getString("at")))
        .toList();
  }

  private static boolean isKept(Bench bench, String text) throws IOException {
    try (Stream<Path> files = Files.walk(bench.data().resolve("state/recovery"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        boolean small = Files.size(file) < 1 << 20;
        if (small && Files.readString(file, StandardCharsets.ISO_8859_1).contains(text)) {
          return true;
        }
      }
      return false;
    }
  }

  private static Late late(Api api, Bench bench, String id, Path file)
      throws IOException, InterruptedException {
    force(api);
    String old = Files.readString(file).replace("\"" + EDITED + "\"", "\"" + LATE + "\"");
    String body = Json.createObjectBuilder().add("title", PATCHED).build().toString();
    String match = "\"" + api.task(id).getInt("revision") + "\"";
    api.send("PATCH", "/api/tasks/" + id, body, "If-Match", match).expect(200);
    force(api);
    // It appears at its place at once with its time, as an editor's file or one from a backup does.
    Path beside = Files.writeString(bench.directory().resolve("late.json"), old);
    Files.setLastModifiedTime(beside, FileTime.from(Instant.now().minus(TOO_LATE)));
    Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    force(api);
    JsonObject conflict = newestConflict(api, id, 3);
    String title = api.task(id).getString("title");
    String resolve = "/api/sync/conflicts/" + conflict.getString("id") + "/resolve";
    JsonObject settled = api.post(resolve, "{\"keep\":\"persistent\"}").expect(200);
    return new Late(
        conflict,
        title,
        settled.getBoolean("resolved", false),
        api.task(id).getString("title"),
        api.post(resolve, "{\"keep\":\"memory\"}").status());
  }

  static List<String> faults(Seen seen) {
    long seq = seen.edited().getJsonNumber("seq").longValue();
    return new Checks()
        .equal("title after an edit", EDITED, seen.edited().getString("title"))
        .equal(
            "revision after an edit",
            seen.before().getInt("revision") + 1,
            seen.edited().getInt("revision"))
        .holds(
            seq > seen.before().getJsonNumber("seq").longValue(), "an edit got no seq of its own")
        .equal("seq of the event that was sent of an edit", seq, seen.eventSeq())
        .all(faults(seen.edited(), seen.illegal()))
        .all(faults(seen.late()))
        .faults();
  }

  private static List<String> faults(JsonObject before, Illegal illegal) {
    return new Checks()
        .equal("task after an edit against the rules", before, illegal.task())
        .equal("side kept", "memory", illegal.conflict().getString("kept"))
        .holds(
            !illegal.conflict().isNull("quarantine"),
            "the refused edit names no place in quarantine")
        .holds(illegal.keptAside(), "the refused edit is not in the quarantine")
        .faults();
  }

  private static List<String> faults(Late late) {
    return new Checks()
        .equal("title after an edit that came too late", PATCHED, late.title())
        .equal("side kept", "memory", late.conflict().getString("kept"))
        .holds(!late.conflict().getBoolean("resolved", true), "the lost edit is not left open")
        .holds(late.settled(), "the conflict is not settled after it was")
        .equal("title after it was settled for the file", LATE, late.settledTitle())
        .equal("status of settling it a second time", 409, late.again())
        .faults();
  }
}

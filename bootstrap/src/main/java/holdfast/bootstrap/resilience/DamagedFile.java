package holdfast.bootstrap.resilience;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** One file of each kind is damaged or deleted, under the server and while there is none. */
final class DamagedFile extends Drill {
  private static final Map<String, String> OFTEN =
      Map.of(
          "SYNC_INTERVAL", "200",
          "SNAPSHOT_INTERVAL", "500",
          "HOLDFAST_SCRUB_INTERVAL", "200");
  private static final int HELD = 5;

  /**
   * What was observed after one file was damaged.
   *
   * @param fault what was done to which file
   * @param mentions of it in reports, event logs and notes, before and after
   * @param before every task, and the SHA-256 of every output, by its path
   */
  record Seen(
      String fault,
      List<Integer> mentions,
      Map<String, String> before,
      Map<String, String> after) {}

  @Override
  String name() {
    return "damaged-file";
  }

  @Override
  String harm() {
    return "damages files";
  }

  @Override
  Outcome run(Bench bench) throws IOException, InterruptedException {
    var seen = new ArrayList<Seen>();
    Map<String, String> before;
    try (ServerProcess server = bench.start(OFTEN)) {
      Api api = server.api();
      before = fill(api, bench);
      for (Damage damage : live(bench, before.keySet())) {
        int mentions = mentions(bench, damage);
        damage.inflict();
        seen.add(observe(api, bench, damage, mentions, before));
      }
      server.kill();
    }
    for (Damage damage : atRest(bench)) {
      int mentions = mentions(bench, damage);
      damage.inflict();
      try (ServerProcess server = bench.start(OFTEN)) {
        seen.add(observe(server.api(), bench, damage, mentions, before));
        server.kill();
      }
    }
    return Outcome.of(
        seen.stream().flatMap(one -> faults(one).stream()).toList(),
        seen.size()
            + " faults ("
            + String.join(", ", seen.stream().map(Seen::fault).toList())
            + "): each told of, "
            + before.size()
            + " tasks and outputs as they were");
  }

  private static Seen observe(
      Api api, Bench bench, Damage damage, int mentions, Map<String, String> before)
      throws IOException, InterruptedException {
    int now =
        Wait.until(
            "mention of " + damage, () -> mentions(bench, damage), count -> count > mentions);
    return new Seen(damage.toString(), List.of(mentions, now), before, state(api, before.keySet()));
  }

  private static Map<String, String> fill(Api api, Bench bench)
      throws IOException, InterruptedException {
    var paths = new ArrayList<String>();
    for (int i = 0; i < HELD; i++) {
      paths.add("/api/tasks/" + api.submit(Api.held("waits " + i)));
    }
    String id = api.submit(Api.shell("has written", "seq 40000; exit 3"));
    api.awaitOver(id);
    api.await(id, "a sealed output", task -> !Api.attempt(task).getJsonObject("sealed").isEmpty());
    paths.add("/api/tasks/" + id);
    paths.add("/api/tasks/" + id + "/output");
    for (String path : paths.subList(0, HELD)) {
      String file = path.replaceAll(".*/", "") + ".json";
      Wait.until("state file " + file, () -> bench.has(file), Boolean::booleanValue);
    }
    return state(api, paths);
  }

  private static Map<String, String> state(Api api, Iterable<String> paths)
      throws InterruptedException {
    var state = new TreeMap<String, String>();
    for (String path : paths) {
      state.put(path, look(api, path));
    }
    return state;
  }

  private static String look(Api api, String path) throws InterruptedException {
    try {
      Api.Reply reply = api.send("GET", path, null);
      String body = reply.body();
      return reply.status()
          + " "
          + (path.endsWith("/output")
              ? SocketReconnection.sha256(body.getBytes(StandardCharsets.UTF_8))
              : body);
    } catch (IOException broken) {
      return "cannot be read: " + broken.getMessage();
    }
  }

  /** One of each kind that can be damaged under a server. */
  private static List<Damage> live(Bench bench, Iterable<String> paths)
      throws IOException, InterruptedException {
    Path state = bench.data().resolve("state");
    String held = paths.iterator().next().replaceAll(".*/", "");
    return List.of(
        new Damage(bench.find(held + ".json"), Damage.Kind.FLIP),
        new Damage(bench.find("output.log"), Damage.Kind.FLIP),
        new Damage(newest(state.resolve("recovery/outputs"), ".zst"), Damage.Kind.DELETE),
        new Damage(newest(state.resolve("recovery/journal"), ".wal"), Damage.Kind.FLIP),
        new Damage(state.resolve("current-state.json"), Damage.Kind.DELETE));
  }

  private static List<Damage> atRest(Bench bench) throws IOException, InterruptedException {
    Path state = bench.data().resolve("state");
    return List.of(
        new Damage(newest(state.resolve("journal"), ".wal"), Damage.Kind.DELETE),
        new Damage(newest(state.resolve("snapshots"), ".zst"), Damage.Kind.FLIP),
        new Damage(state.resolve("INSTANCE"), Damage.Kind.DELETE));
  }

  private static Path newest(Path directory, String suffix)
      throws IOException, InterruptedException {
    return Wait.until(
            "a file " + suffix + " in " + directory,
            () -> {
              try (Stream<Path> files = Files.walk(directory)) {
                return files.filter(file -> isCandidate(file, suffix)).sorted().toList();
              } catch (NoSuchFileException notYet) {
                return List.<Path>of();
              }
            },
            files -> !files.isEmpty())
        .getLast();
  }

  private static boolean isCandidate(Path file, String suffix) {
    String name = file.getFileName().toString();
    return name.endsWith(suffix) && !name.startsWith("spare");
  }

  /** How often reports, event logs and the notes of the quarantine name the file. */
  private static int mentions(Bench bench, Damage damage) throws IOException {
    int mentions = 0;
    for (String place :
        List.of(
            "logs/error", "logs/system", "state/recovery/quarantine", "state/recovery/reports")) {
      Path directory = bench.data().resolve(place);
      if (Files.isDirectory(directory)) {
        mentions += mentions(directory, damage);
      }
    }
    return mentions;
  }

  private static int mentions(Path directory, Damage damage) throws IOException {
    int mentions = 0;
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.filter(DamagedFile::tells).toList()) {
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        mentions += text.split(Pattern.quote(damage.name()), -1).length - 1;
      }
    } catch (NoSuchFileException rotatedMeanwhile) {
      return 0;
    }
    return mentions;
  }

  private static boolean tells(Path file) {
    String name = file.toString();
    return name.endsWith(".jsonl") || name.endsWith(".note") || name.endsWith(".json");
  }

  static List<String> faults(Seen seen) {
    var checks = new Checks();
    checks.holds(
        seen.mentions().getLast() > seen.mentions().getFirst(),
        seen.fault() + ": nothing names it");
    seen.before()
        .forEach(
            (path, was) ->
                checks.equal(
                    seen.fault() + ", then " + path, was, seen.after().getOrDefault(path, "gone")));
    return checks.faults();
  }

  /** One fault of one file. */
  record Damage(Path file, Kind kind) {
    /** What is done to it. */
    enum Kind {
      DELETE,
      FLIP
    }

    String name() {
      return file.getFileName().toString().replaceAll("\\.(json|log)$", "");
    }

    /** Flips a bit; the time of the file stays, as it does when a disk rots. */
    void inflict() throws IOException {
      switch (kind) {
        case DELETE -> Files.delete(file);
        case FLIP -> {
          FileTime time = Files.getLastModifiedTime(file);
          byte[] bytes = Files.readAllBytes(file);
          bytes[Math.min(bytes.length / 2, 5_000)] ^= 16;
          Files.write(file, bytes);
          Files.setLastModifiedTime(file, time);
        }
      }
    }

    @Override
    public String toString() {
      Path parent = file.getParent();
      String place = parent == null ? "" : parent.getFileName() + "/";
      return place
          + file.getFileName()
          + switch (kind) {
            case DELETE -> " deleted";
            case FLIP -> " flipped";
          };
    }
  }
}

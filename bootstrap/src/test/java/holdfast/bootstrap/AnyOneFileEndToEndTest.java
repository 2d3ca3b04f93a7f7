package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A packaged server with tasks in all states, initiatives, sealed outputs and outputs that are
 * being written. Any one file of it is deleted or damaged, at rest or under the running server; a
 * restart, or a round of the scrub, gives back every task and every sealed output, byte for byte.
 */
class AnyOneFileEndToEndTest {
  private static final Map<String, String> OFTEN =
      Map.of(
          "SYNC_INTERVAL", "200",
          "SNAPSHOT_INTERVAL", "2000",
          "HOLDFAST_SCRUB_INTERVAL", "300",
          "HOLDFAST_MAX_RUNNING", "8");
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int INITIATIVES = 3;

  @TempDir Path scratch;

  private final long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final List<String> initiatives = new ArrayList<>();
  private final List<String> live = new ArrayList<>();

  /** Tasks that do not change any more, and the SHA-256 of what each of them wrote. */
  private final Map<String, JsonObject> tasks = new TreeMap<>();

  private final Map<String, String> outputs = new TreeMap<>();

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch);
  }

  private Path data() {
    return scratch.resolve("data");
  }

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void anyOneFileMayDie() throws Exception {
    run(40, 4, 6);
  }

  @Test
  @Tag("long")
  @Timeout(value = 3, unit = TimeUnit.HOURS)
  void anyOneFileOfAThousandTasksMayDieUnderLoad() throws Exception {
    run(1_000, 0, 300);
  }

  @Test
  @Tag("long")
  @Timeout(value = 3, unit = TimeUnit.HOURS)
  void anyOneFileOfAThousandTasksMayDieAtRest() throws Exception {
    run(1_000, 100, 0);
  }

  private void run(int count, int atRest, int underLoad) throws Exception {
    System.out.println("AnyOneFileEndToEndTest seed " + seed);
    PackagedServer server = PackagedServer.start(data(), OFTEN);
    try {
      fill(server.client(), count);
      for (Path file : some(underLoad)) {
        damageLive(server, file);
      }
      for (Path file : some(atRest)) {
        server.kill();
        String what = damage(file) + " at rest (seed " + seed + ")";
        server = PackagedServer.start(data(), OFTEN);
        awaitRounds(server.client(), 1);
        check(server.client(), what);
      }
      awaitRounds(server.client(), 2);
      endLive(server.client());
    } finally {
      server.close();
    }
    System.out.println(
        "AnyOneFileEndToEndTest: "
            + tasks.size()
            + " tasks, "
            + outputs.size()
            + " outputs, "
            + underLoad
            + " faults under load, "
            + atRest
            + " at rest, nothing lost");
  }

  /** Every state that lasts: held, queued, backing off, running, and all kinds of end. */
  private void fill(ApiClient api, int count) throws Exception {
    for (int i = 0; i < INITIATIVES; i++) {
      initiatives.add(
          ApiClient.expect(
                  201,
                  api.post("/api/initiatives", "{\"title\":\"i" + i + "\",\"objective\":\"o\"}"))
              .getString("id"));
    }
    var ended = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      String initiative = ",\"initiativeId\":\"" + initiatives.get(i % INITIATIVES) + "\"";
      switch (i % 10) {
        case 0 -> ended.add(api.submit(shell("seq " + i + " " + last(i)) + initiative + "}"));
        case 1 ->
            ended.add(api.submit(shell("echo " + i + "; echo no >&2; exit 3") + initiative + "}"));
        case 2 ->
            ended.add(
                api.submit(
                    shell("echo out; echo err >&2") + initiative + ",\"output\":\"split\"}"));
        case 3 -> ended.add(api.submit("{\"command\":[\"/no/such/program\"]" + initiative + "}"));
        case 4 -> {
          String id = api.submit(shell("true") + ",\"hold\":true" + initiative + "}");
          ApiClient.expect(202, api.post("/api/tasks/" + id + "/cancel", "{}"));
          ended.add(id);
        }
        default ->
            tasks.put(
                api.submit(shell("true") + ",\"hold\":true" + initiative + "}"),
                JsonObject.EMPTY_JSON_OBJECT);
      }
    }
    ended.add(
        api.submit(
            shell("echo late; sleep 60") + ",\"timeout\":\"PT0.5S\",\"stopGrace\":\"PT0.2S\"}"));
    tasks.put(
        api.submit(
            shell("echo again; exit 1")
                + ",\"retry\":{\"maxAttempts\":2,\"backoff\":\"PT20H\",\"maxBackoff\":\"PT21H\"}}"),
        JsonObject.EMPTY_JSON_OBJECT);
    for (String id : ended) {
      tasks.put(id, api.awaitSealed(id));
    }
    for (int i = 0; i < 3; i++) {
      String id =
          api.submit(
              shell(
                      "i=0; while [ -e "
                          + data()
                          + " ]; do i=$((i+1)); echo line $i; sleep 0.02; done")
                  + "}");
      api.await(id, task -> task.getString("state").equals("RUNNING"), PATIENCE);
      live.add(id);
    }
    for (String id : List.copyOf(tasks.keySet())) {
      tasks.put(id, api.await(id, ApiClient::isSealed, PATIENCE));
      for (String stream :
          tasks.get(id).getString("output").equals("split")
              ? List.of("stdout", "stderr")
              : List.of("merged")) {
        String path = "/api/tasks/" + id + "/output?stream=" + stream;
        outputs.put(path, sha256(api.bytes(path)));
      }
    }
  }

  /** Few outputs are large, so that the rounds of very many tasks stay short. */
  private static int last(int i) {
    return i < 60 ? 20_000 * (i / 10 % 4) : i + 10;
  }

  private static String shell(String script) {
    return "{\"command\":[\"sh\",\"-c\",\"" + script + "\"]";
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  /** Files to be damaged: of each directory some, so that none is forgotten among the many. */
  private List<Path> some(int count) throws IOException {
    var kinds = new TreeMap<String, List<Path>>();
    try (Stream<Path> walk = Files.walk(data().resolve("state"))) {
      walk.filter(Files::isRegularFile)
          .filter(this::isReliedUpon)
          .forEach(file -> kinds.computeIfAbsent(kind(file), _ -> new ArrayList<>()).add(file));
    }
    kinds.values().forEach(files -> Collections.shuffle(files, random));
    var chosen = new ArrayList<Path>();
    for (int i = 0; chosen.size() < count; i++) {
      int round = i;
      List<Path> more =
          kinds.values().stream()
              .filter(files -> files.size() > round)
              .map(files -> files.get(round))
              .toList();
      if (more.isEmpty()) {
        return chosen;
      }
      chosen.addAll(more.subList(0, Math.min(more.size(), count - chosen.size())));
    }
    Collections.shuffle(chosen, random);
    return chosen;
  }

  /** What a monitor records is there once; what a command is writing is not sealed yet. */
  private boolean isReliedUpon(Path file) {
    String path = file.toString();
    boolean isOfLiveRun =
        live.stream().anyMatch(path::contains) && path.matches(".*/tasks/../[^/]+/.*");
    return !isOfLiveRun && !path.contains("/quarantine/") && !path.contains("/reports/");
  }

  private String kind(Path file) {
    String path = data().relativize(file).toString();
    return path.replaceAll("/tasks/../[^/]+/[^/]+/", "/run/")
        .replaceAll("/(tasks|initiatives)/../[^/]+", "/$1/file")
        .replaceAll("/outputs/../[^/]+-(output|stdout|stderr).log", "/outputs/$1")
        .replaceAll("/(journal|snapshots)/[0-9].*", "/$1/file");
  }

  /** Damages a file; says what was done. */
  private String damage(Path file) throws IOException {
    if (!Files.exists(file)) {
      return file + " has gone by itself";
    }
    byte[] bytes = Files.readAllBytes(file);
    int kind = random.nextInt(4);
    if (kind == 0) {
      Files.delete(file);
      return file + " deleted";
    }
    Files.write(
        file,
        switch (kind) {
          case 1 -> Arrays.copyOf(bytes, bytes.length / 2);
          case 2 -> new byte[bytes.length];
          default -> flipped(bytes);
        });
    return file + List.of("", " cut", " zeroed", " flipped").get(kind);
  }

  private byte[] flipped(byte[] bytes) {
    if (bytes.length > 0) {
      bytes[random.nextInt(Math.min(bytes.length, 4_096))] ^= 16;
    }
    return bytes;
  }

  private void damageLive(PackagedServer server, Path file) throws Exception {
    String what = damage(file) + " under the server (seed " + seed + ")";
    // What is being written to is sealed in one round and mended in the next.
    awaitRounds(server.client(), 2);
    check(server.client(), what);
  }

  private static void awaitRounds(ApiClient api, int rounds) throws Exception {
    int begun = round(api);
    Await.until(() -> round(api), now -> now > begun + rounds, PATIENCE);
  }

  private static int round(ApiClient api) throws IOException, InterruptedException {
    String message =
        api.get("/api/health")
            .getJsonObject("components")
            .getJsonObject("scrub")
            .getString("message");
    return message.startsWith("round ")
        ? Integer.parseInt(message.substring(6, message.indexOf(',')))
        : 0;
  }

  private void check(ApiClient api, String what) throws Exception {
    for (Map.Entry<String, JsonObject> task : tasks.entrySet()) {
      assertEquals(task.getValue(), api.task(task.getKey()), what);
    }
    for (String id : live) {
      assertEquals("RUNNING", api.task(id).getString("state"), what);
    }
    for (String id : initiatives) {
      assertEquals(
          "OPEN",
          api.get("/api/initiatives/" + id).getString("state").replace("RUNNING", "OPEN"),
          what);
    }
    for (Map.Entry<String, String> output : outputs.entrySet()) {
      assertEquals(output.getValue(), sha256(api.bytes(output.getKey())), what);
    }
  }

  /** What was being written all the time is whole when it ends: no line is missing or twice. */
  private void endLive(ApiClient api) throws Exception {
    for (String id : live) {
      ApiClient.expect(202, api.post("/api/tasks/" + id + "/kill", "{}"));
      api.awaitSealed(id);
      List<String> lines = api.output(id).lines().toList();
      assertTrue(lines.size() > 10, lines.size() + " lines");
      for (int i = 0; i < lines.size(); i++) {
        assertEquals("line " + (i + 1), lines.get(i));
      }
    }
  }
}

package holdfast.bootstrap.resilience;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A server has less room than it keeps in reserve. The disk is never filled: the reserve is set a
 * little above what is free, and room comes back when a file of the drill's own is removed.
 */
final class DiskFull extends Drill {
  private static final long ROOM_MAX = 256L << 20;
  private static final int ROOM_SHARE = 16;
  private static final int TRIES = 3;
  private static final int FULL = 507;
  private static final Duration BACK_MAX = Duration.ofSeconds(10);

  /**
   * What was observed.
   *
   * @param refusal of a new task, and its code
   * @param read of the list of tasks
   * @param stopped state of the task that ran
   * @param again of a new task, once there is room
   * @param stoppedThen state of the task that ran, after another start
   */
  record Seen(int refusal, String code, int read, String stopped, int again, String stoppedThen) {}

  /** What was observed while there was no room. */
  private record Full(Api.Reply refusal, int read, String stopped) {}

  @Override
  String name() {
    return "disk-full";
  }

  @Override
  String harm() {
    return "restarts the server with another reserve";
  }

  @Override
  Outcome run(Bench bench) throws IOException, InterruptedException {
    String id;
    try (ServerProcess server = bench.start(reserve(1))) {
      Api api = server.api();
      id = api.submit(Api.shell("goes on", "while :; do sleep 0.1; done"));
      api.awaitRunning(id);
      server.kill();
    }
    Path filler = bench.directory().resolve("filler");
    long room = fill(filler, Math.min(ROOM_MAX, free(bench) / ROOM_SHARE));
    for (int i = 0; i < TRIES; i++) {
      long reserve = free(bench) + room / 2;
      try (ServerProcess server = bench.start(reserve(reserve))) {
        Api api = server.api();
        Api.Reply refusal = refusal(bench, api, reserve);
        if (refusal.status() == 201 && free(bench) >= reserve) {
          // Others have removed as much meanwhile; what is free now is the new measure.
          continue;
        }
        Full full = new Full(refusal, api.send("GET", "/api/tasks", null).status(), stop(api, id));
        Files.delete(filler);
        boolean back = roomIsBack(bench, api, reserve);
        int again = back ? submit(api).status() : 0;
        server.kill();
        return finish(bench, id, full, new Back(reserve, room, again));
      }
    }
    return new Outcome.Failed(
        "others free so much of this disk that it cannot be made to look full; try again later");
  }

  /** How room came back; {@code again} is 0 if others took it. */
  private record Back(long reserve, long room, int again) {}

  private static Outcome finish(Bench bench, String id, Full full, Back back)
      throws IOException, InterruptedException {
    try (ServerProcess server = bench.start(reserve(1))) {
      Api api = server.api();
      int again = back.again() == 0 ? submit(api).status() : back.again();
      String code = full.refusal().status() == FULL ? full.refusal().json().getString("code") : "";
      var seen =
          new Seen(
              full.refusal().status(), code, full.read(), full.stopped(), again, api.state(id));
      return Outcome.of(
          faults(seen),
          "a reserve of "
              + Spell.mebibytes(back.reserve())
              + ", more than is free: new tasks "
              + seen.refusal()
              + " "
              + code
              + ", reads go on, a running task was stopped and stays so after kill -9; "
              + (back.again() == 0
                  ? "new tasks again after a start with less (others took the room meanwhile)"
                  : "new tasks again by itself with " + Spell.mebibytes(back.room()) + " more"));
    }
  }

  private static Map<String, String> reserve(long bytes) {
    return Map.of("HOLDFAST_DISK_RESERVE", String.valueOf(bytes));
  }

  private static long free(Bench bench) throws IOException {
    return Files.getFileStore(bench.directory()).getUsableSpace();
  }

  /** Writes bytes that no file system can make small; how many. */
  private static long fill(Path file, long bytes) throws IOException {
    var block = new byte[1 << 20];
    new Random(bytes).nextBytes(block);
    long written = 0;
    try (OutputStream out = Files.newOutputStream(file)) {
      while (written < bytes) {
        block[0]++;
        out.write(block);
        written += block.length;
      }
    }
    return written;
  }

  private static Api.Reply submit(Api api) throws IOException, InterruptedException {
    return api.post("/api/tasks", Api.held("needs room").build().toString());
  }

  /** The server looks several times a second; until it has looked, a task may be taken. */
  private static Api.Reply refusal(Bench bench, Api api, long reserve)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + BACK_MAX.toNanos();
    while (true) {
      Api.Reply reply = submit(api);
      boolean over = System.nanoTime() - deadline > 0 || free(bench) >= reserve;
      if (reply.status() != 201 || over) {
        return reply;
      }
      Thread.sleep(20);
    }
  }

  private static String stop(Api api, String id) throws IOException, InterruptedException {
    api.post("/api/tasks/" + id + "/stop", "{}").expect(202);
    return api.awaitOver(id).getString("state");
  }

  /**
   * Whether new tasks are taken again.
   *
   * @throws BrokenPromiseException if there is room and they are not
   */
  private static boolean roomIsBack(Bench bench, Api api, long reserve)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + BACK_MAX.toNanos();
    while (System.nanoTime() - deadline < 0) {
      if (submit(api).status() == 201) {
        return true;
      }
      Thread.sleep(20);
    }
    if (free(bench) > reserve) {
      throw new BrokenPromiseException(
          "there is room again, and new tasks are still refused after " + Spell.of(BACK_MAX));
    }
    return false;
  }

  static List<String> faults(Seen seen) {
    return new Checks()
        .equal("answer to a new task without room", FULL, seen.refusal())
        .equal("its code", "disk-full", seen.code())
        .equal("answer to a read without room", 200, seen.read())
        .equal("state of a task that was stopped without room", "CANCELED", seen.stopped())
        .equal("answer to a new task with room again", 201, seen.again())
        .equal("state of the stopped task after another start", "CANCELED", seen.stoppedThen())
        .faults();
  }
}

package holdfast.bootstrap.resilience;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A client follows an output and the state of all tasks, and its connection is dropped again and
 * again, once by the death of the server.
 */
final class SocketReconnection extends Drill {
  private static final int DROPS = 20;
  private static final int LINES = 600;
  private static final int DROP_EVERY = LINES * 8 / (DROPS + 2);
  private static final String SCRIPT =
      "i=0; while [ $i -lt " + LINES + " ]; do i=$((i+1)); echo line $i; sleep 0.005; done";

  /**
   * What was observed.
   *
   * @param faults of the frames in the order in which they came
   * @param reset why the client was told to list again, or null
   * @param received SHA-256 of what was put together
   * @param served SHA-256 of the output as the server has it
   * @param endOffset that the server named as the end of the output, or -1
   * @param told the seq of the last event of each task that was changed meanwhile
   * @param really the seq that each of them has
   */
  record Seen(
      List<String> faults,
      @Nullable String reset,
      String received,
      String served,
      long receivedBytes,
      long endOffset,
      Map<String, Long> told,
      Map<String, Long> really) {}

  @Override
  String name() {
    return "websocket-reconnection";
  }

  @Override
  String harm() {
    return "kills the server";
  }

  @Override
  Outcome run(Bench bench) throws IOException, InterruptedException {
    ServerProcess server = bench.start();
    try {
      Run run = new Run(server.api());
      run.drop(DROPS / 2);
      run.follow();
      server.kill();
      server = bench.start();
      run.goOn(server.api());
      run.drop(DROPS / 2);
      return run.finish(1);
    } finally {
      server.close();
    }
  }

  @Override
  Outcome against(Api api) throws IOException, InterruptedException {
    Run run = new Run(api);
    try {
      run.drop(DROPS);
      return run.finish(0);
    } finally {
      run.purge();
    }
  }

  static String expected() {
    var lines = new StringBuilder();
    for (int i = 1; i <= LINES; i++) {
      lines.append("line ").append(i).append('\n');
    }
    return sha256(lines.toString().getBytes(StandardCharsets.UTF_8));
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static List<String> faults(Seen seen) {
    var checks = new Checks().all(seen.faults());
    checks.holds(seen.reset() == null, "the client was told to list again: " + seen.reset());
    checks.equal("SHA-256 of what was received", expected(), seen.received());
    checks.equal("SHA-256 of the output on the server", expected(), seen.served());
    checks.equal("end of the output", seen.receivedBytes(), seen.endOffset());
    seen.really()
        .forEach(
            (id, seq) ->
                checks.equal(
                    "last change told of task " + id, seq, seen.told().getOrDefault(id, 0L)));
    return checks.faults();
  }

  /** One client with its tasks. */
  private static final class Run {
    private final List<String> held = new ArrayList<>();
    private final String followed;
    private final Following following;
    private Api api;
    private int connections;
    private int drops;

    Run(Api api) throws IOException, InterruptedException {
      this.api = api;
      JsonObject list = api.get("/api/tasks?limit=1");
      followed = api.submit(Api.shell("resilience: is followed", SCRIPT));
      following = Following.from(list, followed);
    }

    void goOn(Api restarted) {
      api = restarted;
    }

    /** Drops the connection {@code times} times, each time a little further on. */
    void drop(int times) throws IOException, InterruptedException {
      for (int i = 0; i < times; i++) {
        follow();
        drops++;
        // One change that nobody is there to be told of; another is made while somebody is.
        change();
      }
    }

    /** Follows some way on, and drops the connection. */
    void follow() throws IOException, InterruptedException {
      int bytes = following.outputBytes() + DROP_EVERY;
      try (LiveSocket socket = connect()) {
        change();
        boolean open =
            Sockets.takeUntil(
                socket,
                following,
                () -> following.outputBytes() >= bytes || following.end() != null);
        if (!open) {
          throw new BrokenPromiseException("the server closed the connection by itself");
        }
      }
    }

    private LiveSocket connect() throws IOException, InterruptedException {
      LiveSocket socket = api.follow();
      connections++;
      following.subscriptions().forEach(socket::send);
      return socket;
    }

    /** Makes a task, and changes the one before. */
    private void change() throws IOException, InterruptedException {
      if (!held.isEmpty()) {
        api.post("/api/tasks/" + held.getLast() + "/cancel", "{}").expect(202);
      }
      held.add(api.submit(Api.held("resilience: changes meanwhile")));
    }

    Outcome finish(int kills) throws IOException, InterruptedException {
      api.awaitOver(followed);
      try (LiveSocket socket = connect()) {
        Map<String, Long> really = really();
        long newest = really.values().stream().mapToLong(Long::longValue).max().orElse(0);
        Sockets.takeUntil(
            socket, following, () -> following.end() != null && following.position() >= newest);
        return outcome(really, kills);
      }
    }

    private Outcome outcome(Map<String, Long> really, int kills)
        throws IOException, InterruptedException {
      @Nullable JsonObject end = following.end();
      var told = new TreeMap<String, Long>();
      held.forEach(id -> told.put(id, following.seqOf(id)));
      var seen =
          new Seen(
              following.faults(),
              following.reset(),
              sha256(following.output()),
              sha256(api.output(followed)),
              following.outputBytes(),
              end == null ? -1 : end.getJsonNumber("offset").longValue(),
              told,
              really);
      return Outcome.of(
          faults(seen),
          Spell.count(drops, "dropped connection")
              + (kills == 0 ? "" : " and a kill -9")
              + ": "
              + following.outputBytes()
              + " bytes over "
              + connections
              + " connections with the SHA-256 of the original, the changes of "
              + held.size()
              + " tasks without gap or duplicate");
    }

    private Map<String, Long> really() throws IOException, InterruptedException {
      var seqs = new TreeMap<String, Long>();
      for (String id : held) {
        seqs.put(id, api.task(id).getJsonNumber("seq").longValue());
      }
      return seqs;
    }

    /** Leaves nothing behind on a server that is somebody else's. */
    void purge() throws IOException, InterruptedException {
      api.post("/api/tasks/" + followed + "/kill", "{}");
      api.awaitOver(followed);
      if (!held.isEmpty()) {
        api.post("/api/tasks/" + held.getLast() + "/cancel", "{}");
      }
      held.add(followed);
      for (String id : held) {
        api.send("DELETE", "/api/tasks/" + id, null).expect(204);
      }
    }
  }
}

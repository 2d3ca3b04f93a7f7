package holdfast.bootstrap;

import jakarta.json.JsonObject;
import jakarta.json.JsonValue;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;

/**
 * Measures the packaged server from outside, as its clients do. Called by {@code ./bench}; prints
 * one line per figure: name, value, unit, remark, separated by tabs.
 */
public final class ServerBench {
  private static final int MIB = 1 << 20;

  private final Path scratch;

  private ServerBench(Path scratch) {
    this.scratch = scratch;
  }

  /**
   * Measures what it is told to.
   *
   * @param args scratch directory, then the names of what to measure
   */
  public static void main(String[] args) throws Exception {
    var bench = new ServerBench(Path.of(args[0]));
    for (String name : Arrays.asList(args).subList(1, args.length)) {
      switch (name) {
        case "post" -> bench.post();
        case "start-latency" -> bench.startLatency();
        case "many" -> bench.manyShortTasks();
        case "output" -> bench.output();
        case "fan-out" -> bench.fanOut();
        case "lag" -> bench.lag();
        case "boot" -> bench.boot();
        case "large" -> bench.largeState();
        case "shutdown" -> ShutdownBench.run(bench.scratch);
        default -> throw new IllegalArgumentException("nothing called " + name);
      }
    }
  }

  static void row(String name, double value, String unit, String remark) {
    System.out.printf(Locale.ROOT, "%s\t%.3f\t%s\t%s%n", name, value, unit, remark);
  }

  private void boot() throws IOException {
    var seconds = new ArrayList<Double>();
    for (int i = 0; i < 5; i++) {
      try (var server = new ScriptedServer(scratch, scratch.resolve("boot" + i))) {
        seconds.add(server.readySeconds());
        if (i == 4) {
          row("resident after start", server.residentMebibytes(), "MiB", "empty directory");
        }
      }
    }
    seconds.sort(null);
    row("start to READY, empty directory", seconds.get(2), "s", "median of 5: " + seconds);
  }

  /** A command writes about 200 MB/s, half of it incompressible, while its copy is kept in step. */
  private void lag() throws IOException, InterruptedException {
    byte[] piece = new byte[20_000_000];
    new Random(1).nextBytes(piece);
    Arrays.fill(piece, 0, piece.length / 2, (byte) '.');
    Path file = Files.write(scratch.resolve("piece"), piece);
    try (var server = new ScriptedServer(scratch, scratch.resolve("lag"))) {
      ApiClient api = server.client();
      long begun = System.nanoTime();
      String id =
          api.submit(
              RestartEndToEndTest.command(
                  "sh",
                  "-c",
                  "i=0; while [ $i -lt 100 ]; do cat " + file + "; sleep 0.07; i=$((i+1)); done"));
      var lags = new ArrayList<Long>();
      JsonObject task = api.task(id);
      while (JsonValue.NULL.equals(task.get("outcome"))) {
        lags.add(behind(api));
        // Asking all the time would take the processor that copies.
        TimeUnit.MILLISECONDS.sleep(50);
        task = api.task(id);
      }
      double seconds = (System.nanoTime() - begun) / 1e9;
      lags.sort(null);
      row(
          "copy behind its output, most",
          lags.getLast() / 1e6,
          "MB",
          String.format(
              Locale.ROOT,
              "at %.0f MB/s, median %.1f MB, %d looks",
              100 * piece.length / 1e6 / seconds,
              lags.get(lags.size() / 2) / 1e6,
              lags.size()));
      long ended = System.nanoTime();
      api.awaitSealed(id);
      row("end to sealed, 2 GB", (System.nanoTime() - ended) / 1e9, "s", "");
    }
  }

  private static long behind(ApiClient api) throws IOException, InterruptedException {
    String message =
        api.get("/api/health")
            .getJsonObject("components")
            .getJsonObject("outputs")
            .getString("message");
    return Long.parseLong(message.replaceAll(".*copies ([0-9]+) bytes behind.*", "$1"));
  }

  /** Runs wrk against a fresh server, first with one connection, then with 64. */
  private void post() throws IOException, InterruptedException {
    var wrk = new Wrk(scratch);
    try (var server = new ScriptedServer(scratch, scratch.resolve("post"))) {
      // Both run twice: the first run lets the JIT compiler see the path.
      for (int connections : new int[] {64, 1, 64}) {
        Wrk.Measured measured = wrk.submit(server.address(), server.token(), connections, 10);
        row(
            "POST held, " + connections + " connections",
            measured.rate(),
            "1/s",
            "p50 "
                + measured.p50()
                + ", p99 "
                + measured.p99()
                + (measured.allTaken() ? "" : ", NON-2XX ANSWERS"));
      }
      row("resident after POSTs", server.residentMebibytes(), "MiB", "after all three runs");
    }
  }

  private void startLatency() throws IOException, InterruptedException {
    try (var server = new ScriptedServer(scratch, scratch.resolve("latency"))) {
      ApiClient api = server.client();
      var millis = new ArrayList<Double>();
      for (int i = 0; i < 120; i++) {
        String id = api.submit(RestartEndToEndTest.command("date", "+%s%N"));
        Instant answered = Instant.now();
        api.awaitEnd(id);
        String said = api.output(id).strip();
        long nanos = answered.getEpochSecond() * 1_000_000_000L + answered.getNano();
        if (i >= 20) {
          millis.add((Long.parseLong(said) - nanos) / 1e6);
        }
      }
      millis.sort(null);
      row(
          "start: POST answered to first instruction",
          millis.get(millis.size() / 2),
          "ms",
          "p99 " + millis.get(millis.size() * 99 / 100));
    }
  }

  private void manyShortTasks() throws Exception {
    int tasks = 2_000;
    try (var server = new ScriptedServer(scratch, scratch.resolve("many"), "--max-running", "4")) {
      ApiClient api = server.client();
      runAll(api, 200);
      long begun = System.nanoTime();
      runAll(api, tasks);
      row(
          "short tasks",
          tasks / ((System.nanoTime() - begun) / 1e9),
          "1/s",
          tasks + " x true, 4 at a time");
    }
  }

  private static void runAll(ApiClient api, int tasks) throws Exception {
    var left = new AtomicInteger(tasks);
    var ids = ConcurrentHashMap.<String>newKeySet();
    try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> submitters = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        submitters.add(
            pool.submit(
                () -> {
                  while (left.getAndDecrement() > 0) {
                    ids.add(api.submit("{\"command\":[\"true\"]}"));
                  }
                  return null;
                }));
      }
      for (Future<?> submitter : submitters) {
        submitter.get();
      }
    }
    Await.until(
        () ->
            api.get("/api/tasks?state=QUEUED,STARTING,RUNNING&limit=1")
                .getJsonArray("items")
                .size(),
        n -> n == 0,
        Duration.ofMinutes(5));
    JsonObject failed = api.get("/api/tasks?state=FAILED,LOST&limit=1");
    if (!failed.getJsonArray("items").isEmpty()) {
      throw new AssertionError("not all succeeded: " + failed);
    }
  }

  private void output() throws Exception {
    int mebibytes = 500;
    Path file = scratch.resolve("output.bin");
    try (var server = new ScriptedServer(scratch, scratch.resolve("output"))) {
      ApiClient api = server.client();
      String make = "head -c " + mebibytes + "M /dev/urandom | tee \"$1\"";
      String id =
          api.submit(RestartEndToEndTest.command("sh", "-c", make, "make", file.toString()));
      api.await(id, task -> task.getString("state").equals("SUCCEEDED"), Duration.ofMinutes(2));
      long expected = checksum(file);
      for (int round = 0; round < 3; round++) {
        row(
            "output of a finished task",
            receive(server, id, expected),
            "MB/s",
            mebibytes + " MiB to one WebSocket client, CRC equal");
        websocketd(file, expected);
      }
      String live =
          "i=0; while [ $i -lt 50 ]; do i=$((i+1)); dd if=\"$1\" bs=1M count=20 skip=$(( (i%25)*20 ))"
              + " 2>/dev/null; sleep 0.03; done";
      String writer =
          api.submit(RestartEndToEndTest.command("sh", "-c", live, "live", file.toString()));
      row(
          "output of a live task",
          receive(server, writer, -1),
          "MB/s",
          "as fast as its writer writes");
      row(
          "resident after output",
          server.residentMebibytes(),
          "MiB",
          "peak " + server.peakMebibytes());
    }
  }

  /** Follows an output to its end; megabytes per second. */
  private static double receive(ScriptedServer server, String id, long expectedChecksum)
      throws IOException {
    try (var socket = new RawWebSocket(server.address(), "/ws", server.token(), "holdfast.v1")) {
      socket.read();
      long begun = System.nanoTime();
      socket.send(
          "{\"type\":\"subscribe\",\"id\":\"o\",\"topic\":\"output\",\"taskId\":\""
              + id
              + "\",\"offset\":0,\"credit\":"
              + 16 * MIB
              + "}");
      var checksum = new CRC32C();
      long bytes = 0;
      long credited = 0;
      while (true) {
        int opcode = socket.read();
        if (opcode == RawWebSocket.BINARY) {
          int count = socket.length() - 14;
          if (expectedChecksum >= 0) {
            checksum.update(socket.payload(), 14, count);
          }
          bytes += count;
          if (bytes - credited >= 4 * MIB) {
            socket.send("{\"type\":\"credit\",\"id\":\"o\",\"bytes\":" + (bytes - credited) + "}");
            credited = bytes;
          }
        } else if (opcode == RawWebSocket.TEXT && socket.text().contains("\"type\":\"end\"")) {
          double seconds = (System.nanoTime() - begun) / 1e9;
          if (!socket.text().contains("\"offset\":" + bytes)
              || (expectedChecksum >= 0 && checksum.getValue() != expectedChecksum)) {
            throw new AssertionError("bytes differ: " + bytes + ", " + socket.text());
          }
          return bytes / 1e6 / seconds;
        } else if (opcode == RawWebSocket.CLOSE) {
          throw new AssertionError("closed at " + bytes);
        }
      }
    }
  }

  /** The same file through websocketd, where it is installed. */
  private static void websocketd(Path file, long expectedChecksum) throws Exception {
    Process peer;
    try {
      peer =
          new ProcessBuilder(
                  "websocketd",
                  "--port=7397",
                  "--address=127.0.0.1",
                  "--binary",
                  "cat",
                  file.toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException absent) {
      System.out.println("# websocketd is not installed");
      return;
    }
    try {
      URI address = URI.create("http://127.0.0.1:7397");
      long size = Files.size(file);
      RawWebSocket socket = connect(address);
      long begun = System.nanoTime();
      var checksum = new CRC32C();
      long bytes = 0;
      try (socket) {
        // Its library sends large messages in fragments.
        while (bytes < size && socket.read() <= RawWebSocket.BINARY) {
          checksum.update(socket.payload(), 0, socket.length());
          bytes += socket.length();
        }
      }
      String remark = checksum.getValue() == expectedChecksum ? "CRC equal" : "CRC DIFFERS";
      row(
          "websocketd, same file",
          bytes / 1e6 / ((System.nanoTime() - begun) / 1e9),
          "MB/s",
          remark);
    } finally {
      peer.destroy();
      peer.waitFor();
    }
  }

  private static RawWebSocket connect(URI address) throws Exception {
    return Await.until(
        () -> {
          try {
            return new RawWebSocket(address, "/", "", "");
          } catch (ConnectException notYet) {
            return null;
          }
        },
        socket -> socket != null,
        Duration.ofSeconds(5));
  }

  private static long checksum(Path file) throws IOException {
    var checksum = new CRC32C();
    try (var in = Files.newInputStream(file)) {
      var buffer = new byte[MIB];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        checksum.update(buffer, 0, n);
      }
    }
    return checksum.getValue();
  }

  /** 200 clients on one live output; some never read. */
  private void fanOut() throws Exception {
    int clients = 200;
    int stuck = 20;
    try (var server =
            new ScriptedServer(scratch, scratch.resolve("fan-out"), "--max-running", "4");
        var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      ApiClient api = server.client();
      String script =
          "i=0; while [ $i -lt 100 ]; do i=$((i+1)); head -c 100000 /dev/zero; sleep 0.05; done";
      String id = api.submit(RestartEndToEndTest.command("sh", "-c", script));
      var idle = new ArrayList<RawWebSocket>();
      for (int i = 0; i < stuck; i++) {
        var socket = new RawWebSocket(server.address(), "/ws", server.token(), "holdfast.v1");
        socket.send(
            "{\"type\":\"subscribe\",\"id\":\"o\",\"topic\":\"output\",\"taskId\":\""
                + id
                + "\",\"offset\":0,\"credit\":"
                + 64 * MIB
                + "}");
        idle.add(socket);
      }
      long begun = System.nanoTime();
      List<Future<Double>> readers = new ArrayList<>();
      for (int i = 0; i < clients - stuck; i++) {
        readers.add(
            pool.submit(
                () -> {
                  receive(server, id, -1);
                  return (System.nanoTime() - begun) / 1e9;
                }));
      }
      double slowest = 0;
      double fastest = Double.MAX_VALUE;
      for (Future<Double> reader : readers) {
        slowest = Math.max(slowest, reader.get(2, TimeUnit.MINUTES));
        fastest = Math.min(fastest, reader.get());
      }
      row(
          "fan-out, slowest of " + (clients - stuck) + " readers",
          slowest,
          "s",
          String.format(
              Locale.ROOT, "fastest %.3f s; %d more never read; 10 MB each", fastest, stuck));
      row(
          "resident after fan-out",
          server.residentMebibytes(),
          "MiB",
          "peak " + server.peakMebibytes());
      for (RawWebSocket socket : idle) {
        socket.close();
      }
    }
  }

  /** 100,000 tasks in the journal: how long until ready, and how much memory. */
  private void largeState() throws Exception {
    Path data = scratch.resolve("large");
    int tasks = 100_000;
    try (var server = new ScriptedServer(scratch, data)) {
      ApiClient api = server.client();
      var left = new AtomicInteger(tasks);
      try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<?>> submitters = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
          submitters.add(
              pool.submit(
                  () -> {
                    while (left.getAndDecrement() > 0) {
                      api.submit(
                          "{\"command\":[\"true\"],\"hold\":true,\"title\":\""
                              + "x".repeat(340)
                              + "\"}");
                    }
                    return null;
                  }));
        }
        for (Future<?> submitter : submitters) {
          submitter.get();
        }
      }
      server.kill();
    }
    try (var server = new ScriptedServer(scratch, data)) {
      row("start to READY, 100,000 tasks", server.readySeconds(), "s", "after SIGKILL");
      row(
          "resident, 100,000 tasks",
          server.residentMebibytes(),
          "MiB",
          "peak " + server.peakMebibytes());
      server.client().get("/api/tasks?limit=1000");
      metrics(server.client());
    }
  }

  private static void metrics(ApiClient api) throws IOException, InterruptedException {
    // The first of them let the JIT compiler see the path.
    var millis = new ArrayList<Double>();
    for (int i = 0; i < 200; i++) {
      long asked = System.nanoTime();
      api.bytes("/metrics");
      millis.add((System.nanoTime() - asked) / 1e6);
    }
    double first = millis.getFirst();
    List<Double> warm = millis.subList(100, 200).stream().sorted().toList();
    row(
        "GET /metrics, 100,000 tasks",
        warm.get(50),
        "ms",
        "median of 100; slowest " + warm.getLast() + ", the very first " + first);
  }
}

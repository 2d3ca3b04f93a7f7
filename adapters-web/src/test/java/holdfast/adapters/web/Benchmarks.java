package holdfast.adapters.web;

import holdfast.domain.port.InMemoryOutputStorage;
import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.OutputSeal;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskEvent;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Measures what the web layer costs, without a disk. Run its {@code main} with one of {@code
 * codec}, {@code serve}, {@code output <clients> <megabytes>}.
 */
final class Benchmarks {
  private static final String BODY =
      """
      {"title":"build the docs for the project","command":["bash","-lc","make docs && make check"],\
      "cwd":"/srv/projects/holdfast","env":{"LANG":"C.UTF-8","CI":"true"},"priority":0,\
      "labels":{"team":"docs","kind":"nightly"},"hold":true,"timeout":"PT2H","stopGrace":"PT10S",\
      "retry":{"maxAttempts":3,"backoff":"PT1S","maxBackoff":"PT5M"},"onLost":"fail","stdin":"none",\
      "output":"merged"}""";

  private Benchmarks() {}

  public static void main(String[] args) throws Exception {
    switch (args.length == 0 ? "codec" : args[0]) {
      case "codec" -> codec();
      case "serve" -> serve(Integer.parseInt(args[1]));
      case "output" -> output(Integer.parseInt(args[1]), Integer.parseInt(args[2]));
      default -> throw new IllegalArgumentException("codec | serve <port> | output <n> <MB>");
    }
  }

  /** Reading a submission and rendering the task, on one thread. */
  private static void codec() {
    byte[] body = BODY.getBytes(StandardCharsets.UTF_8);
    var specs = new SpecReading("/");
    Instant now = Instant.parse("2026-11-23T00:00:00Z");
    try (var server = TestServer.start()) {
      var rendering = new Rendering(server.application().outputs());
      for (int round = 0; round < 5; round++) {
        long begun = System.nanoTime();
        long sum = 0;
        for (int i = 0; i < 100_000; i++) {
          sum += specs.submission(StrictJson.object(body)).spec().command().size();
        }
        long read = System.nanoTime();
        var submitted =
            new TaskEvent.Submitted(now, specs.submission(StrictJson.object(body)).spec(), true);
        var stored =
            new Stored<>(Task.submitted(new TaskId("0".repeat(20)), submitted), 1, "submitted");
        for (int i = 0; i < 100_000; i++) {
          sum += rendering.task(stored).length;
        }
        long rendered = System.nanoTime();
        System.out.printf(
            Locale.ROOT,
            "read %.2f us, render %.2f us (%d)%n",
            (read - begun) / 1e8,
            (rendered - read) / 1e8,
            sum);
      }
    }
  }

  /** A server for wrk; the token is {@link TestServer#TOKEN}. */
  private static void serve(int port) throws InterruptedException {
    try (var server = TestServer.start(WebSettings.loopback(port, TestServer.TOKEN, "/"))) {
      server.world.program("true", process -> process.exit(0));
      System.out.println("http://127.0.0.1:" + server.port);
      Thread.currentThread().join();
    }
  }

  /** One output to so many clients at once, each refilling its credit as it reads. */
  private static void output(int clients, int megabytes) throws Exception {
    Path file = Files.createTempFile("holdfast-output", ".bin");
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        var server = TestServer.starting(WebSettings.loopback(0, TestServer.TOKEN, "/"))) {
      for (int i = 0; i < megabytes; i++) {
        channel.write(ByteBuffer.allocate(1_000_000));
      }
      server.open(new OneFile(channel, new InMemoryOutputStorage()));
      server.world.program("true", process -> process.exit(0));
      String id = server.submit("{\"command\":[\"true\"]}");
      TestServer.await("over", () -> server.get("/api/tasks/" + id).body().contains("SUCCEEDED"));
      for (int round = 0; round < 4; round++) {
        measure(server, id, clients, megabytes * 1_000_000L);
      }
    } finally {
      Files.delete(file);
    }
  }

  /** The same file for every output. */
  private record OneFile(FileChannel channel, InMemoryOutputStorage others)
      implements OutputStorage {
    @Override
    public Reader open(Output output, @Nullable OutputSeal seal) {
      return new Reader() {
        @Override
        public long length() {
          try {
            return channel.size();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }

        @Override
        public int read(long offset, ByteBuffer target) {
          try {
            return Math.max(0, channel.read(target, offset));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public Copied copy(Output output, boolean all) {
      return others.copy(output, all);
    }

    @Override
    public void force() {}

    @Override
    public void release(Output output) {}

    @Override
    public void listener(Consumer<Mended> heard) {}

    @Override
    public Map<Output, Sealing> seal(List<Output> outputs) {
      return others.seal(outputs);
    }

    @Override
    public Checked check(Output output, OutputSeal seal, long from) {
      return others.check(output, seal, from);
    }

    @Override
    public boolean pack(Output output, OutputSeal seal, BooleanSupplier isOver) {
      return false;
    }

    @Override
    public void purge(TaskId task) {}
  }

  private static void measure(TestServer server, String id, int clients, long bytes)
      throws InterruptedException {
    var total = new AtomicLong();
    List<Thread> threads = new ArrayList<>();
    long begun = System.nanoTime();
    for (int i = 0; i < clients; i++) {
      threads.add(Thread.ofPlatform().start(() -> total.addAndGet(receive(server, id, bytes))));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    double seconds = (System.nanoTime() - begun) / 1e9;
    System.out.printf(
        Locale.ROOT,
        "%d clients: %.0f MB in %.2f s = %.0f MB/s; heap %d MB%n",
        clients,
        total.get() / 1e6,
        seconds,
        total.get() / 1e6 / seconds,
        (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) / 1_000_000);
  }

  private static long receive(TestServer server, String id, long bytes) {
    try (var client = SocketClient.connect(server)) {
      client.text("hello");
      client.send(
          "{\"type\":\"subscribe\",\"id\":\"o\",\"topic\":\"output\",\"taskId\":\""
              + id
              + "\",\"credit\":16000000}");
      client.text("subscribed");
      byte[] buffer = new byte[262_144];
      long received = 0;
      long refilled = 0;
      while (received < bytes) {
        // Frames other than chunks are pings, which are few and empty.
        received += Math.max(0, client.next(buffer) - 14);
        if (received - refilled > 4_000_000) {
          client.send("{\"type\":\"credit\",\"id\":\"o\",\"bytes\":" + (received - refilled) + "}");
          refilled = received;
        }
      }
      return received;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

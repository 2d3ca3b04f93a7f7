package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.LoopDevice;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The machine loses power while tasks run: every process dies, the file system of the data
 * directory loses what was not forced, and the next server finds another boot. No task that was
 * acknowledged is gone, and none has run twice: each leaves a mark on a disk that keeps its power.
 */
class PowerCutEndToEndTest {
  private static final int SUBMITTERS = 4;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path scratch;

  @AfterEach
  void endTasks() {
    PackagedServer.endTasks(scratch);
  }

  @Test
  void tasksThatRanWhenThePowerWasCutAreNotStartedTwice() throws Exception {
    cut(2);
  }

  @Test
  @Tag("long")
  void tasksThatRanAtAHundredPowerCutsAreNotStartedTwice() throws Exception {
    cut(100);
  }

  private void cut(int cuts) throws Exception {
    long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
    System.out.println("PowerCutEndToEndTest seed " + seed);
    var random = new Random(seed);
    LoopDevice device = LoopDevice.make(scratch.resolve("image"), (512L + 32L * cuts) << 20);
    Assumptions.assumeTrue(
        device != null && isAnotherBootPossible(),
        "needs root, mkfs.ext4, a loop device and unshare: the power cut is not tested");
    Path mount = scratch.resolve("mount");
    Path marks = Files.createDirectory(scratch.resolve("marks"));
    Set<String> acknowledged = ConcurrentHashMap.newKeySet();
    int active = 0;
    for (int i = 0; i <= cuts; i++) {
      device.mount(mount);
      try (PackagedServer server =
          PackagedServer.startBy(anotherBoot(), mount.resolve("data"), "--max-running", "8")) {
        active += server.client().get("/api/recovery").getJsonArray("tasks").size();
        check(server.client(), acknowledged, marks);
        if (i < cuts) {
          submitAndKill(server, acknowledged, marks, 300 + random.nextInt(1_200));
          device.cutPower();
        } else {
          Await.until(() -> unfinished(server.client()), n -> n == 0, PATIENCE);
          check(server.client(), acknowledged, marks);
          assertEquals(0, server.terminate());
        }
      } finally {
        PackagedServer.endTasks(scratch);
        Await.until(() -> isUnmounted(device), done -> done, PATIENCE);
      }
    }
    System.out.println(
        "PowerCutEndToEndTest "
            + cuts
            + " cuts, "
            + acknowledged.size()
            + " acknowledged, "
            + active
            + " active at a cut, none ran twice");
    assertTrue(active >= cuts, "tasks hardly got to run: " + active);
  }

  private static boolean isUnmounted(LoopDevice device) {
    try {
      device.unmount();
      return true;
    } catch (IOException busy) {
      // The mounts of the killed processes' namespace go when the kernel has cleaned up.
      return false;
    }
  }

  /** A machine that was restarted has another boot id: the server's kernel file says so. */
  private List<String> anotherBoot() throws IOException {
    Path boot = Files.writeString(scratch.resolve("boot_id"), UUID.randomUUID() + "\n");
    return List.of(
        "unshare",
        "--mount",
        "sh",
        "-c",
        "mount --bind \"$0\" /proc/sys/kernel/random/boot_id && exec \"$@\"",
        boot.toString());
  }

  private boolean isAnotherBootPossible() throws IOException, InterruptedException {
    try {
      var command = new ArrayList<>(anotherBoot());
      command.add("true");
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getInputStream().readAllBytes();
      return process.waitFor(60, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException noSuchProgram) {
      return false;
    }
  }

  /** Everything dies at once, in the middle of it. */
  private void submitAndKill(
      PackagedServer server, Set<String> acknowledged, Path marks, int millis) throws Exception {
    var stopped = new AtomicBoolean();
    ApiClient api = server.client();
    try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < SUBMITTERS; i++) {
        pool.execute(() -> submitUntil(stopped, api, acknowledged, marks));
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
      server.kill();
      PackagedServer.endTasks(scratch);
      stopped.set(true);
    }
  }

  private static void submitUntil(
      AtomicBoolean stopped, ApiClient api, Set<String> acknowledged, Path marks) {
    String body =
        Json.createObjectBuilder()
            .add(
                "command",
                Json.createArrayBuilder()
                    .add("sh")
                    .add("-c")
                    .add("echo ran >> \"$0/$HOLDFAST_TASK_ID\"; exec sleep 0.2")
                    .add(marks.toString()))
            .build()
            .toString();
    try {
      while (!stopped.get()) {
        HttpResponse<String> answer = api.post("/api/tasks", body);
        if (answer.statusCode() == 201) {
          acknowledged.add(ApiClient.parse(answer.body()).getString("id"));
        }
      }
    } catch (IOException killed) {
      // No answer, no promise.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void check(ApiClient api, Set<String> acknowledged, Path marks)
      throws IOException, InterruptedException {
    for (String id : acknowledged) {
      JsonObject task = api.task(id);
      Path mark = marks.resolve(id);
      String ran = Files.exists(mark) ? Files.readString(mark) : "";
      assertTrue(ran.isEmpty() || ran.equals("ran\n"), () -> ran + " by " + task);
      if (task.getString("state").equals("SUCCEEDED")) {
        assertEquals("ran\n", ran, task.toString());
      }
    }
  }

  private static int unfinished(ApiClient api) throws IOException, InterruptedException {
    int count = 0;
    for (String state : List.of("QUEUED", "STARTING", "RUNNING")) {
      count += api.get("/api/tasks?state=" + state).getJsonArray("items").size();
    }
    return count;
  }
}

package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.FileLock;
import holdfast.adapters.file.disk.LockHeldException;
import holdfast.domain.port.SampleTasks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The moment between taking a lock and saying whose it is. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class DirectoryLockIT {
  private static final InstantSource NOON = InstantSource.fixed(SampleTasks.NOON);

  /** Beyond any process id that Linux gives. */
  private static final String DEAD = "pid 999999999 on here, started long ago\n";

  private static final String LIVING =
      "pid " + ProcessHandle.current().pid() + " on here, started just now";

  @TempDir private Path scratch;

  @Test
  void aLockThatNamesTheDeadIsWaitedForUntilItIsFree() throws Exception {
    Path file = scratch.resolve("LOCK");
    FileLock held = FileLock.acquire(file);
    held.write(DEAD);
    var take = new FutureTask<>(() -> DirectoryLock.take(file, LIVING, NOON));
    Thread thread = Thread.ofPlatform().start(take);
    while (thread.getState() != Thread.State.TIMED_WAITING) {
      assertTrue(thread.isAlive(), () -> "gave up: " + take);
      Thread.onSpinWait();
    }
    held.close();
    take.get().close();
    assertEquals(LIVING, Files.readString(file).strip());
  }

  @Test
  void aLockThatNamesTheLivingIsRefusedAtOnce() throws IOException {
    Path file = scratch.resolve("LOCK");
    try (FileLock held = FileLock.acquire(file)) {
      held.write(LIVING + "\n");
      LockHeldException refused =
          assertThrows(LockHeldException.class, () -> DirectoryLock.take(file, "other", NOON));
      assertTrue(String.valueOf(refused.getMessage()).contains(LIVING), refused.toString());
    }
  }
}

package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.GracefulShutdown.Step;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.InMemoryEventLog;
import holdfast.domain.port.InMemoryOutputStorage;
import holdfast.domain.port.InMemoryRecoveryStorage;
import holdfast.domain.port.InMemoryScrubbing;
import holdfast.domain.port.InMemorySnapshotStorage;
import holdfast.domain.port.InMemoryStateFiles;
import holdfast.domain.port.InMemoryTaskStorage;
import holdfast.domain.port.SimulatedProcessControl;
import holdfast.domain.port.SimulatedWorld;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GracefulShutdownTest {
  private final InMemoryEventLog log = new InMemoryEventLog();
  private final List<String> ran = new CopyOnWriteArrayList<>();
  private final CountDownLatch never = new CountDownLatch(1);

  private GracefulShutdown shutdown(Duration limit) {
    var ports =
        new Ports(
            new InMemoryTaskStorage(),
            new InMemoryOutputStorage(),
            new SimulatedProcessControl(new SimulatedWorld()),
            new InMemoryRecoveryStorage(),
            new InMemoryStateFiles(),
            new InMemorySnapshotStorage(),
            new InMemoryScrubbing(),
            log);
    return new GracefulShutdown(limit, InstantSource.system(), ports);
  }

  private Step step(String name) {
    return new Step(name, () -> ran.add(name));
  }

  private Step hanging() {
    return new Step(
        "hang",
        () -> {
          try {
            never.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  private static Step failing() {
    return new Step(
        "fail",
        () -> {
          throw new IllegalStateException("no");
        });
  }

  @Test
  void stepsRunInOrder() throws InterruptedException {
    GracefulShutdown shutdown = shutdown(Duration.ofSeconds(10));
    assertFalse(shutdown.draining());
    assertEquals(List.of(), shutdown.run(List.of(step("one"), step("two"), step("three"))));
    assertTrue(shutdown.draining());
    assertEquals(List.of("one", "two", "three"), ran);
    assertEquals(3, log.entries(Category.SYSTEM).size());
  }

  @Test
  void aStepThatFailsIsLoggedAndTheNextOneRuns() throws InterruptedException {
    assertEquals(
        List.of("fail"),
        shutdown(Duration.ofSeconds(10)).run(List.of(step("one"), failing(), step("two"))));
    assertEquals(List.of("one", "two"), ran);
    var entry = log.entries(Category.ERROR).getFirst();
    assertEquals("shutdown-step-failed", entry.type());
    assertTrue(String.valueOf(entry.data().get("error")).contains("IllegalStateException: no"));
  }

  @Test
  void aStepThatHangsIsLeftBehindAndTheOthersStillHaveTime() throws InterruptedException {
    long begun = System.nanoTime();
    assertEquals(
        List.of("hang"),
        shutdown(Duration.ofMillis(400)).run(List.of(hanging(), step("close"), step("last"))));
    assertTrue(Duration.ofNanos(System.nanoTime() - begun).compareTo(Duration.ofSeconds(5)) < 0);
    assertEquals(List.of("close", "last"), ran);
    assertEquals("shutdown-step-overran", log.entries(Category.ERROR).getFirst().type());
  }

  @Test
  void twoStepsThatHangDoNotTakeMoreThanTheLimit() throws InterruptedException {
    long begun = System.nanoTime();
    assertEquals(
        List.of("hang", "hang"),
        shutdown(Duration.ofMillis(300)).run(List.of(hanging(), hanging())));
    assertTrue(Duration.ofNanos(System.nanoTime() - begun).compareTo(Duration.ofSeconds(5)) < 0);
  }
}

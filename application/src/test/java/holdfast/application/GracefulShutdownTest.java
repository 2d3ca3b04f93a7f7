package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.GracefulShutdown.Step;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.InMemoryAuditTrail;
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
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GracefulShutdownTest {
  private static final String HUNG = "hang took longer than its share of the shutdown timeout";

  private final InMemoryEventLog log = new InMemoryEventLog();
  private final List<String> ran = new CopyOnWriteArrayList<>();
  private final List<String> screen = new CopyOnWriteArrayList<>();
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
            log,
            new InMemoryAuditTrail(log));
    return new GracefulShutdown(
        limit, ShutdownTasks.KEEP, InstantSource.system(), ports, screen::add);
  }

  private Step step(String name) {
    return Step.of(name, () -> ran.add(name));
  }

  private Step hanging() {
    return Step.of(
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
    return Step.of(
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
    assertEquals(
        List.of(
            "shutdown-begun", "shutdown-step", "shutdown-step", "shutdown-step", "shutdown-ended"),
        log.entries(Category.SYSTEM).stream().map(EventLog.Entry::type).toList());
    for (EventLog.Entry entry : log.entries(Category.SYSTEM).subList(1, 5)) {
      assertTrue((long) entry.data().get("millis") >= 0, entry.toString());
    }
    assertEquals(5, screen.size(), screen.toString());
    assertTrue(screen.getLast().contains("shutdown: ended after "), screen.toString());
  }

  @Test
  void itBeginsOnceAndSaysWhoBeganItAndHow() throws InterruptedException {
    GracefulShutdown shutdown = shutdown(Duration.ofSeconds(10));
    shutdown.onBegin(how -> ran.add(how.cause() + " " + how.tasks()));
    assertTrue(shutdown.begin("SIGTERM", null));
    assertFalse(shutdown.begin("POST /api/shutdown", ShutdownTasks.STOP));
    assertEquals(List.of("SIGTERM KEEP"), ran);
    shutdown.run(List.of());
    EventLog.Entry begun = log.entries(Category.SYSTEM).getFirst();
    assertEquals(
        Map.of("cause", "SIGTERM", "tasks", "keep", "limit", Duration.ofSeconds(10)), begun.data());
    assertFalse(shutdown.isHastened());
    shutdown.hasten();
    assertTrue(shutdown.isHastened());
  }

  @Test
  void whatAStepLeavesIsNamedInTheLogAndOnTheScreen() throws InterruptedException {
    var waiting = new Step("wait", limit -> List.of("task 1", "task 2"));
    List<String> unfinished = shutdown(Duration.ofSeconds(10)).run(List.of(waiting, step("two")));
    assertEquals(List.of("wait: task 1", "wait: task 2"), unfinished);
    assertEquals(
        "wait: task 1; wait: task 2",
        log.entries(Category.SYSTEM).getLast().data().get("unfinished"));
    assertTrue(
        screen.stream().anyMatch(line -> line.contains("not finished: wait: task 1")),
        screen.toString());
  }

  @Test
  void aStepThatKeepsToItsLimitIsHeardAndLeavesTimeToTheOthers() throws InterruptedException {
    var limits = new CopyOnWriteArrayList<Duration>();
    var waiting =
        new Step(
            "wait",
            limit -> {
              limits.add(limit);
              LockSupport.parkNanos(limit.toNanos());
              return List.of("a task");
            });
    assertEquals(
        List.of("wait: a task"),
        shutdown(Duration.ofMillis(800)).run(List.of(waiting, step("one"), step("two"))));
    assertTrue(limits.getFirst().compareTo(Duration.ofMillis(350)) > 0, limits.toString());
    assertTrue(limits.getFirst().compareTo(Duration.ofMillis(600)) < 0, limits.toString());
    assertEquals(List.of("one", "two"), ran);
  }

  @Test
  void aStepThatFailsIsLoggedAndTheNextOneRuns() throws InterruptedException {
    assertEquals(
        List.of("fail failed: no"),
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
        List.of(HUNG),
        shutdown(Duration.ofMillis(400)).run(List.of(hanging(), step("close"), step("last"))));
    assertTrue(Duration.ofNanos(System.nanoTime() - begun).compareTo(Duration.ofSeconds(5)) < 0);
    assertEquals(List.of("close", "last"), ran);
    assertEquals("shutdown-step-overran", log.entries(Category.ERROR).getFirst().type());
  }

  @Test
  void twoStepsThatHangDoNotTakeMoreThanTheLimit() throws InterruptedException {
    long begun = System.nanoTime();
    assertEquals(
        List.of(HUNG, HUNG), shutdown(Duration.ofMillis(300)).run(List.of(hanging(), hanging())));
    assertTrue(Duration.ofNanos(System.nanoTime() - begun).compareTo(Duration.ofSeconds(5)) < 0);
  }
}

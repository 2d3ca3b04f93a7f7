package holdfast.application;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.application.HealthReport.Check;
import holdfast.application.HealthReport.Component;
import holdfast.application.HealthReport.Status;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.TaskStorage.Condition;
import holdfast.domain.port.TaskStorage.Room;
import holdfast.domain.task.SpecDraft;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What each component says of itself when it is well and when it is not. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class HealthReportTest {
  private static final TaskSpec SPEC = SpecDraft.of("true").spec();
  private static final long MIB = 1L << 20;

  private Site site;

  @BeforeEach
  void start() throws InterruptedException {
    site = Site.started(1);
    storageSays(null, null, null, Duration.ZERO);
    free(10_000 * MIB, 10_000 * MIB);
    Await.until("snapshots are counted", () -> !check("persistence").message().contains("being"));
  }

  @AfterEach
  void stop() {
    site.close();
  }

  private void storageSays(
      @Nullable String failure,
      @Nullable String scarcity,
      @Nullable String trouble,
      Duration waiting) {
    site.storage()
        .say(
            new Condition(
                failure, scarcity, trouble, List.of("/a", "/b"), waiting, 256 * MIB, 68 * MIB));
  }

  private void free(long state, long logs) {
    site.storage()
        .rooms(
            List.of(new Room("state", "/state", state, null), new Room("logs", "/l", logs, null)));
  }

  private Check check(String name) {
    return site.server().health().checks().stream()
        .filter(check -> check.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private void assertHealthy(String name, String said) {
    Check check = check(name);
    assertEquals(Status.HEALTHY, check.status(), check.toString());
    assertTrue(check.message().contains(said), check.message());
    assertNull(check.remedy());
    assertFalse(check.blocking());
  }

  private void assertIll(String name, Status status, String why, String remedy) {
    Check check = check(name);
    assertEquals(status, check.status(), check.toString());
    assertTrue(check.message().contains(why), check.message());
    assertTrue(check.remedy() != null && check.remedy().contains(remedy), check.toString());
  }

  /** Of the disk, which is looked at once a second. */
  private void awaitDisk(Status status) {
    Await.until("the disk is " + status, () -> check("disk").status() == status);
  }

  @Test
  void everyComponentIsHealthyAtFirstAndNothingIsToldOfThat() {
    List<Component> all = site.server().health().look();
    assertEquals(
        List.of(
            "persistence",
            "sync",
            "recovery",
            "tasks",
            "websocket",
            "journal",
            "disk",
            "scrub",
            "logs",
            "snapshots",
            "outputs",
            "processes",
            "lifecycle"),
        all.stream().map(component -> component.check().name()).toList());
    awaitDisk(Status.HEALTHY);
    assertEquals(Status.HEALTHY, HealthReport.worst(site.server().health().look()));
    assertTrue(site.server().health().ready());
    assertEquals(List.of(), transitions());
  }

  @Test
  void persistenceAndJournalAreUnhealthyOnceTheJournalHasFailed() throws Exception {
    assertHealthy("persistence", "no snapshots available yet");
    site.server().snapshots().create(holdfast.domain.port.SnapshotStorage.Reason.MANUAL);
    assertHealthy("persistence", "committed up to seq 0; 1 snapshots available");
    assertHealthy("journal", "durable in /a and /b; no syncs in the last minute");
    site.storage().took(TimeUnit.MICROSECONDS.toNanos(1_500));
    assertHealthy("journal", "1 syncs in the last minute, 1.5 ms on average, 1.5 ms at most");
    storageSays("the journal failed: EIO", null, null, Duration.ZERO);
    assertIll("persistence", Status.UNHEALTHY, "EIO", "start it again");
    assertIll("journal", Status.UNHEALTHY, "EIO", "replace the disk");
    assertFalse(site.server().health().ready());
  }

  @Test
  void aJournalThatIsSlowOrHangsOrCannotPrepareSaysSo() {
    storageSays(null, null, "the lock cannot be looked after", Duration.ZERO);
    assertIll("journal", Status.DEGRADED, "the lock", "can be written: /a and /b");
    storageSays(null, null, null, Duration.ofSeconds(5));
    assertHealthy("journal", "durable in");
    storageSays(null, null, null, Duration.ofSeconds(6));
    assertIll("journal", Status.UNHEALTHY, "for 6 seconds", "disks of /a and /b");
    assertTrue(site.server().health().ready(), "what is there can be read");
    storageSays(null, null, null, Duration.ZERO);
    site.storage().took(TimeUnit.MILLISECONDS.toNanos(501));
    assertIll("journal", Status.DEGRADED, "slow: 1 syncs", "what else writes");
    site.storage().took(TimeUnit.MILLISECONDS.toNanos(1));
    assertHealthy("journal", "2 syncs in the last minute, 251.0 ms on average");
  }

  @Test
  void theDiskIsDegradedWhenNearlyFullAndUnhealthyWhenNewTasksAreRefused() {
    awaitDisk(Status.HEALTHY);
    Await.until("looked", () -> check("disk").message().contains("10000 MiB"));
    assertHealthy(
        "disk", "free: state 10000 MiB, logs 10000 MiB; reserve 256 MiB, ballast 68 MiB; not");
    free(500 * MIB, 10_000 * MIB);
    awaitDisk(Status.DEGRADED);
    assertIll("disk", Status.DEGRADED, "500 MiB free for state in /state", "purge tasks");
    storageSays(null, "less than the reserve is free", null, Duration.ZERO);
    assertIll("disk", Status.UNHEALTHY, "less than the reserve", "Free some space");
    assertTrue(site.server().health().ready(), "tasks can be looked at and stopped");
    storageSays(null, null, null, Duration.ZERO);
    free(540 * MIB, 10_000 * MIB);
    // Not for a trifle.
    Await.until("looked again", () -> check("disk").message().contains("540 MiB"));
    assertIll("disk", Status.DEGRADED, "540 MiB", "Free some space");
    free(600 * MIB, 10_000 * MIB);
    awaitDisk(Status.HEALTHY);
  }

  @Test
  void aDiskThatIsGoneIsUnhealthyAndNamed() {
    site.storage().rooms(List.of(new Room("state", "/gone", 0, "its free space cannot be read")));
    awaitDisk(Status.UNHEALTHY);
    assertIll("disk", Status.UNHEALTHY, "/gone: its free space", "mounted");
    assertTrue(site.server().health().ready());
    assertEquals(List.of(), site.server().rooms());
  }

  @Test
  void aDiskThatFillsUpIsDegradedWithTheHoursThatAreLeft() {
    var storage = new holdfast.domain.port.InMemoryTaskStorage();
    storage.say(new Condition(null, null, null, List.of(), Duration.ZERO, 256 * MIB, 0));
    var disk = new DiskHealth(storage);
    for (int minute = 0; minute <= 8 * 60; minute++) {
      long free = 100_256 * MIB - minute * 100L * MIB;
      storage.rooms(List.of(new Room("state", "/state", free, null)));
      disk.look(site.now().plusSeconds(minute * 60L));
    }
    Check check = disk.check();
    assertEquals(Status.DEGRADED, check.status(), check.toString());
    assertTrue(
        check
            .message()
            .contains("at the rate of the last 6 hours, in about 8 hours only the reserve of 256"),
        check.message());
  }

  @Test
  void syncIsDelayedWhenItIsBehindForThreeIntervals() throws Exception {
    assertHealthy("sync", "running normally");
    site.hold(SPEC);
    site.ahead(Duration.ofSeconds(91));
    assertIll("sync", Status.DEGRADED, "Sync service delayed", "/api/sync/force");
    site.server().sync().force();
    assertHealthy("sync", "0 to write");
    site.hold(SPEC);
    site.stateFiles.fail(true);
    try {
      site.server().sync().force();
    } catch (RuntimeException expected) {
      assertIll("sync", Status.DEGRADED, expected.getMessage(), "the disk has room");
    }
    site.stateFiles.fail(false);
    site.server().sync().force();
    assertHealthy("sync", "running normally");
  }

  @Test
  void tasksAreDegradedWhenOneWasKilledAndDoesNotEnd() throws Exception {
    site.world.program("wait", _ -> {});
    TaskId id = site.submit("wait");
    site.await(id, TaskState.Name.RUNNING);
    assertHealthy("tasks", "1 active, 1 total tasks");
    site.control().failSignals(true);
    site.command(id, new TaskCommand.Kill());
    assertHealthy("tasks", "1 active");
    site.ahead(Duration.ofMinutes(2));
    assertIll("tasks", Status.DEGRADED, "1 have been killed and do not end", "state D");
    site.control().failSignals(false);
  }

  @Test
  void logsAreDegradedWhileTheDiskRefusesLinesAndAWhileAfterSomeWereLost() {
    assertHealthy("logs", "no line was lost");
    var now = site.now();
    site.log.say(new EventLog.Condition(Map.of(Category.TASK, 7L), now, now, "task.jsonl: full"));
    assertIll("logs", Status.DEGRADED, "task.jsonl: full; lines lost since " + now, "Free some");
    site.log.say(
        new EventLog.Condition(Map.of(Category.TASK, 7L, Category.ERROR, 1L), now, now, null));
    assertIll("logs", Status.DEGRADED, ": error 1, task 7, the last at " + now, "disk's load");
    site.ahead(Duration.ofMinutes(11));
    assertHealthy("logs", "error 1, task 7");
  }

  @Test
  void theScrubIsDegradedWhenSomethingIsDamagedInEveryCopy() {
    Await.until("a round", () -> site.server().scrub().progress().completedAt() != null);
    assertHealthy("scrub", "0 unmendable");
    site.scrubbing.damage(new Mended("/here", "is gone", null, null));
    site.server().scrub().round();
    assertIll("scrub", Status.DEGRADED, "/here is gone", "from a backup");
    assertTrue(site.server().health().ready());
  }

  @Test
  void processesAreDegradedAndTheServerIsReadyAllTheSame() {
    assertHealthy("processes", "can be started");
    site.control().say("the native monitor cannot be run");
    assertIll("processes", Status.DEGRADED, "native monitor", "restart the server");
    assertTrue(site.server().health().ready());
  }

  @Test
  void recoveryIsHealthyWithItsTasksCountedAndShutdownIsNoReadiness() throws Exception {
    site.world.program("wait", _ -> {});
    TaskId id = site.submit("wait");
    site.await(id, TaskState.Name.RUNNING);
    site.crashAndStart();
    assertHealthy("recovery", "1 active tasks were accounted for");
    assertHealthy("lifecycle", "takes work");
    site.draining.set(true);
    assertIll("lifecycle", Status.UNHEALTHY, "shutting down", "next start");
    assertFalse(site.server().health().ready());
  }

  private List<String> transitions() {
    return site.log.entries(Category.SYSTEM).stream()
        .filter(entry -> entry.type().equals("health-changed"))
        .map(
            entry ->
                entry.data().get("component")
                    + " "
                    + entry.data().get("from")
                    + " "
                    + entry.data().get("to"))
        .toList();
  }

  @Test
  void eachTransitionIsLoggedAndPostedOnceHoweverManyLook() throws Exception {
    var stop = new AtomicBoolean();
    var lookers = new ArrayList<Thread>();
    for (int i = 0; i < 4; i++) {
      lookers.add(
          Thread.startVirtualThread(
              () -> {
                while (!stop.get()) {
                  site.server().health().look();
                }
              }));
    }
    long place = site.server().health().feed().number();
    for (int i = 0; i < 3; i++) {
      site.control().say("impaired");
      assertFalse(check("processes").up());
      site.control().say(null);
      assertTrue(check("processes").up());
    }
    stop.set(true);
    for (Thread looker : lookers) {
      looker.join();
    }
    List<String> both = List.of("processes healthy degraded", "processes degraded healthy");
    var expected = new ArrayList<String>();
    for (int i = 0; i < 3; i++) {
      expected.addAll(both);
    }
    assertEquals(expected, transitions());
    assertEquals(place + 6, site.server().health().feed().number());
    EventLog.Entry first =
        site.log.entries(Category.SYSTEM).stream()
            .filter(entry -> entry.type().equals("health-changed"))
            .findFirst()
            .orElseThrow();
    assertEquals("impaired", first.data().get("reason"));
    assertTrue(String.valueOf(first.data().get("remedy")).contains("restart the server"));
  }

  @Test
  void changesAreNoticedWithoutAnybodyAskingAndKeepTheirTime() {
    site.control().say("impaired");
    Await.until("it was noticed", () -> transitions().size() == 1);
    Component first = component("processes");
    assertNotNull(first.check().remedy());
    site.control().say("impaired otherwise");
    Component later = component("processes");
    assertEquals(first.since(), later.since());
    assertEquals("impaired otherwise", later.check().message());
    assertEquals(1, transitions().size(), "the same status is no transition");
  }

  private Component component(String name) {
    return site.server().health().look().stream()
        .filter(component -> component.check().name().equals(name))
        .findFirst()
        .orElseThrow();
  }
}

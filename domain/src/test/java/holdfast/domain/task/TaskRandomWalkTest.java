package holdfast.domain.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.task.Decision.Accepted;
import holdfast.domain.task.Decision.Rejected;
import holdfast.domain.task.TaskState.Name;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Random commands, sensible and senseless, against one task after another. */
class TaskRandomWalkTest {
  private static final int WALKS = 3_000;
  private static final int STEPS = 60;

  private final long seed = Long.getLong("holdfast.test.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final Set<Name> visited = EnumSet.noneOf(Name.class);
  private Instant now = Life.NOON;

  @Test
  void noSequenceOfCommandsBreaksAnInvariant() {
    System.out.println("TaskRandomWalkTest seed " + seed);
    for (int walk = 0; walk < WALKS; walk++) {
      walk();
    }
    assertTrue(
        visited.containsAll(EnumSet.complementOf(EnumSet.of(Name.PAUSED, Name.SKIPPED))),
        () -> "the walks reached " + visited + " only; seed " + seed);
  }

  private void walk() {
    var event = new TaskEvent.Submitted(now, spec(), random.nextBoolean());
    Task task = Task.submitted(Life.ID, event);
    for (int step = 0; step < STEPS; step++) {
      now = now.plusMillis(random.nextInt(3_000));
      visited.add(task.state().name());
      TaskCommand command = command(task);
      String where = "seed " + seed + ": " + command + " on " + task;
      switch (task.decide(command, now)) {
        case Rejected(Rejection rejection) ->
            assertTrue(rejection.detail().length() > 10, () -> where + rejection);
        case Accepted(List<TaskEvent> events) -> {
          assertTrue(events.size() <= 1, where);
          for (TaskEvent next : events) {
            Task after = task.apply(next);
            check(task, next, after, where);
            task = after;
          }
        }
      }
    }
  }

  private void check(Task before, TaskEvent event, Task after, String where) {
    assertEquals(before.revision() + 1, after.revision(), where);
    assertEquals(before.createdAt(), after.createdAt(), where);
    assertEquals(now, after.updatedAt(), where);
    assertTrue(after.attempts().size() - before.attempts().size() <= 1, where);
    checkAttempts(before, event, after, where);
    Name name = after.state().name();
    Outcome outcome = after.outcome();
    assertEquals(
        name.isActive(), !after.attempts().isEmpty() && outcome == null, "one open run: " + where);
    if (name == Name.SUCCEEDED) {
      assertNotNull(outcome, where);
      assertTrue(outcome.isSuccess(), where);
    }
    if (name == Name.LOST) {
      assertTrue(outcome instanceof Outcome.Unknown, where);
    }
    if (name == Name.BACKING_OFF) {
      assertTrue(after.retries() + 1 < after.spec().retry().maxAttempts(), where);
    }
    assertTrue(after.retries() < after.spec().retry().maxAttempts(), where);
    assertTrue(after.reruns() <= TaskLimits.RERUNS_MAX, where);
    if (before.state().name().isTerminal() && !name.isTerminal()) {
      assertTrue(event instanceof TaskEvent.RetryQueued(Instant _, boolean auto) && !auto, where);
    }
    if (!before.attempts().isEmpty()) {
      assertEquals(before.spec().command(), after.spec().command(), where);
    }
  }

  private static void checkAttempts(Task before, TaskEvent event, Task after, String where) {
    for (int i = 0; i < before.attempts().size(); i++) {
      Attempt old = before.attempts().get(i);
      Attempt next = after.attempts().get(i);
      assertEquals(i + 1, next.number(), where);
      if (old.outcome() != null) {
        Attempt expected =
            event instanceof TaskEvent.LateOutput late && late.attempt() == i + 1
                ? old.withOutputBytes(late.outputBytes())
                : old;
        assertEquals(expected, next, "what is over does not change: " + where);
      } else {
        assertEquals(before.attempts().size() - 1, i, "only the last may be open: " + where);
        assertTrue(next.run() >= old.run() && next.recoveries() >= old.recoveries(), where);
      }
    }
    if (after.attempts().size() > before.attempts().size()) {
      assertNull(after.attempts().getLast().outcome(), where);
      assertEquals(Name.QUEUED, before.state().name(), where);
    }
  }

  private TaskSpec spec() {
    return SpecDraft.of("true", Integer.toString(random.nextInt(3)))
        .retry(1 + random.nextInt(4), Duration.ofSeconds(1), Duration.ofSeconds(2))
        .onLost(random.nextBoolean() ? OnLost.FAIL : OnLost.RERUN)
        .spec();
  }

  private TaskCommand command(Task task) {
    RunRef run = run(task);
    var ticket = new RunTicket("cookie-" + random.nextInt(), Life.OWNER, Life.HOST);
    return switch (random.nextInt(22)) {
      case 0 -> new TaskCommand.Hold();
      case 1 -> new TaskCommand.Release();
      case 2 -> new TaskCommand.Cancel();
      case 3 -> new TaskCommand.Stop(random.nextBoolean() ? null : Duration.ofSeconds(1));
      case 4 -> new TaskCommand.Kill();
      case 5 -> new TaskCommand.Retry();
      case 6 -> new TaskCommand.Patch(spec());
      case 7 -> new TaskCommand.Purge();
      case 8 -> new TaskCommand.Restart(run, ticket);
      case 9, 10 -> new TaskCommand.ConfirmProcess(run, process());
      case 11 -> new TaskCommand.Adopt(run, Life.OWNER, random.nextBoolean() ? null : process());
      case 12, 13 -> end(run);
      case 14 -> new TaskCommand.EndBackoff();
      case 15 -> new TaskCommand.Expire(run);
      case 16 -> new TaskCommand.ExceedOutputQuota(run, 5);
      case 17 ->
          new TaskCommand.RecordLateOutput(
              run, Map.of(OutputStreamName.MERGED, random.nextLong(100)));
      case 18 -> new TaskCommand.Disown(Map.of());
      case 19 -> new TaskCommand.DecideRun(run, decision(), "why", Map.of());
      default -> new TaskCommand.Start(ticket);
    };
  }

  private RunDecision decision() {
    return switch (random.nextInt(3)) {
      case 0 -> RunDecision.RETRY;
      case 1 -> RunDecision.FAIL;
      default -> RunDecision.IGNORE;
    };
  }

  private TaskCommand end(RunRef run) {
    boolean lost = random.nextInt(4) == 0;
    return new TaskCommand.EndAttempt(
        run, lost ? new Outcome.Unknown("lost") : outcome(), lost, endProcess(), Map.of(), null);
  }

  private @Nullable ProcessIdentity endProcess() {
    return random.nextBoolean() ? null : process();
  }

  private Outcome outcome() {
    return switch (random.nextInt(4)) {
      case 0 -> new Outcome.Exited(0);
      case 1 -> new Outcome.Exited(random.nextInt(256));
      case 2 -> new Outcome.Signaled(1 + random.nextInt(64));
      default -> new Outcome.StartFailed("no");
    };
  }

  private ProcessIdentity process() {
    return new ProcessIdentity(1 + random.nextInt(3), 1, "boot");
  }

  /** Mostly the run in force, sometimes one that never was. */
  private RunRef run(Task task) {
    return random.nextInt(8) == 0
        ? new RunRef(task.id(), 1 + random.nextInt(3), 1 + random.nextInt(2))
        : task.lastRun().orElse(new RunRef(task.id(), 1, 1));
  }
}

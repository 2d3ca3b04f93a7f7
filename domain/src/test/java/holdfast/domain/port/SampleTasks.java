package holdfast.domain.port;

import holdfast.domain.initiative.Initiative;
import holdfast.domain.initiative.InitiativeEvent;
import holdfast.domain.initiative.InitiativeId;
import holdfast.domain.initiative.InitiativeSpec;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputMode;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.Owner;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RetryPolicy;
import holdfast.domain.task.RunDecision;
import holdfast.domain.task.RunTicket;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.StopCause;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskEvent;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Tasks and initiatives for tests, and the changes that make them. Deterministic. */
public final class SampleTasks {
  public static final Instant NOON = Instant.parse("2026-11-23T12:00:00.123456789Z");
  public static final Owner OWNER = new Owner("00000000-0000-4000-8000-000000000001", 1);
  public static final HostIdentity HOST = new HostIdentity("machine", "boot", "4026531836");

  private SampleTasks() {}

  /** The id of sample number {@code n}. */
  public static TaskId id(long n) {
    return new TaskId(name(n));
  }

  public static InitiativeId initiativeId(long n) {
    return new InitiativeId(name(n));
  }

  private static String name(long n) {
    var name = new StringBuilder(TaskId.LENGTH);
    long rest = n;
    for (int i = 0; i < TaskId.LENGTH; i++) {
      name.append(TaskId.ALPHABET.charAt((int) (rest & 31)));
      rest >>>= 5;
    }
    return name.toString();
  }

  /** A specification that runs {@code command} with nothing else out of the ordinary. */
  public static TaskSpec spec(String... command) {
    return new TaskSpec(
        TaskSpec.titleOf(List.of(command), 80),
        List.of(command),
        "/tmp",
        Map.of(),
        null,
        0,
        Map.of(),
        null,
        Duration.ofSeconds(10),
        RetryPolicy.NONE,
        OnLost.FAIL,
        StdinMode.NONE,
        OutputMode.MERGED);
  }

  /** A specification in which every member differs from its default, with difficult text. */
  public static TaskSpec elaborateSpec() {
    return new TaskSpec(
        "Übung \"eins\" \\ \u0001\t\u2028 \ud83d\ude00",
        List.of("/bin/sh", "-c", "echo \"$A\"; exit 3", ""),
        "/tmp/ä b",
        Map.of("A", "1\n2"),
        initiativeId(7).value(),
        -5,
        Map.of("k", "v"),
        Duration.ofMillis(90_061_001),
        Duration.ZERO,
        new RetryPolicy(3, Duration.ofNanos(1_000_000_001), Duration.ofMinutes(1)),
        OnLost.RERUN,
        StdinMode.PIPE,
        OutputMode.SPLIT);
  }

  public static RunTicket ticket(String cookie) {
    return new RunTicket(cookie, OWNER, HOST);
  }

  /** The submission of task number {@code n}, held. */
  public static Change.PutTask submit(long n) {
    return submit(n, spec("true", Long.toString(n)), null);
  }

  public static Change.PutTask submit(
      long n, TaskSpec spec, @Nullable IdempotencyRecord idempotency) {
    var event = new TaskEvent.Submitted(NOON, spec, true);
    return new Change.PutTask(Task.submitted(id(n), event), event, idempotency);
  }

  /** What {@code event} makes of {@code task}. */
  public static Change.PutTask change(Task task, TaskEvent event) {
    return new Change.PutTask(task.apply(event), event, null);
  }

  public static Change.PurgeTask purge(Task task) {
    return new Change.PurgeTask(task.id(), task.revision(), NOON.plusSeconds(99));
  }

  public static Change.PutInitiative initiative(long n, String title) {
    var spec = new InitiativeSpec(title, "objective of " + title, Map.of("n", Long.toString(n)));
    return new Change.PutInitiative(
        Initiative.created(initiativeId(n), spec, NOON), new InitiativeEvent.Created(NOON), null);
  }

  public static IdempotencyRecord idempotency(String key, EntityKey created) {
    return new IdempotencyRecord(key, "ab".repeat(32), created, NOON.plus(Duration.ofHours(24)));
  }

  /**
   * Changes of task number {@code n} that together contain every event that leaves an after-image,
   * every kind of outcome, and text that is hard to encode; each builds on the one before.
   */
  public static List<Change> wholeLife(long n) {
    var life = new ArrayList<Change>();
    Change.PutTask first =
        submit(n, elaborateSpec(), idempotency("task:key-" + n, EntityKey.of(id(n))));
    life.add(first);
    Task task = first.task();
    for (TaskEvent event : lifeEvents()) {
      Change.PutTask next = change(task, event);
      life.add(next);
      task = next.task();
    }
    return life;
  }

  private static List<TaskEvent> lifeEvents() {
    var process = new ProcessIdentity(4711, 123_456, "boot");
    Instant t = NOON.plusSeconds(1);
    var sizes = Map.of(OutputStreamName.STDOUT, 5_000_000_000L, OutputStreamName.STDERR, 0L);
    return List.of(
        new TaskEvent.Released(t),
        new TaskEvent.Held(t),
        new TaskEvent.Patched(t, elaborateSpec()),
        new TaskEvent.Edited(t, elaborateSpec(), new TaskState.Held()),
        new TaskEvent.Released(t),
        new TaskEvent.AttemptStarting(t, ticket("c1")),
        new TaskEvent.AttemptRestarting(t, ticket("c2")),
        new TaskEvent.ProcessStarted(t, process),
        new TaskEvent.Adopted(t, new Owner(OWNER.instanceId(), 2), null),
        ended(t, new Outcome.Exited(3), new TaskState.BackingOff(t.plusMillis(1)), sizes),
        new TaskEvent.RetryQueued(t, true),
        new TaskEvent.AttemptStarting(t, ticket("c3")),
        new TaskEvent.StopRequested(
            t, new TaskState.Stopping(StopCause.TIMEOUT, t, Duration.ofSeconds(3)), "too long"),
        ended(t, new Outcome.Signaled(9), ended(TaskState.Name.TIMED_OUT), sizes),
        new TaskEvent.RetryQueued(t, false),
        new TaskEvent.AttemptStarting(t, ticket("c4")),
        ended(t, new Outcome.StartFailed("no such file"), ended(TaskState.Name.FAILED), Map.of()),
        new TaskEvent.RetryQueued(t, false),
        new TaskEvent.AttemptStarting(t, ticket("c5")),
        ended(t, new Outcome.Unknown("gone"), ended(TaskState.Name.LOST), Map.of()),
        new TaskEvent.LateOutput(t, 4, Map.of(OutputStreamName.MERGED, 1L)),
        new TaskEvent.RetryQueued(t, false),
        new TaskEvent.AttemptStarting(t, ticket("c6")),
        new TaskEvent.RunDecided(
            t, RunDecision.IGNORE, Map.of(), new TaskState.Starting(), "ignored"),
        new TaskEvent.RunDecided(t, RunDecision.RETRY, sizes, new TaskState.Queued(t), "again"),
        new TaskEvent.Canceled(t));
  }

  private static TaskState ended(TaskState.Name name) {
    return new TaskState.Ended(name);
  }

  private static TaskEvent ended(
      Instant at, Outcome outcome, TaskState next, Map<OutputStreamName, Long> sizes) {
    return new TaskEvent.AttemptEnded(at, outcome, null, sizes, at.minusMillis(1), next, "reason");
  }
}

package holdfast.domain.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import holdfast.domain.task.Decision.Accepted;
import holdfast.domain.task.Decision.Rejected;
import holdfast.domain.task.TaskState.Name;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every command in every state. The table below says what is granted and where it leads; whatever
 * it does not list must be refused with a reason.
 */
class TaskTransitionsTest {
  /** "verb=STATE" is granted and leads there; "verb=" is granted, and nothing happens. */
  private static final Map<Name, String> GRANTED =
      new EnumMap<>(
          Map.ofEntries(
              Map.entry(Name.HELD, "release=QUEUED cancel=CANCELED patch=HELD disown="),
              Map.entry(
                  Name.QUEUED, "hold=HELD start=STARTING cancel=CANCELED patch=QUEUED disown=HELD"),
              Map.entry(
                  Name.STARTING,
                  "restart=STARTING confirm-process=RUNNING adopt=RUNNING stop=STOPPING stop-at-shutdown=STOPPING"
                      + " kill=STOPPING exceed-output-quota=STOPPING end-attempt=SUCCEEDED expire="
                      + " record-late-output= patch=STARTING disown=LOST decide=LOST"),
              Map.entry(
                  Name.RUNNING,
                  "confirm-process= adopt=RUNNING stop=STOPPING kill=STOPPING expire=STOPPING"
                      + " stop-at-shutdown=STOPPING"
                      + " exceed-output-quota=STOPPING end-attempt=SUCCEEDED record-late-output="
                      + " patch=RUNNING disown=LOST decide=LOST"),
              Map.entry(
                  Name.PAUSED,
                  "confirm-process= adopt=PAUSED stop=STOPPING kill=STOPPING expire=STOPPING"
                      + " stop-at-shutdown=STOPPING"
                      + " exceed-output-quota=STOPPING end-attempt=SUCCEEDED record-late-output="
                      + " patch=PAUSED disown=LOST decide=LOST"),
              Map.entry(
                  Name.STOPPING,
                  "confirm-process= adopt=STOPPING stop= kill=STOPPING expire= exceed-output-quota="
                      + " end-attempt=CANCELED record-late-output= patch=STOPPING disown=LOST"
                      + " stop-at-shutdown= decide=CANCELED"),
              Map.entry(
                  Name.BACKING_OFF,
                  "cancel=CANCELED end-backoff=QUEUED record-late-output=BACKING_OFF"
                      + " patch=BACKING_OFF disown=HELD"),
              Map.entry(Name.SUCCEEDED, terminal(Name.SUCCEEDED)),
              Map.entry(Name.FAILED, terminal(Name.FAILED)),
              Map.entry(Name.TIMED_OUT, terminal(Name.TIMED_OUT)),
              Map.entry(Name.CANCELED, terminal(Name.CANCELED)),
              Map.entry(Name.LOST, terminal(Name.LOST)),
              Map.entry(Name.SKIPPED, "retry=QUEUED purge=SKIPPED patch=SKIPPED disown=")));

  private static String terminal(Name name) {
    return "retry=QUEUED purge=%1$s record-late-output=%1$s patch=%1$s disown=".formatted(name);
  }

  /** A task in each state, each reached by commands where commands reach it. */
  private static Life in(Name name) {
    TaskSpec once = SpecDraft.of("true").spec();
    TaskSpec twice =
        SpecDraft.of("true").retry(2, Duration.ofSeconds(1), Duration.ofSeconds(1)).spec();
    return switch (name) {
      case HELD -> Life.held(once);
      case QUEUED -> Life.queued(once);
      case STARTING -> Life.queued(once).start();
      case RUNNING, PAUSED -> Life.running(once);
      case STOPPING -> Life.running(once).grant(new TaskCommand.Stop(null));
      case BACKING_OFF -> Life.running(twice).end(new Outcome.Exited(1));
      case SUCCEEDED -> Life.running(once).end(new Outcome.Exited(0));
      case FAILED -> Life.running(once).end(new Outcome.Exited(1));
      case TIMED_OUT -> timedOut(once);
      case CANCELED ->
          Life.running(once).grant(new TaskCommand.Kill()).end(new Outcome.Signaled(9));
      case LOST -> Life.running(once).lose();
      case SKIPPED -> Life.queued(once);
    };
  }

  private static Life timedOut(TaskSpec spec) {
    Life life = Life.running(spec);
    return life.grant(new TaskCommand.Expire(life.run())).end(new Outcome.Signaled(15));
  }

  private static Task taskIn(Name name) {
    Task task = in(name).task();
    // No command leads to these two yet; their transitions are fixed nevertheless.
    return switch (name) {
      case PAUSED -> with(task, new TaskState.Paused(Life.NOON));
      case SKIPPED -> with(task, new TaskState.Ended(Name.SKIPPED));
      default -> task;
    };
  }

  private static Task with(Task task, TaskState state) {
    return new Task(
        task.id(),
        task.spec(),
        state,
        null,
        task.revision(),
        task.createdAt(),
        task.updatedAt(),
        0,
        0,
        task.attempts());
  }

  /** Every kind of command, addressed to the run in force where it names one. */
  private static List<Function<Task, TaskCommand>> commands() {
    var ticket = new RunTicket("cookie", Life.OWNER, Life.HOST);
    var sizes = Map.of(OutputStreamName.MERGED, 7L);
    return List.of(
        _ -> new TaskCommand.Hold(),
        _ -> new TaskCommand.Release(),
        _ -> new TaskCommand.Cancel(),
        _ -> new TaskCommand.Stop(null),
        _ -> new TaskCommand.StopAtShutdown(),
        _ -> new TaskCommand.Kill(),
        _ -> new TaskCommand.Retry(),
        task -> new TaskCommand.Patch(retitled(task.spec())),
        _ -> new TaskCommand.Purge(),
        _ -> new TaskCommand.Start(ticket),
        task -> new TaskCommand.Restart(run(task), ticket),
        task -> new TaskCommand.ConfirmProcess(run(task), Life.PROCESS),
        task -> new TaskCommand.Adopt(run(task), new Owner("instance", 2), Life.PROCESS),
        task ->
            new TaskCommand.EndAttempt(
                run(task), new Outcome.Exited(0), false, null, Map.of(), null),
        _ -> new TaskCommand.EndBackoff(),
        task -> new TaskCommand.Expire(run(task)),
        task -> new TaskCommand.ExceedOutputQuota(run(task), 10),
        task -> new TaskCommand.RecordLateOutput(run(task), sizes),
        _ -> new TaskCommand.Disown(sizes),
        task -> new TaskCommand.DecideRun(run(task), RunDecision.FAIL, "why", sizes));
  }

  private static RunRef run(Task task) {
    return task.lastRun().orElse(new RunRef(task.id(), 1, 1));
  }

  private static TaskSpec retitled(TaskSpec spec) {
    return SpecDraft.of("true")
        .title("another title")
        .retry(spec.retry().maxAttempts(), spec.retry().backoff(), spec.retry().maxBackoff())
        .spec();
  }

  @TestFactory
  Stream<DynamicTest> everyCommandInEveryState() {
    return Arrays.stream(Name.values())
        .flatMap(
            name ->
                commands().stream()
                    .map(make -> make.apply(taskIn(name)))
                    .map(
                        command ->
                            dynamicTest(name + " " + command.verb(), () -> check(name, command))));
  }

  private static void check(Name name, TaskCommand command) {
    Task task = taskIn(name);
    assertEquals(name, task.state().name());
    Map<String, String> granted =
        Arrays.stream(GRANTED.getOrDefault(name, "").split(" "))
            .map(entry -> entry.split("=", 2))
            .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
    Decision decision = task.decide(command, Life.NOON.plusSeconds(60));
    String expected = granted.get(command.verb());
    if (expected == null) {
      checkRefusal(task, command, assertInstanceOf(Rejected.class, decision).rejection());
      return;
    }
    List<TaskEvent> events = assertInstanceOf(Accepted.class, decision).events();
    if (expected.isEmpty()) {
      assertEquals(List.of(), events);
      return;
    }
    assertEquals(1, events.size(), "one command, one event");
    Task after = task.apply(events.getFirst());
    assertEquals(Name.valueOf(expected), after.state().name());
    assertEquals(task.revision() + 1, after.revision());
    assertEquals(Life.NOON.plusSeconds(60), after.updatedAt());
  }

  private static void checkRefusal(Task task, TaskCommand command, Rejection rejection) {
    switch (rejection) {
      case Rejection.WrongState(String verb, Name state, List<String> possible) -> {
        assertEquals(command.verb(), verb);
        assertEquals(task.state().name(), state);
        assertEquals(task.possible(), possible);
        assertTrue(rejection.detail().contains(state.name()), rejection::detail);
        possible.forEach(
            way -> assertTrue(rejection.detail().contains(way), () -> rejection.detail()));
      }
      case Rejection.StaleRun(RunRef run) -> {
        assertTrue(
            !task.state().name().isActive() || task.lastRun().filter(run::equals).isEmpty(),
            "only a run that is not in force is stale");
        assertTrue(rejection.detail().contains(run.toString()), rejection::detail);
      }
      case Rejection.Frozen _ -> throw new AssertionError("a title is never frozen");
      case Rejection.IllegalEdit _ -> throw new AssertionError("nothing was edited");
      case Rejection.NothingToDecide(Name state, List<String> possible) -> {
        assertEquals("decide", command.verb());
        assertEquals(task.state().name(), state);
        assertEquals(task.possible(), possible);
        assertTrue(rejection.detail().contains(state.name()), rejection::detail);
      }
      case Rejection.RunGoesOn _ -> throw new AssertionError("a task does not know that");
    }
  }

  @Test
  void whatIsCalledPossibleIsGrantedAndNothingElseIsThatAUserCouldAskFor() {
    Map<String, TaskCommand> asked =
        Map.of(
            "hold", new TaskCommand.Hold(),
            "release", new TaskCommand.Release(),
            "cancel", new TaskCommand.Cancel(),
            "stop", new TaskCommand.Stop(null),
            "kill", new TaskCommand.Kill(),
            "retry", new TaskCommand.Retry(),
            "purge", new TaskCommand.Purge());
    for (Name name : Name.values()) {
      Task task = taskIn(name);
      asked.forEach(
          (verb, command) ->
              assertEquals(
                  task.possible().contains(verb),
                  task.decide(command, Life.NOON) instanceof Accepted,
                  name + " " + verb));
    }
  }

  @Test
  void everyRunThatIsNotInForceIsRefused() {
    Life life = Life.running(SpecDraft.of("true").spec());
    for (RunRef other : List.of(new RunRef(Life.ID, 1, 2), new RunRef(Life.ID, 2, 1))) {
      for (TaskCommand command :
          List.of(
              new TaskCommand.Restart(other, life.ticket()),
              new TaskCommand.ConfirmProcess(other, Life.PROCESS),
              new TaskCommand.Adopt(other, Life.OWNER, null),
              new TaskCommand.EndAttempt(other, new Outcome.Exited(0), false, null, Map.of(), null),
              new TaskCommand.Expire(other),
              new TaskCommand.ExceedOutputQuota(other, 1),
              new TaskCommand.RecordLateOutput(other, Map.of()))) {
        var rejected = assertInstanceOf(Rejected.class, life.decide(command));
        assertEquals(new Rejection.StaleRun(other), rejected.rejection());
      }
    }
  }

  @Test
  void aTaskThatIsActiveWithoutAnAttemptCannotBe() {
    Task queued = Life.queued(SpecDraft.of("true").spec()).task();
    assertThrows(IllegalArgumentException.class, () -> with(queued, new TaskState.Starting()));
  }

  @Test
  void onlyTerminalNamesEndATask() {
    for (Name name : Name.values()) {
      if (!name.isTerminal()) {
        assertThrows(IllegalArgumentException.class, () -> new TaskState.Ended(name));
      }
    }
  }
}

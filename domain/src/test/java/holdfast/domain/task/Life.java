package holdfast.domain.task;

import static org.junit.jupiter.api.Assertions.assertEquals;

import holdfast.domain.task.TaskCommand.EndAttempt;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Leads a task through its life, one command at a time, for tests. Its time is its own. */
final class Life {
  static final Instant NOON = Instant.parse("2026-11-23T12:00:00Z");
  static final TaskId ID = new TaskId("0123456789abcdefghjk");
  static final HostIdentity HOST = new HostIdentity("machine", "boot", "namespace");
  static final Owner OWNER = new Owner("instance", 1);
  static final ProcessIdentity PROCESS = new ProcessIdentity(4711, 99, "boot");

  private Task task;
  private Instant now = NOON;
  private int cookies;

  private Life(TaskSpec spec, boolean held) {
    task = Task.submitted(ID, new TaskEvent.Submitted(NOON, spec, held));
  }

  static Life queued(TaskSpec spec) {
    return new Life(spec, false);
  }

  static Life held(TaskSpec spec) {
    return new Life(spec, true);
  }

  static Life running(TaskSpec spec) {
    return queued(spec).start().confirm();
  }

  Task task() {
    return task;
  }

  Instant now() {
    return now;
  }

  TaskState.Name state() {
    return task.state().name();
  }

  RunRef run() {
    return task.lastRun().orElseThrow();
  }

  Life later(Duration duration) {
    now = now.plus(duration);
    return this;
  }

  Decision decide(TaskCommand command) {
    return task.decide(command, now);
  }

  /** Does what must be granted. */
  Life grant(TaskCommand command) {
    Decision decision = decide(command);
    if (!(decision instanceof Decision.Accepted(List<TaskEvent> events))) {
      throw new AssertionError(command + " in " + state() + ": " + decision);
    }
    for (TaskEvent event : events) {
      Task before = task;
      task = task.apply(event);
      assertEquals(before.revision() + 1, task.revision(), "revisions count events");
    }
    return this;
  }

  Life start() {
    return grant(new TaskCommand.Start(ticket()));
  }

  Life confirm() {
    return grant(new TaskCommand.ConfirmProcess(run(), PROCESS));
  }

  Life end(Outcome outcome) {
    return grant(new EndAttempt(run(), outcome, false, PROCESS, Map.of(), null));
  }

  Life lose() {
    return grant(new EndAttempt(run(), new Outcome.Unknown("gone"), true, null, Map.of(), null));
  }

  RunTicket ticket() {
    cookies++;
    return new RunTicket("cookie-" + cookies, OWNER, HOST);
  }
}

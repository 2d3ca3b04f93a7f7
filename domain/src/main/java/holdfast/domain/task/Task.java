package holdfast.domain.task;

import holdfast.domain.task.Decision.Accepted;
import holdfast.domain.task.Decision.Rejected;
import holdfast.domain.task.Rejection.WrongState;
import holdfast.domain.task.TaskState.BackingOff;
import holdfast.domain.task.TaskState.Ended;
import holdfast.domain.task.TaskState.Held;
import holdfast.domain.task.TaskState.Name;
import holdfast.domain.task.TaskState.Paused;
import holdfast.domain.task.TaskState.Queued;
import holdfast.domain.task.TaskState.Running;
import holdfast.domain.task.TaskState.Starting;
import holdfast.domain.task.TaskState.Stopping;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A command with its policy, and everything that has become of it. Immutable.
 *
 * <p>{@link #decide} turns a {@link TaskCommand} into events or a refusal, {@link #apply} turns an
 * event into the next task. Both are pure; the legal transitions are listed at {@link TaskState}.
 *
 * @param stateReason why the task is in its state, as a sentence, or null
 * @param revision counts the changes of this task, from 1
 * @param retries automatic retries since the submission or the last retry a user asked for
 * @param reruns attempts queued because one before was lost; bounded by {@link TaskLimits}
 * @param attempts oldest first
 */
public record Task(
    TaskId id,
    TaskSpec spec,
    TaskState state,
    @Nullable String stateReason,
    long revision,
    Instant createdAt,
    Instant updatedAt,
    int retries,
    int reruns,
    List<Attempt> attempts) {

  public Task {
    attempts = List.copyOf(attempts);
    if (state.name().isActive() && attempts.isEmpty()) {
      throw new IllegalArgumentException(id + " is " + state.name() + " without an attempt");
    }
  }

  /** The first state of a new task. */
  public static Task submitted(TaskId id, TaskEvent.Submitted event) {
    TaskState state = event.held() ? new Held() : new Queued(event.at());
    return new Task(id, event.spec(), state, null, 1, event.at(), event.at(), 0, 0, List.of());
  }

  /** The attempt last begun. */
  public Optional<Attempt> lastAttempt() {
    return attempts.isEmpty() ? Optional.empty() : Optional.of(attempts.getLast());
  }

  /** The run directory in force of attempt {@code number}, if there is such an attempt. */
  public Optional<RunRef> run(int number) {
    return number < 1 || number > attempts.size()
        ? Optional.empty()
        : Optional.of(new RunRef(id, number, attempts.get(number - 1).run()));
  }

  /** The run directory in force of the last attempt. */
  public Optional<RunRef> lastRun() {
    return run(attempts.size());
  }

  /** How the last attempt ended, or null if there is none or it goes on. */
  public @Nullable Outcome outcome() {
    return attempts.isEmpty() ? null : attempts.getLast().outcome();
  }

  /** What a user can do to the task in its present state, as verbs. */
  public List<String> possible() {
    return switch (state) {
      case Held _ -> List.of("release", "cancel");
      case Queued _ -> List.of("hold", "cancel");
      case Starting _, Running _, Paused _ -> List.of("stop", "kill");
      case Stopping _ -> List.of("stop", "kill");
      case BackingOff _ -> List.of("cancel");
      case Ended _ -> List.of("retry", "purge");
    };
  }

  /** Grants or refuses {@code command}; changes nothing. */
  public Decision decide(TaskCommand command, Instant now) {
    return switch (command) {
      case TaskCommand.Hold _ ->
          state instanceof Queued ? one(new TaskEvent.Held(now)) : wrongState(command);
      case TaskCommand.Release _ ->
          state instanceof Held ? one(new TaskEvent.Released(now)) : wrongState(command);
      case TaskCommand.Cancel _ ->
          state instanceof Held || state instanceof Queued || state instanceof BackingOff
              ? one(new TaskEvent.Canceled(now))
              : wrongState(command);
      case TaskCommand.Stop stop -> decideStop(stop, stop.grace(), null, now);
      case TaskCommand.StopAtShutdown stop ->
          decideStop(stop, null, "stopped because the server was shut down", now);
      case TaskCommand.Kill kill -> decideKill(kill, now);
      case TaskCommand.Retry _ ->
          state instanceof Ended ? one(new TaskEvent.RetryQueued(now, false)) : wrongState(command);
      case TaskCommand.Patch(TaskSpec wanted) -> decidePatch(wanted, now);
      case TaskCommand.Edit(Task wanted) -> decideEdit(wanted, now);
      case TaskCommand.Purge _ ->
          state instanceof Ended ? one(new TaskEvent.Purged(now)) : wrongState(command);
      case TaskCommand.Start(RunTicket ticket) ->
          state instanceof Queued
              ? one(new TaskEvent.AttemptStarting(now, ticket))
              : wrongState(command);
      case TaskCommand.Restart restart -> decideRestart(restart, now);
      case TaskCommand.ConfirmProcess confirm -> decideConfirm(confirm, now);
      case TaskCommand.Adopt(RunRef run, Owner owner, ProcessIdentity process) ->
          inForce(run) ? one(new TaskEvent.Adopted(now, owner, process)) : stale(run);
      case TaskCommand.EndAttempt end ->
          inForce(end.run()) ? one(ended(end, now)) : stale(end.run());
      case TaskCommand.EndBackoff _ ->
          state instanceof BackingOff
              ? one(new TaskEvent.RetryQueued(now, true))
              : wrongState(command);
      case TaskCommand.Expire(RunRef run) -> decideExpire(run, now);
      case TaskCommand.ExceedOutputQuota(RunRef run, long quotaBytes) ->
          decideExceedQuota(run, quotaBytes, now);
      case TaskCommand.RecordLateOutput late -> decideLateOutput(late, now);
      case TaskCommand.SealOutput seal -> decideSeal(seal, now);
      case TaskCommand.Disown(var outputBytes) -> decideDisown(outputBytes, now);
      case TaskCommand.DecideRun wish ->
          inForce(wish.run())
              ? one(decided(wish, now))
              : new Rejected(new Rejection.NothingToDecide(state.name(), possible()));
    };
  }

  private Decision decideStop(
      TaskCommand stop, @Nullable Duration grace, @Nullable String reason, Instant now) {
    return switch (state) {
      case Starting _, Running _, Paused _ ->
          one(
              new TaskEvent.StopRequested(
                  now,
                  new Stopping(StopCause.USER, now, grace == null ? spec.stopGrace() : grace),
                  reason));
      case Stopping _ -> new Accepted(List.of());
      case Held _, Queued _, BackingOff _, Ended _ -> wrongState(stop);
    };
  }

  private Decision decideKill(TaskCommand.Kill kill, Instant now) {
    return switch (state) {
      case Starting _, Running _, Paused _ ->
          one(
              new TaskEvent.StopRequested(
                  now, new Stopping(StopCause.USER, now, Duration.ZERO), null));
      case Stopping stopping when stopping.grace().isZero() -> new Accepted(List.of());
      case Stopping stopping ->
          one(
              new TaskEvent.StopRequested(
                  now, new Stopping(stopping.cause(), now, Duration.ZERO), stateReason));
      case Held _, Queued _, BackingOff _, Ended _ -> wrongState(kill);
    };
  }

  private Decision decidePatch(TaskSpec wanted, Instant now) {
    if (wanted.equals(spec)) {
      return new Accepted(List.of());
    }
    if (!attempts.isEmpty()) {
      List<String> frozen = frozenDifferences(wanted);
      if (!frozen.isEmpty()) {
        return new Rejected(new Rejection.Frozen(frozen));
      }
    }
    return one(new TaskEvent.Patched(now, wanted));
  }

  private Decision decideEdit(Task wanted, Instant now) {
    String reason = EditRules.refusal(this, wanted);
    if (reason != null) {
      return new Rejected(new Rejection.IllegalEdit(reason));
    }
    List<String> frozen = attempts.isEmpty() ? List.of() : frozenDifferences(wanted.spec());
    if (!frozen.isEmpty()) {
      return new Rejected(new Rejection.Frozen(frozen));
    }
    boolean isMoved = state.name() != wanted.state().name();
    if (!isMoved && wanted.spec().equals(spec)) {
      return new Accepted(List.of());
    }
    TaskState next =
        !isMoved ? state : wanted.state() instanceof Queued ? new Queued(now) : wanted.state();
    return one(new TaskEvent.Edited(now, wanted.spec(), next));
  }

  private List<String> frozenDifferences(TaskSpec wanted) {
    var differing = new ArrayList<String>();
    note(differing, "command", wanted.command(), spec.command());
    note(differing, "cwd", wanted.cwd(), spec.cwd());
    note(differing, "env", wanted.env(), spec.env());
    note(differing, "timeout", wanted.timeout(), spec.timeout());
    note(differing, "retry", wanted.retry(), spec.retry());
    note(differing, "initiativeId", wanted.initiative(), spec.initiative());
    note(differing, "stopGrace", wanted.stopGrace(), spec.stopGrace());
    note(differing, "onLost", wanted.onLost(), spec.onLost());
    note(differing, "stdin", wanted.stdin(), spec.stdin());
    note(differing, "output", wanted.output(), spec.output());
    return differing;
  }

  private static void note(
      List<String> differing, String member, @Nullable Object wanted, @Nullable Object present) {
    if (!Objects.equals(wanted, present)) {
      differing.add(member);
    }
  }

  private Decision decideRestart(TaskCommand.Restart restart, Instant now) {
    if (!inForce(restart.run())) {
      return stale(restart.run());
    }
    return state instanceof Starting
        ? one(new TaskEvent.AttemptRestarting(now, restart.ticket()))
        : wrongState(restart);
  }

  private Decision decideConfirm(TaskCommand.ConfirmProcess confirm, Instant now) {
    if (!inForce(confirm.run())) {
      return stale(confirm.run());
    }
    boolean known = confirm.process().equals(attempts.getLast().process());
    return known && !(state instanceof Starting)
        ? new Accepted(List.of())
        : one(new TaskEvent.ProcessStarted(now, confirm.process()));
  }

  private Decision decideExpire(RunRef run, Instant now) {
    if (!inForce(run)) {
      return stale(run);
    }
    return state instanceof Running || state instanceof Paused
        ? one(
            new TaskEvent.StopRequested(
                now,
                new Stopping(StopCause.TIMEOUT, now, spec.stopGrace()),
                "the attempt exceeded its timeout of " + spec.timeout()))
        : new Accepted(List.of());
  }

  private Decision decideExceedQuota(RunRef run, long quotaBytes, Instant now) {
    if (!inForce(run)) {
      return stale(run);
    }
    return state instanceof Stopping
        ? new Accepted(List.of())
        : one(
            new TaskEvent.StopRequested(
                now,
                new Stopping(StopCause.OUTPUT_QUOTA, now, spec.stopGrace()),
                "the attempt wrote more than its output quota of " + quotaBytes + " bytes"));
  }

  private Decision decideLateOutput(TaskCommand.RecordLateOutput late, Instant now) {
    RunRef run = late.run();
    Attempt attempt = attemptOf(run);
    if (attempt == null) {
      return stale(run);
    }
    return attempt.outcome() == null || attempt.outputBytes().equals(late.outputBytes())
        ? new Accepted(List.of())
        : one(new TaskEvent.LateOutput(now, run.attempt(), late.outputBytes()));
  }

  private Decision decideSeal(TaskCommand.SealOutput seal, Instant now) {
    Attempt attempt = attemptOf(seal.run());
    if (attempt == null || attempt.outcome() == null) {
      return stale(seal.run());
    }
    var seals = new EnumMap<OutputStreamName, OutputSeal>(OutputStreamName.class);
    seal.seals()
        .forEach(
            (stream, made) -> {
              long then = seal.recorded().getOrDefault(stream, 0L);
              if (attempt.recordedBytes(stream) == then) {
                seals.put(stream, made);
              }
            });
    return attempt.sealed(seals).equals(attempt)
        ? new Accepted(List.of())
        : one(new TaskEvent.OutputSealed(now, seal.run().attempt(), Map.copyOf(seals)));
  }

  /** The attempt that a run in force belongs to, or null. */
  private @Nullable Attempt attemptOf(RunRef run) {
    return run(run.attempt())
        .filter(run::equals)
        .map(_ -> attempts.get(run.attempt() - 1))
        .orElse(null);
  }

  private Decision decideDisown(Map<OutputStreamName, Long> outputBytes, Instant now) {
    return switch (state) {
      case Held _, Ended _ -> new Accepted(List.of());
      case Queued _, BackingOff _ -> one(new TaskEvent.Held(now));
      case Starting _, Running _, Paused _, Stopping _ ->
          one(
              new TaskEvent.AttemptEnded(
                  now,
                  new Outcome.Unknown("copied"),
                  null,
                  outputBytes,
                  now,
                  new Ended(Name.LOST),
                  "it ran under the server that this directory was copied from"));
    };
  }

  private TaskEvent decided(TaskCommand.DecideRun wish, Instant now) {
    return new TaskEvent.RunDecided(
        now,
        wish.decision(),
        wish.decision() == RunDecision.IGNORE ? Map.of() : wish.outputBytes(),
        wish.decision().next(state, now),
        wish.decision().sentence(wish.grounds()));
  }

  private TaskEvent ended(TaskCommand.EndAttempt end, Instant now) {
    Instant endedAt = end.endedAt() == null || end.endedAt().isAfter(now) ? now : end.endedAt();
    var next = afterEnd(end, now);
    return new TaskEvent.AttemptEnded(
        now, end.outcome(), end.process(), end.outputBytes(), endedAt, next.state(), next.reason());
  }

  private record Next(TaskState state, @Nullable String reason) {}

  /** The state that follows an attempt's end: the one place where outcome becomes state. */
  private Next afterEnd(TaskCommand.EndAttempt end, Instant now) {
    if (state instanceof Stopping stopping) {
      return switch (stopping.cause()) {
        case USER -> new Next(new Ended(Name.CANCELED), stateReason);
        case TIMEOUT -> failed(Name.TIMED_OUT, stateReason, now);
        case OUTPUT_QUOTA -> new Next(new Ended(Name.FAILED), stateReason);
      };
    }
    if (end.lost()) {
      return lost(end.outcome(), now);
    }
    return switch (end.outcome()) {
      case Outcome.Exited(int code, boolean _) when code == 0 ->
          new Next(new Ended(Name.SUCCEEDED), null);
      case Outcome.Exited _, Outcome.Signaled _ -> failed(Name.FAILED, null, now);
      case Outcome.StartFailed(String reason) -> failed(Name.FAILED, reason, now);
      case Outcome.Unknown(String reason) -> failed(Name.FAILED, reason, now);
    };
  }

  private Next failed(Name terminal, @Nullable String reason, Instant now) {
    if (retries + 1 >= spec.retry().maxAttempts()) {
      return new Next(new Ended(terminal), reason);
    }
    Instant until = now.plus(spec.retry().pauseAfter(retries + 1));
    return new Next(new BackingOff(until), reason);
  }

  private Next lost(Outcome outcome, Instant now) {
    String reason = outcome instanceof Outcome.Unknown(String why) ? why : "the process was lost";
    return spec.onLost() == OnLost.RERUN && reruns < TaskLimits.RERUNS_MAX
        ? new Next(new Queued(now), reason)
        : new Next(new Ended(Name.LOST), reason);
  }

  private boolean inForce(RunRef run) {
    return state.name().isActive() && lastRun().filter(run::equals).isPresent();
  }

  private Rejected stale(RunRef run) {
    return new Rejected(new Rejection.StaleRun(run));
  }

  private Rejected wrongState(TaskCommand command) {
    return new Rejected(new WrongState(command.verb(), state.name(), possible()));
  }

  private static Accepted one(TaskEvent event) {
    return new Accepted(event);
  }

  /**
   * The task after {@code event}. A purge leaves the task as it was: its removal is the storage's.
   *
   * @throws IllegalStateException if the event did not come from {@link #decide} on this task
   */
  public Task apply(TaskEvent event) {
    return switch (event) {
      case TaskEvent.Submitted _ -> throw new IllegalStateException(id + " was submitted before");
      case TaskEvent.Held(Instant at) -> to(new Held(), null, at);
      case TaskEvent.Released(Instant at) -> to(new Queued(at), null, at);
      case TaskEvent.Canceled(Instant at) -> to(new Ended(Name.CANCELED), null, at);
      case TaskEvent.Patched(Instant at, TaskSpec wanted) -> patched(wanted, at);
      case TaskEvent.Edited(Instant at, TaskSpec wanted, TaskState next) ->
          edited(wanted, next, at);
      case TaskEvent.AttemptStarting(Instant at, RunTicket ticket) ->
          with(new Starting(), null, at, append(Attempt.starting(attempts.size() + 1, ticket, at)));
      case TaskEvent.AttemptRestarting(Instant at, RunTicket ticket) ->
          with(
              new Starting(),
              null,
              at,
              replaced(attempts.size(), attempts.getLast().restarted(ticket)));
      case TaskEvent.ProcessStarted(Instant at, ProcessIdentity process) ->
          with(
              state instanceof Starting ? new Running(at) : state,
              stateReason,
              at,
              replaced(attempts.size(), attempts.getLast().withProcess(process)));
      case TaskEvent.Adopted(Instant at, Owner owner, ProcessIdentity process) ->
          with(
              state instanceof Starting && process != null ? new Running(at) : state,
              stateReason,
              at,
              replaced(attempts.size(), attempts.getLast().adopted(owner, process)));
      case TaskEvent.StopRequested(Instant at, Stopping stopping, String reason) ->
          to(stopping, reason, at);
      case TaskEvent.AttemptEnded end -> afterEnded(end);
      case TaskEvent.RetryQueued(Instant at, boolean automatic) ->
          next(
              new Queued(at),
              null,
              at,
              automatic ? retries + 1 : 0,
              automatic ? reruns : 0,
              attempts);
      case TaskEvent.LateOutput(Instant at, int number, var bytes) ->
          with(
              state,
              stateReason,
              at,
              replaced(number, attempts.get(number - 1).withOutputBytes(bytes)));
      case TaskEvent.OutputSealed(Instant at, int number, var seals) ->
          with(state, stateReason, at, replaced(number, attempts.get(number - 1).sealed(seals)));
      case TaskEvent.RunDecided decided -> afterDecided(decided);
      case TaskEvent.Purged(Instant at) -> to(state, stateReason, at);
    };
  }

  /**
   * This task, as a snapshot has it, when it is brought back from there. What was not over is held:
   * nothing starts by itself. Of an attempt that both know, {@code present} knows more of what came
   * of it; what has no end in either gets one, for its process is not this task's any more.
   *
   * @param snapshot its id, for the reason
   * @param present the same task as it was until now, not active; null if there was none
   * @param revision higher than any that it ever had
   */
  public Task restored(String snapshot, @Nullable Task present, long revision, Instant now) {
    var known = new ArrayList<Attempt>();
    for (Attempt attempt : attempts) {
      known.add(present == null ? attempt : attempt.asKnownTo(present));
    }
    if (!known.isEmpty() && known.getLast().outcome() == null) {
      known.add(
          known
              .removeLast()
              .ended(now, new Outcome.Unknown("restored from a snapshot"), null, Map.of()));
    }
    boolean isHeld = state.name().isTerminal() || state instanceof Held;
    return new Task(
        id,
        spec,
        isHeld ? state : new Held(),
        isHeld
            ? stateReason
            : "restored from snapshot " + snapshot + ", where it was " + state.name(),
        revision,
        createdAt,
        now,
        retries,
        reruns,
        known);
  }

  private Task patched(TaskSpec wanted, Instant at) {
    return new Task(
        id, wanted, state, stateReason, revision + 1, createdAt, at, retries, reruns, attempts);
  }

  private Task edited(TaskSpec wanted, TaskState next, Instant at) {
    String reason = next.equals(state) ? stateReason : null;
    return new Task(
        id, wanted, next, reason, revision + 1, createdAt, at, retries, reruns, attempts);
  }

  private Task afterEnded(TaskEvent.AttemptEnded end) {
    Attempt ended =
        attempts.getLast().ended(end.endedAt(), end.outcome(), end.process(), end.outputBytes());
    int rerunsAfter = end.next() instanceof Queued ? reruns + 1 : reruns;
    return next(
        end.next(), end.reason(), end.at(), retries, rerunsAfter, replaced(attempts.size(), ended));
  }

  private Task afterDecided(TaskEvent.RunDecided event) {
    if (event.decision() == RunDecision.IGNORE) {
      return to(state, event.reason(), event.at());
    }
    Attempt ended =
        attempts
            .getLast()
            .ended(event.at(), new Outcome.Unknown(event.reason()), null, event.outputBytes());
    boolean isRetry = event.decision() == RunDecision.RETRY;
    return next(
        event.next(),
        event.reason(),
        event.at(),
        isRetry ? 0 : retries,
        isRetry ? 0 : reruns,
        replaced(attempts.size(), ended));
  }

  private Task to(TaskState state, @Nullable String reason, Instant at) {
    return with(state, reason, at, attempts);
  }

  private Task with(TaskState state, @Nullable String reason, Instant at, List<Attempt> attempts) {
    return next(state, reason, at, retries, reruns, attempts);
  }

  private Task next(
      TaskState state,
      @Nullable String reason,
      Instant at,
      int retries,
      int reruns,
      List<Attempt> attempts) {
    return new Task(
        id, spec, state, reason, revision + 1, createdAt, at, retries, reruns, attempts);
  }

  private List<Attempt> append(Attempt attempt) {
    var all = new ArrayList<Attempt>(attempts);
    all.add(attempt);
    return all;
  }

  private List<Attempt> replaced(int number, Attempt replacement) {
    var all = new ArrayList<Attempt>(attempts);
    all.set(number - 1, replacement);
    return all;
  }
}

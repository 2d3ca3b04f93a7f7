package holdfast.adapters.web;

import holdfast.adapters.web.wire.InitiativeBody;
import holdfast.adapters.web.wire.OutcomeBody;
import holdfast.adapters.web.wire.ProblemBody;
import holdfast.adapters.web.wire.TaskBody;
import holdfast.adapters.web.wire.TaskBody.AttemptBody;
import holdfast.adapters.web.wire.TaskBody.ProcessBody;
import holdfast.adapters.web.wire.TaskBody.RetryBody;
import holdfast.adapters.web.wire.TaskBody.SealBody;
import holdfast.application.InitiativeView;
import holdfast.application.Outputs;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RetryPolicy;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState;
import jakarta.json.bind.Jsonb;
import jakarta.json.bind.JsonbBuilder;
import jakarta.json.bind.JsonbConfig;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** Turns what the application knows into the bytes that clients see. Any thread. */
final class Rendering {
  private static final Jsonb JSONB = JsonbBuilder.create(new JsonbConfig().withNullValues(true));

  /** Many sockets follow the same changes; the last ones are rendered once. */
  private static final int REMEMBERED = 1_024;

  private final Outputs outputs;
  private final AtomicReferenceArray<@Nullable Remembered> remembered =
      new AtomicReferenceArray<>(REMEMBERED);

  private static final class Remembered {
    private final Stored<Task> task;
    private final byte[] json;

    Remembered(Stored<Task> task, byte[] json) {
      this.task = task;
      this.json = json;
    }
  }

  Rendering(Outputs outputs) {
    this.outputs = outputs;
  }

  /** Any body of the wire package. */
  static byte[] json(Object body) {
    return JSONB.toJson(body).getBytes(StandardCharsets.UTF_8);
  }

  static byte[] problem(Problem problem, String requestId) {
    ProblemCode code = problem.code();
    return json(
        new ProblemBody(
            "urn:holdfast:problem:" + code.code(),
            code.title(),
            code.status(),
            problem.detail(),
            code.code(),
            requestId,
            problem.errors().stream()
                .map(error -> new ProblemBody.ErrorBody(error.pointer(), error.detail()))
                .toList()));
  }

  byte[] task(Stored<Task> stored) {
    return json(body(stored));
  }

  /** A task as of a change; the sizes of its output may be from a moment ago. */
  byte[] taskEvent(Stored<Task> stored) {
    int slot = (int) (stored.seq() % REMEMBERED);
    Remembered known = remembered.get(slot);
    if (known != null && known.task.equals(stored)) {
      return known.json;
    }
    byte[] json = task(stored);
    remembered.set(slot, new Remembered(stored, json));
    return json;
  }

  static byte[] initiative(InitiativeView view) {
    Initiative initiative = view.initiative();
    return json(
        new InitiativeBody(
            initiative.id().value(),
            initiative.spec().title(),
            initiative.spec().objective(),
            view.state().name(),
            everyState(view.counts()),
            initiative.spec().labels(),
            initiative.revision(),
            view.seq(),
            initiative.createdAt(),
            initiative.updatedAt()));
  }

  static @Nullable OutcomeBody outcome(@Nullable Outcome outcome) {
    return switch (outcome) {
      case null -> null;
      case Outcome.Exited(int code, boolean _) -> new OutcomeBody.Exited(code);
      case Outcome.Signaled(int signal) -> new OutcomeBody.Signaled(signal, SignalNames.of(signal));
      case Outcome.StartFailed(String reason) -> new OutcomeBody.StartFailed(reason);
      case Outcome.Unknown(String reason) -> new OutcomeBody.Unknown(reason);
    };
  }

  static String streamName(OutputStreamName stream) {
    return stream.name().toLowerCase(Locale.ROOT);
  }

  private static Map<String, Integer> everyState(Map<TaskState.Name, Integer> counts) {
    var all = new LinkedHashMap<String, Integer>();
    for (TaskState.Name name : TaskState.Name.values()) {
      all.put(name.name(), counts.getOrDefault(name, 0));
    }
    return all;
  }

  private TaskBody body(Stored<Task> stored) {
    Task task = stored.entity();
    TaskSpec spec = task.spec();
    RetryPolicy retry = spec.retry();
    return new TaskBody(
        task.id().value(),
        spec.title(),
        spec.command(),
        spec.cwd(),
        SecretNames.redacted(spec.env()),
        spec.initiative(),
        List.of(),
        spec.priority(),
        spec.labels(),
        spec.timeout(),
        spec.stopGrace(),
        new RetryBody(retry.maxAttempts(), retry.backoff(), retry.maxBackoff()),
        lower(spec.onLost()),
        lower(spec.stdin()),
        lower(spec.output()),
        task.state().name().name(),
        task.stateReason(),
        task.revision(),
        stored.seq(),
        task.createdAt(),
        task.updatedAt(),
        task.attempts().stream().map(attempt -> attempt(task, attempt)).toList(),
        outcome(task.lastAttempt().map(Attempt::outcome).orElse(null)));
  }

  private static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private AttemptBody attempt(Task task, Attempt attempt) {
    ProcessIdentity process = attempt.process();
    return new AttemptBody(
        attempt.number(),
        attempt.startedAt(),
        attempt.endedAt(),
        attempt.recoveries(),
        process == null
            ? null
            : new ProcessBody(process.pid(), Long.toString(process.startTicks()), process.bootId()),
        outcome(attempt.outcome()),
        outputBytes(task, attempt),
        sealed(attempt));
  }

  private static Map<String, SealBody> sealed(Attempt attempt) {
    var named = new TreeMap<String, SealBody>();
    attempt
        .seals()
        .forEach(
            (stream, seal) ->
                named.put(streamName(stream), new SealBody(seal.bytes(), seal.digest())));
    return named;
  }

  private Map<String, Long> outputBytes(Task task, Attempt attempt) {
    Map<OutputStreamName, Long> sizes =
        attempt.outcome() == null
            ? outputs.lengths(
                new RunRef(task.id(), attempt.number(), attempt.run()), task.spec().output())
            : attempt.outputBytes();
    var named = new LinkedHashMap<String, Long>();
    for (OutputStreamName stream : task.spec().output().streams()) {
      named.put(streamName(stream), sizes.getOrDefault(stream, 0L));
    }
    return named;
  }
}

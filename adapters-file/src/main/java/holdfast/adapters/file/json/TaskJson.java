package holdfast.adapters.file.json;

import holdfast.domain.task.Attempt;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputMode;
import holdfast.domain.task.OutputSeal;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.Owner;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RetryPolicy;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.StopCause;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A task as JSON, as journal records keep it. Members without a value are left out. Names that end
 * in {@code Nanos} are durations in nanoseconds; instants are ISO-8601 in UTC.
 */
final class TaskJson {
  private static final TaskState HELD = new TaskState.Held();
  private static final TaskState STARTING = new TaskState.Starting();

  private static final TaskState.Name[] STATES = TaskState.Name.values();
  private static final StopCause[] STOP_CAUSES = StopCause.values();
  private static final OnLost[] ON_LOST = OnLost.values();
  private static final StdinMode[] STDIN_MODES = StdinMode.values();
  private static final OutputMode[] OUTPUT_MODES = OutputMode.values();
  private static final OutputStreamName[] STREAMS = OutputStreamName.values();

  private TaskJson() {}

  static void write(JsonWriter json, Task task) {
    json.beginObject().name(Member.ID).value(task.id().value());
    spec(json.name(Member.SPEC), task.spec());
    state(json.name(Member.STATE), task.state());
    json.fieldIfPresent(Member.STATE_REASON, task.stateReason());
    json.name(Member.REVISION).value(task.revision());
    json.name(Member.CREATED_AT)
        .value(task.createdAt())
        .name(Member.UPDATED_AT)
        .value(task.updatedAt());
    json.name(Member.RETRIES).value(task.retries()).name(Member.RERUNS).value(task.reruns());
    json.name(Member.ATTEMPTS).beginArray();
    task.attempts().forEach(attempt -> attempt(json, attempt));
    json.endArray().endObject();
  }

  /**
   * Reads a task.
   *
   * @param id that it must bear
   */
  static Task read(JsonReader json, TaskId id) {
    String named = json.beginObject().member(Member.ID).text();
    if (!named.equals(id.value())) {
      throw new MalformedJsonException("expected task " + id + ", found " + named);
    }
    TaskSpec spec = spec(json.member(Member.SPEC));
    TaskState state = state(json.member(Member.STATE));
    String stateReason = json.has(Member.STATE_REASON) ? json.text() : null;
    long revision = json.member(Member.REVISION).number();
    Instant createdAt = json.member(Member.CREATED_AT).instant();
    Instant updatedAt = json.member(Member.UPDATED_AT).instant();
    int retries = json.member(Member.RETRIES).integer();
    int reruns = json.member(Member.RERUNS).integer();
    List<Attempt> attempts = attempts(json.member(Member.ATTEMPTS));
    json.endObject();
    return new Task(
        id, spec, state, stateReason, revision, createdAt, updatedAt, retries, reruns, attempts);
  }

  private static List<Attempt> attempts(JsonReader json) {
    json.beginArray();
    var attempts = new ArrayList<Attempt>(1);
    while (json.more()) {
      attempts.add(attempt(json));
    }
    json.endArray();
    return attempts.isEmpty() ? List.of() : attempts;
  }

  static void spec(JsonWriter json, TaskSpec spec) {
    json.beginObject().name(Member.TITLE).value(spec.title());
    json.name(Member.COMMAND).beginArray();
    spec.command().forEach(json::value);
    json.endArray().name(Member.CWD).value(spec.cwd()).name(Member.ENV).value(spec.env());
    json.fieldIfPresent(Member.INITIATIVE, spec.initiative());
    json.name(Member.PRIORITY).value(spec.priority()).name(Member.LABELS).value(spec.labels());
    Duration timeout = spec.timeout();
    if (timeout != null) {
      json.name(Member.TIMEOUT_NANOS).value(timeout);
    }
    json.name(Member.STOP_GRACE_NANOS).value(spec.stopGrace());
    json.name(Member.RETRY)
        .beginObject()
        .name(Member.MAX_ATTEMPTS)
        .value(spec.retry().maxAttempts());
    json.name(Member.BACKOFF_NANOS).value(spec.retry().backoff());
    json.name(Member.MAX_BACKOFF_NANOS).value(spec.retry().maxBackoff()).endObject();
    json.name(Member.ON_LOST)
        .value(spec.onLost().name())
        .name(Member.STDIN)
        .value(spec.stdin().name());
    json.name(Member.OUTPUT).value(spec.output().name()).endObject();
  }

  static TaskSpec spec(JsonReader json) {
    String title = json.beginObject().member(Member.TITLE).text();
    var command = new ArrayList<String>(4);
    json.member(Member.COMMAND).beginArray();
    while (json.more()) {
      command.add(json.recurringText());
    }
    json.endArray();
    String cwd = json.member(Member.CWD).recurringText();
    Map<String, String> env = json.member(Member.ENV).texts();
    String initiative = json.has(Member.INITIATIVE) ? json.recurringText() : null;
    int priority = json.member(Member.PRIORITY).integer();
    Map<String, String> labels = json.member(Member.LABELS).texts();
    Duration timeout = json.has(Member.TIMEOUT_NANOS) ? json.nanos() : null;
    Duration stopGrace = json.member(Member.STOP_GRACE_NANOS).nanos();
    RetryPolicy retry = json.recurring(retry(json.member(Member.RETRY)));
    OnLost onLost = json.member(Member.ON_LOST).constant(ON_LOST);
    StdinMode stdin = json.member(Member.STDIN).constant(STDIN_MODES);
    OutputMode output = json.member(Member.OUTPUT).constant(OUTPUT_MODES);
    json.endObject();
    return new TaskSpec(
        title,
        command,
        cwd,
        env,
        initiative,
        priority,
        labels,
        timeout,
        stopGrace,
        retry,
        onLost,
        stdin,
        output);
  }

  private static RetryPolicy retry(JsonReader json) {
    int maxAttempts = json.beginObject().member(Member.MAX_ATTEMPTS).integer();
    Duration backoff = json.member(Member.BACKOFF_NANOS).nanos();
    Duration maxBackoff = json.member(Member.MAX_BACKOFF_NANOS).nanos();
    json.endObject();
    return new RetryPolicy(maxAttempts, backoff, maxBackoff);
  }

  static void state(JsonWriter json, TaskState state) {
    json.beginObject().name(Member.NAME).value(state.name().name());
    switch (state) {
      case TaskState.Queued queued -> json.name(Member.SINCE).value(queued.since());
      case TaskState.Running running -> json.name(Member.SINCE).value(running.since());
      case TaskState.Paused paused -> json.name(Member.SINCE).value(paused.since());
      case TaskState.Stopping stopping ->
          json.name(Member.CAUSE)
              .value(stopping.cause().name())
              .name(Member.SINCE)
              .value(stopping.since())
              .name(Member.GRACE_NANOS)
              .value(stopping.grace());
      case TaskState.BackingOff backingOff -> json.name(Member.UNTIL).value(backingOff.until());
      case TaskState.Held _, TaskState.Starting _, TaskState.Ended _ -> {
        // The name says all there is.
      }
    }
    json.endObject();
  }

  static TaskState state(JsonReader json) {
    TaskState.Name name = json.beginObject().member(Member.NAME).constant(STATES);
    TaskState state =
        switch (name) {
          case HELD -> HELD;
          case QUEUED -> new TaskState.Queued(json.member(Member.SINCE).instant());
          case STARTING -> STARTING;
          case RUNNING -> new TaskState.Running(json.member(Member.SINCE).instant());
          case PAUSED -> new TaskState.Paused(json.member(Member.SINCE).instant());
          case STOPPING ->
              new TaskState.Stopping(
                  json.member(Member.CAUSE).constant(STOP_CAUSES),
                  json.member(Member.SINCE).instant(),
                  json.member(Member.GRACE_NANOS).nanos());
          case BACKING_OFF -> new TaskState.BackingOff(json.member(Member.UNTIL).instant());
          case SUCCEEDED, FAILED, TIMED_OUT, CANCELED, LOST, SKIPPED ->
              json.recurring(new TaskState.Ended(name));
        };
    json.endObject();
    return state;
  }

  private static void attempt(JsonWriter json, Attempt attempt) {
    json.beginObject()
        .name(Member.NUMBER)
        .value(attempt.number())
        .name(Member.RUN)
        .value(attempt.run());
    json.name(Member.COOKIE).value(attempt.cookie());
    owner(json.name(Member.OWNER), attempt.owner());
    host(json.name(Member.HOST), attempt.host());
    json.name(Member.STARTED_AT).value(attempt.startedAt());
    if (attempt.endedAt() != null) {
      json.name(Member.ENDED_AT).value(attempt.endedAt());
    }
    json.name(Member.RECOVERIES).value(attempt.recoveries());
    process(json, attempt.process());
    if (attempt.outcome() != null) {
      outcome(json.name(Member.OUTCOME), attempt.outcome());
    }
    outputBytes(json.name(Member.OUTPUT_BYTES), attempt.outputBytes());
    if (!attempt.seals().isEmpty()) {
      seals(json.name(Member.SEALS), attempt.seals());
    }
    json.endObject();
  }

  private static Attempt attempt(JsonReader json) {
    int number = json.beginObject().member(Member.NUMBER).integer();
    int run = json.member(Member.RUN).integer();
    String cookie = json.member(Member.COOKIE).text();
    Owner owner = owner(json.member(Member.OWNER));
    HostIdentity host = host(json.member(Member.HOST));
    Instant startedAt = json.member(Member.STARTED_AT).instant();
    Instant endedAt = json.has(Member.ENDED_AT) ? json.instant() : null;
    int recoveries = json.member(Member.RECOVERIES).integer();
    ProcessIdentity process = process(json);
    Outcome outcome = json.has(Member.OUTCOME) ? outcome(json) : null;
    Map<OutputStreamName, Long> outputBytes = outputBytes(json.member(Member.OUTPUT_BYTES));
    Map<OutputStreamName, OutputSeal> seals = json.has(Member.SEALS) ? seals(json) : Map.of();
    json.endObject();
    return new Attempt(
        number,
        run,
        cookie,
        owner,
        host,
        startedAt,
        endedAt,
        recoveries,
        process,
        outcome,
        outputBytes,
        seals);
  }

  static void owner(JsonWriter json, Owner owner) {
    json.beginObject().name(Member.INSTANCE_ID).value(owner.instanceId());
    json.name(Member.TERM).value(owner.term()).endObject();
  }

  static Owner owner(JsonReader json) {
    String instanceId = json.beginObject().member(Member.INSTANCE_ID).recurringText();
    long term = json.member(Member.TERM).number();
    json.endObject();
    return json.recurring(new Owner(instanceId, term));
  }

  static void host(JsonWriter json, HostIdentity host) {
    json.beginObject()
        .name(Member.MACHINE_ID)
        .value(host.machineId())
        .name(Member.BOOT_ID)
        .value(host.bootId());
    json.name(Member.PID_NAMESPACE).value(host.pidNamespace()).endObject();
  }

  static HostIdentity host(JsonReader json) {
    String machineId = json.beginObject().member(Member.MACHINE_ID).recurringText();
    String bootId = json.member(Member.BOOT_ID).recurringText();
    String pidNamespace = json.member(Member.PID_NAMESPACE).recurringText();
    json.endObject();
    return json.recurring(new HostIdentity(machineId, bootId, pidNamespace));
  }

  /** Writes the member {@code process}, or nothing. */
  static void process(JsonWriter json, @Nullable ProcessIdentity process) {
    if (process != null) {
      json.name(Member.PROCESS).beginObject().name(Member.PID).value(process.pid());
      json.name(Member.START_TICKS)
          .value(process.startTicks())
          .name(Member.BOOT_ID)
          .value(process.bootId())
          .endObject();
    }
  }

  /** Reads the member {@code process} if it is the next one. */
  static @Nullable ProcessIdentity process(JsonReader json) {
    if (!json.has(Member.PROCESS)) {
      return null;
    }
    long pid = json.beginObject().member(Member.PID).number();
    long startTicks = json.member(Member.START_TICKS).number();
    String bootId = json.member(Member.BOOT_ID).recurringText();
    json.endObject();
    return new ProcessIdentity(pid, startTicks, bootId);
  }

  static void outcome(JsonWriter json, Outcome outcome) {
    json.beginObject();
    switch (outcome) {
      case Outcome.Exited(int code, boolean certain) ->
          json.name(Member.KIND)
              .value("exited")
              .name(Member.CODE)
              .value(code)
              .name(Member.CERTAIN)
              .value(certain);
      case Outcome.Signaled(int signal) ->
          json.name(Member.KIND).value("signaled").name(Member.SIGNAL).value(signal);
      case Outcome.StartFailed(String reason) ->
          json.name(Member.KIND).value("start-failed").name(Member.REASON).value(reason);
      case Outcome.Unknown(String reason) ->
          json.name(Member.KIND).value("unknown").name(Member.REASON).value(reason);
    }
    json.endObject();
  }

  static Outcome outcome(JsonReader json) {
    String kind = json.beginObject().member(Member.KIND).recurringText();
    Outcome outcome =
        switch (kind) {
          case "exited" ->
              new Outcome.Exited(
                  json.member(Member.CODE).integer(), json.member(Member.CERTAIN).flag());
          case "signaled" -> new Outcome.Signaled(json.member(Member.SIGNAL).integer());
          case "start-failed" -> new Outcome.StartFailed(json.member(Member.REASON).text());
          case "unknown" -> new Outcome.Unknown(json.member(Member.REASON).text());
          default -> throw new MalformedJsonException("unknown kind of outcome: " + kind);
        };
    json.endObject();
    return json.recurring(outcome);
  }

  static void outputBytes(JsonWriter json, Map<OutputStreamName, Long> bytes) {
    json.beginObject();
    for (OutputStreamName stream : STREAMS) {
      Long size = bytes.get(stream);
      if (size != null) {
        json.field(stream.name(), size);
      }
    }
    json.endObject();
  }

  static Map<OutputStreamName, Long> outputBytes(JsonReader json) {
    json.beginObject();
    var bytes = new EnumMap<OutputStreamName, Long>(OutputStreamName.class);
    for (OutputStreamName stream : STREAMS) {
      if (json.has(stream.name())) {
        bytes.put(stream, json.number());
      }
    }
    json.endObject();
    return Map.copyOf(bytes);
  }

  static void seals(JsonWriter json, Map<OutputStreamName, OutputSeal> seals) {
    json.beginObject();
    for (OutputStreamName stream : STREAMS) {
      OutputSeal seal = seals.get(stream);
      if (seal != null) {
        json.name(stream.name()).beginObject().name(Member.BYTES).value(seal.bytes());
        json.name(Member.DIGEST).value(seal.digest()).endObject();
      }
    }
    json.endObject();
  }

  static Map<OutputStreamName, OutputSeal> seals(JsonReader json) {
    json.beginObject();
    var seals = new EnumMap<OutputStreamName, OutputSeal>(OutputStreamName.class);
    for (OutputStreamName stream : STREAMS) {
      if (json.has(stream.name())) {
        long bytes = json.beginObject().member(Member.BYTES).number();
        seals.put(stream, new OutputSeal(bytes, json.member(Member.DIGEST).text()));
        json.endObject();
      }
    }
    json.endObject();
    return Map.copyOf(seals);
  }
}

package holdfast.adapters.file.json;

import holdfast.domain.task.Attempt;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputMode;
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
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import java.time.Duration;
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
  private TaskJson() {}

  static void write(JsonWriter json, Task task) {
    json.beginObject().field("id", task.id().value());
    spec(json.name("spec"), task.spec());
    state(json.name("state"), task.state());
    json.fieldIfPresent("stateReason", task.stateReason());
    json.field("revision", task.revision());
    json.field("createdAt", task.createdAt()).field("updatedAt", task.updatedAt());
    json.field("retries", task.retries()).field("reruns", task.reruns());
    json.name("attempts").beginArray();
    task.attempts().forEach(attempt -> attempt(json, attempt));
    json.endArray().endObject();
  }

  static Task read(JsonObject json) {
    var attempts = new ArrayList<Attempt>();
    for (JsonValue attempt : json.getJsonArray("attempts")) {
      attempts.add(attempt(attempt.asJsonObject()));
    }
    return new Task(
        new TaskId(json.getString("id")),
        spec(json.getJsonObject("spec")),
        state(json.getJsonObject("state")),
        JsonText.textOrNull(json, "stateReason"),
        JsonText.number(json, "revision"),
        JsonText.instant(json, "createdAt"),
        JsonText.instant(json, "updatedAt"),
        JsonText.integer(json, "retries"),
        JsonText.integer(json, "reruns"),
        attempts);
  }

  static void spec(JsonWriter json, TaskSpec spec) {
    json.beginObject().field("title", spec.title());
    json.name("command").beginArray();
    spec.command().forEach(json::value);
    json.endArray().field("cwd", spec.cwd()).field("env", spec.env());
    json.fieldIfPresent("initiative", spec.initiative());
    json.field("priority", spec.priority()).field("labels", spec.labels());
    Duration timeout = spec.timeout();
    if (timeout != null) {
      json.field("timeoutNanos", timeout);
    }
    json.field("stopGraceNanos", spec.stopGrace());
    json.name("retry").beginObject().field("maxAttempts", spec.retry().maxAttempts());
    json.field("backoffNanos", spec.retry().backoff());
    json.field("maxBackoffNanos", spec.retry().maxBackoff()).endObject();
    json.field("onLost", spec.onLost().name()).field("stdin", spec.stdin().name());
    json.field("output", spec.output().name()).endObject();
  }

  static TaskSpec spec(JsonObject json) {
    List<String> command = json.getJsonArray("command").getValuesAs(JsonString::getString);
    JsonObject retry = json.getJsonObject("retry");
    return new TaskSpec(
        json.getString("title"),
        command,
        json.getString("cwd"),
        JsonText.texts(json.getJsonObject("env")),
        JsonText.textOrNull(json, "initiative"),
        JsonText.integer(json, "priority"),
        JsonText.texts(json.getJsonObject("labels")),
        json.containsKey("timeoutNanos") ? JsonText.nanos(json, "timeoutNanos") : null,
        JsonText.nanos(json, "stopGraceNanos"),
        new RetryPolicy(
            JsonText.integer(retry, "maxAttempts"),
            JsonText.nanos(retry, "backoffNanos"),
            JsonText.nanos(retry, "maxBackoffNanos")),
        OnLost.valueOf(json.getString("onLost")),
        StdinMode.valueOf(json.getString("stdin")),
        OutputMode.valueOf(json.getString("output")));
  }

  static void state(JsonWriter json, TaskState state) {
    json.beginObject().field("name", state.name().name());
    switch (state) {
      case TaskState.Queued queued -> json.field("since", queued.since());
      case TaskState.Running running -> json.field("since", running.since());
      case TaskState.Paused paused -> json.field("since", paused.since());
      case TaskState.Stopping stopping ->
          json.field("cause", stopping.cause().name())
              .field("since", stopping.since())
              .field("graceNanos", stopping.grace());
      case TaskState.BackingOff backingOff -> json.field("until", backingOff.until());
      case TaskState.Held _, TaskState.Starting _, TaskState.Ended _ -> {
        // The name says all there is.
      }
    }
    json.endObject();
  }

  static TaskState state(JsonObject json) {
    TaskState.Name name = TaskState.Name.valueOf(json.getString("name"));
    return switch (name) {
      case HELD -> new TaskState.Held();
      case QUEUED -> new TaskState.Queued(JsonText.instant(json, "since"));
      case STARTING -> new TaskState.Starting();
      case RUNNING -> new TaskState.Running(JsonText.instant(json, "since"));
      case PAUSED -> new TaskState.Paused(JsonText.instant(json, "since"));
      case STOPPING ->
          new TaskState.Stopping(
              StopCause.valueOf(json.getString("cause")),
              JsonText.instant(json, "since"),
              JsonText.nanos(json, "graceNanos"));
      case BACKING_OFF -> new TaskState.BackingOff(JsonText.instant(json, "until"));
      case SUCCEEDED, FAILED, TIMED_OUT, CANCELED, LOST, SKIPPED -> new TaskState.Ended(name);
    };
  }

  private static void attempt(JsonWriter json, Attempt attempt) {
    json.beginObject().field("number", attempt.number()).field("run", attempt.run());
    json.field("cookie", attempt.cookie());
    owner(json.name("owner"), attempt.owner());
    host(json.name("host"), attempt.host());
    json.field("startedAt", attempt.startedAt());
    if (attempt.endedAt() != null) {
      json.field("endedAt", attempt.endedAt());
    }
    json.field("recoveries", attempt.recoveries());
    process(json, attempt.process());
    if (attempt.outcome() != null) {
      outcome(json.name("outcome"), attempt.outcome());
    }
    outputBytes(json.name("outputBytes"), attempt.outputBytes());
    json.endObject();
  }

  private static Attempt attempt(JsonObject json) {
    JsonObject outcome = JsonText.objectOrNull(json, "outcome");
    return new Attempt(
        JsonText.integer(json, "number"),
        JsonText.integer(json, "run"),
        json.getString("cookie"),
        owner(json.getJsonObject("owner")),
        host(json.getJsonObject("host")),
        JsonText.instant(json, "startedAt"),
        json.containsKey("endedAt") ? JsonText.instant(json, "endedAt") : null,
        JsonText.integer(json, "recoveries"),
        process(json),
        outcome == null ? null : outcome(outcome),
        outputBytes(json.getJsonObject("outputBytes")));
  }

  static void owner(JsonWriter json, Owner owner) {
    json.beginObject().field("instanceId", owner.instanceId());
    json.field("term", owner.term()).endObject();
  }

  static Owner owner(JsonObject json) {
    return new Owner(json.getString("instanceId"), JsonText.number(json, "term"));
  }

  static void host(JsonWriter json, HostIdentity host) {
    json.beginObject().field("machineId", host.machineId()).field("bootId", host.bootId());
    json.field("pidNamespace", host.pidNamespace()).endObject();
  }

  static HostIdentity host(JsonObject json) {
    return new HostIdentity(
        json.getString("machineId"), json.getString("bootId"), json.getString("pidNamespace"));
  }

  /** Writes the member {@code process}, or nothing. */
  static void process(JsonWriter json, @Nullable ProcessIdentity process) {
    if (process != null) {
      json.name("process").beginObject().field("pid", process.pid());
      json.field("startTicks", process.startTicks()).field("bootId", process.bootId()).endObject();
    }
  }

  static @Nullable ProcessIdentity process(JsonObject holder) {
    JsonObject json = JsonText.objectOrNull(holder, "process");
    return json == null
        ? null
        : new ProcessIdentity(
            JsonText.number(json, "pid"),
            JsonText.number(json, "startTicks"),
            json.getString("bootId"));
  }

  static void outcome(JsonWriter json, Outcome outcome) {
    json.beginObject();
    switch (outcome) {
      case Outcome.Exited(int code, boolean certain) ->
          json.field("kind", "exited").field("code", code).field("certain", certain);
      case Outcome.Signaled(int signal) -> json.field("kind", "signaled").field("signal", signal);
      case Outcome.StartFailed(String reason) ->
          json.field("kind", "start-failed").field("reason", reason);
      case Outcome.Unknown(String reason) -> json.field("kind", "unknown").field("reason", reason);
    }
    json.endObject();
  }

  static Outcome outcome(JsonObject json) {
    String kind = json.getString("kind");
    return switch (kind) {
      case "exited" ->
          new Outcome.Exited(JsonText.integer(json, "code"), json.getBoolean("certain"));
      case "signaled" -> new Outcome.Signaled(JsonText.integer(json, "signal"));
      case "start-failed" -> new Outcome.StartFailed(json.getString("reason"));
      case "unknown" -> new Outcome.Unknown(json.getString("reason"));
      default -> throw new IllegalArgumentException("unknown kind of outcome: " + kind);
    };
  }

  static void outputBytes(JsonWriter json, Map<OutputStreamName, Long> bytes) {
    json.beginObject();
    for (OutputStreamName stream : OutputStreamName.values()) {
      Long size = bytes.get(stream);
      if (size != null) {
        json.field(stream.name(), size);
      }
    }
    json.endObject();
  }

  static Map<OutputStreamName, Long> outputBytes(JsonObject json) {
    var bytes = new EnumMap<OutputStreamName, Long>(OutputStreamName.class);
    json.keySet()
        .forEach(name -> bytes.put(OutputStreamName.valueOf(name), JsonText.number(json, name)));
    return Map.copyOf(bytes);
  }
}

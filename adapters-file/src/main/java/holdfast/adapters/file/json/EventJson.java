package holdfast.adapters.file.json;

import holdfast.domain.initiative.InitiativeEvent;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunTicket;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskEvent;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState;
import jakarta.json.JsonObject;
import java.time.Instant;

/**
 * An event as JSON, beside the after-image it led to. {@code type} and {@code at} come first. A
 * specification that equals the after-image's is left out: it would double the record.
 */
final class EventJson {
  private EventJson() {}

  static void write(JsonWriter json, TaskEvent event, Task after) {
    json.beginObject().field("type", event.type()).field("at", event.at());
    switch (event) {
      case TaskEvent.Submitted submitted -> {
        spec(json, submitted.spec(), after);
        json.field("held", submitted.held());
      }
      case TaskEvent.Patched patched -> spec(json, patched.spec(), after);
      case TaskEvent.AttemptStarting starting -> ticket(json, starting.ticket());
      case TaskEvent.AttemptRestarting restarting -> ticket(json, restarting.ticket());
      case TaskEvent.ProcessStarted started -> TaskJson.process(json, started.process());
      case TaskEvent.Adopted adopted -> {
        TaskJson.owner(json.name("owner"), adopted.owner());
        TaskJson.process(json, adopted.process());
      }
      case TaskEvent.StopRequested stop -> {
        TaskJson.state(json.name("stopping"), stop.stopping());
        json.fieldIfPresent("reason", stop.reason());
      }
      case TaskEvent.AttemptEnded ended -> ended(json, ended);
      case TaskEvent.RetryQueued queued -> json.field("automatic", queued.automatic());
      case TaskEvent.LateOutput late -> {
        json.field("attempt", late.attempt());
        TaskJson.outputBytes(json.name("outputBytes"), late.outputBytes());
      }
      case TaskEvent.Held _, TaskEvent.Released _, TaskEvent.Canceled _, TaskEvent.Purged _ -> {
        // Type and time say all there is.
      }
    }
    json.endObject();
  }

  private static void spec(JsonWriter json, TaskSpec spec, Task after) {
    if (!spec.equals(after.spec())) {
      TaskJson.spec(json.name("spec"), spec);
    }
  }

  private static void ticket(JsonWriter json, RunTicket ticket) {
    json.field("cookie", ticket.cookie());
    TaskJson.owner(json.name("owner"), ticket.owner());
    TaskJson.host(json.name("host"), ticket.host());
  }

  private static void ended(JsonWriter json, TaskEvent.AttemptEnded ended) {
    TaskJson.outcome(json.name("outcome"), ended.outcome());
    TaskJson.process(json, ended.process());
    TaskJson.outputBytes(json.name("outputBytes"), ended.outputBytes());
    json.field("endedAt", ended.endedAt());
    TaskJson.state(json.name("next"), ended.next());
    json.fieldIfPresent("reason", ended.reason());
  }

  static TaskEvent read(JsonObject json, Task after) {
    Instant at = JsonText.instant(json, "at");
    String type = json.getString("type");
    return switch (type) {
      case "submitted" -> new TaskEvent.Submitted(at, spec(json, after), json.getBoolean("held"));
      case "held" -> new TaskEvent.Held(at);
      case "released" -> new TaskEvent.Released(at);
      case "canceled" -> new TaskEvent.Canceled(at);
      case "patched" -> new TaskEvent.Patched(at, spec(json, after));
      case "attempt-starting" -> new TaskEvent.AttemptStarting(at, ticket(json));
      case "attempt-restarting" -> new TaskEvent.AttemptRestarting(at, ticket(json));
      case "process-started" -> new TaskEvent.ProcessStarted(at, process(json));
      case "adopted" ->
          new TaskEvent.Adopted(
              at, TaskJson.owner(json.getJsonObject("owner")), TaskJson.process(json));
      case "stop-requested" ->
          new TaskEvent.StopRequested(
              at,
              (TaskState.Stopping) TaskJson.state(json.getJsonObject("stopping")),
              JsonText.textOrNull(json, "reason"));
      case "attempt-ended" -> ended(json, at);
      case "retry-queued" -> new TaskEvent.RetryQueued(at, json.getBoolean("automatic"));
      case "late-output" ->
          new TaskEvent.LateOutput(
              at,
              JsonText.integer(json, "attempt"),
              TaskJson.outputBytes(json.getJsonObject("outputBytes")));
      case "purged" -> new TaskEvent.Purged(at);
      default -> throw new IllegalArgumentException("unknown event of a task: " + type);
    };
  }

  private static TaskSpec spec(JsonObject json, Task after) {
    JsonObject spec = JsonText.objectOrNull(json, "spec");
    return spec == null ? after.spec() : TaskJson.spec(spec);
  }

  private static RunTicket ticket(JsonObject json) {
    return new RunTicket(
        json.getString("cookie"),
        TaskJson.owner(json.getJsonObject("owner")),
        TaskJson.host(json.getJsonObject("host")));
  }

  private static ProcessIdentity process(JsonObject json) {
    ProcessIdentity process = TaskJson.process(json);
    if (process == null) {
      throw new IllegalArgumentException("process-started without a process");
    }
    return process;
  }

  private static TaskEvent ended(JsonObject json, Instant at) {
    return new TaskEvent.AttemptEnded(
        at,
        TaskJson.outcome(json.getJsonObject("outcome")),
        TaskJson.process(json),
        TaskJson.outputBytes(json.getJsonObject("outputBytes")),
        JsonText.instant(json, "endedAt"),
        TaskJson.state(json.getJsonObject("next")),
        JsonText.textOrNull(json, "reason"));
  }

  static void write(JsonWriter json, InitiativeEvent event) {
    json.beginObject().field("type", event.type()).field("at", event.at()).endObject();
  }

  static InitiativeEvent readInitiative(JsonObject json) {
    Instant at = JsonText.instant(json, "at");
    String type = json.getString("type");
    return switch (type) {
      case "created" -> new InitiativeEvent.Created(at);
      case "patched" -> new InitiativeEvent.Patched(at);
      case "deleted" -> new InitiativeEvent.Deleted(at);
      default -> throw new IllegalArgumentException("unknown event of an initiative: " + type);
    };
  }
}

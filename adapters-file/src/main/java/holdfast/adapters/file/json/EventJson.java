package holdfast.adapters.file.json;

import holdfast.domain.initiative.InitiativeEvent;
import holdfast.domain.port.Attribution;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunDecision;
import holdfast.domain.task.RunTicket;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskEvent;
import holdfast.domain.task.TaskSpec;
import holdfast.domain.task.TaskState;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An event as JSON, beside the after-image it led to. {@code type} and {@code at} come first. A
 * specification that equals the after-image's is left out: it would double the record. Whoever
 * caused it comes last, as {@code by}; what has none was the server's own doing.
 */
final class EventJson {
  private EventJson() {}

  static void write(JsonWriter json, TaskEvent event, Task after, @Nullable Attribution by) {
    json.beginObject().name(Member.TYPE).value(event.type()).name(Member.AT).value(event.at());
    switch (event) {
      case TaskEvent.Submitted submitted -> {
        spec(json, submitted.spec(), after);
        json.name(Member.HELD).value(submitted.held());
      }
      case TaskEvent.Patched patched -> spec(json, patched.spec(), after);
      case TaskEvent.Edited edited -> spec(json, edited.spec(), after);
      case TaskEvent.AttemptStarting starting -> ticket(json, starting.ticket());
      case TaskEvent.AttemptRestarting restarting -> ticket(json, restarting.ticket());
      case TaskEvent.ProcessStarted started -> TaskJson.process(json, started.process());
      case TaskEvent.Adopted adopted -> {
        TaskJson.owner(json.name(Member.OWNER), adopted.owner());
        TaskJson.process(json, adopted.process());
      }
      case TaskEvent.StopRequested stop -> {
        TaskJson.state(json.name(Member.STOPPING), stop.stopping());
        json.fieldIfPresent(Member.REASON, stop.reason());
      }
      case TaskEvent.AttemptEnded ended -> ended(json, ended);
      case TaskEvent.RetryQueued queued -> json.name(Member.AUTOMATIC).value(queued.automatic());
      case TaskEvent.LateOutput late -> {
        json.name(Member.ATTEMPT).value(late.attempt());
        TaskJson.outputBytes(json.name(Member.OUTPUT_BYTES), late.outputBytes());
      }
      case TaskEvent.OutputSealed sealed -> {
        json.name(Member.ATTEMPT).value(sealed.attempt());
        TaskJson.seals(json.name(Member.SEALS), sealed.seals());
      }
      case TaskEvent.RunDecided decided -> {
        json.name(Member.DECISION).value(decided.decision().name());
        TaskJson.outputBytes(json.name(Member.OUTPUT_BYTES), decided.outputBytes());
        TaskJson.state(json.name(Member.NEXT), decided.next());
        json.name(Member.REASON).value(decided.reason());
      }
      case TaskEvent.Held _, TaskEvent.Released _, TaskEvent.Canceled _, TaskEvent.Purged _ -> {
        // Type and time say all there is.
      }
    }
    end(json, by);
  }

  /** Ends the object that says what happened. */
  static void end(JsonWriter json, @Nullable Attribution by) {
    if (by != null) {
      json.name(Member.BY).beginObject().name(Member.ACTOR).value(by.actor());
      json.name(Member.FROM).value(by.from()).name(Member.ACTION).value(by.action());
      json.fieldIfPresent(Member.CONFLICT, by.conflict()).endObject();
    }
    json.endObject();
  }

  /** Reads the rest of such an object. */
  static @Nullable Attribution end(JsonReader json) {
    Attribution by = null;
    if (json.has(Member.BY)) {
      String actor = json.beginObject().member(Member.ACTOR).text();
      String from = json.member(Member.FROM).text();
      String action = json.member(Member.ACTION).text();
      by = new Attribution(actor, from, action, json.has(Member.CONFLICT) ? json.text() : null);
      json.endObject();
    }
    json.endObject();
    json.end();
    return by;
  }

  private static void spec(JsonWriter json, TaskSpec spec, Task after) {
    if (!spec.equals(after.spec())) {
      TaskJson.spec(json.name(Member.SPEC), spec);
    }
  }

  private static void ticket(JsonWriter json, RunTicket ticket) {
    json.name(Member.COOKIE).value(ticket.cookie());
    TaskJson.owner(json.name(Member.OWNER), ticket.owner());
    TaskJson.host(json.name(Member.HOST), ticket.host());
    if (ticket.run() != 1) {
      json.name(Member.RUN).value(ticket.run());
    }
  }

  private static void ended(JsonWriter json, TaskEvent.AttemptEnded ended) {
    TaskJson.outcome(json.name(Member.OUTCOME), ended.outcome());
    TaskJson.process(json, ended.process());
    TaskJson.outputBytes(json.name(Member.OUTPUT_BYTES), ended.outputBytes());
    json.name(Member.ENDED_AT).value(ended.endedAt());
    TaskJson.state(json.name(Member.NEXT), ended.next());
    json.fieldIfPresent(Member.REASON, ended.reason());
  }

  /** Reads all but the {@linkplain #end end}. */
  static TaskEvent read(JsonReader json, Task after) {
    String type = json.beginObject().member(Member.TYPE).text();
    Instant at = json.member(Member.AT).instant();
    return switch (type) {
      case "submitted" ->
          new TaskEvent.Submitted(at, spec(json, after), json.member(Member.HELD).flag());
      case "held" -> new TaskEvent.Held(at);
      case "released" -> new TaskEvent.Released(at);
      case "canceled" -> new TaskEvent.Canceled(at);
      case "patched" -> new TaskEvent.Patched(at, spec(json, after));
      case "edited" -> new TaskEvent.Edited(at, spec(json, after), after.state());
      case "attempt-starting" -> new TaskEvent.AttemptStarting(at, ticket(json));
      case "attempt-restarting" -> new TaskEvent.AttemptRestarting(at, ticket(json));
      case "process-started" -> new TaskEvent.ProcessStarted(at, process(json));
      case "adopted" ->
          new TaskEvent.Adopted(
              at, TaskJson.owner(json.member(Member.OWNER)), TaskJson.process(json));
      case "stop-requested" -> new TaskEvent.StopRequested(at, stopping(json), reasonOrNull(json));
      case "attempt-ended" -> ended(json, at);
      case "retry-queued" -> new TaskEvent.RetryQueued(at, json.member(Member.AUTOMATIC).flag());
      case "late-output" ->
          new TaskEvent.LateOutput(
              at,
              json.member(Member.ATTEMPT).integer(),
              TaskJson.outputBytes(json.member(Member.OUTPUT_BYTES)));
      case "output-sealed" ->
          new TaskEvent.OutputSealed(
              at, json.member(Member.ATTEMPT).integer(), TaskJson.seals(json.member(Member.SEALS)));
      case "run-decided" ->
          new TaskEvent.RunDecided(
              at,
              json.member(Member.DECISION).constant(RunDecision.values()),
              TaskJson.outputBytes(json.member(Member.OUTPUT_BYTES)),
              TaskJson.state(json.member(Member.NEXT)),
              json.member(Member.REASON).text());
      case "purged" -> new TaskEvent.Purged(at);
      default -> throw new MalformedJsonException("unknown event of a task: " + type);
    };
  }

  private static TaskSpec spec(JsonReader json, Task after) {
    return json.has(Member.SPEC) ? TaskJson.spec(json) : after.spec();
  }

  private static RunTicket ticket(JsonReader json) {
    return new RunTicket(
        json.member(Member.COOKIE).text(),
        TaskJson.owner(json.member(Member.OWNER)),
        TaskJson.host(json.member(Member.HOST)),
        json.has(Member.RUN) ? json.integer() : 1);
  }

  private static ProcessIdentity process(JsonReader json) {
    ProcessIdentity process = TaskJson.process(json);
    if (process == null) {
      throw new MalformedJsonException("process-started without a process");
    }
    return process;
  }

  private static TaskState.Stopping stopping(JsonReader json) {
    TaskState state = TaskJson.state(json.member(Member.STOPPING));
    if (state instanceof TaskState.Stopping stopping) {
      return stopping;
    }
    throw new MalformedJsonException("stop-requested leads to " + state.name());
  }

  private static @Nullable String reasonOrNull(JsonReader json) {
    return json.has(Member.REASON) ? json.text() : null;
  }

  private static TaskEvent ended(JsonReader json, Instant at) {
    return new TaskEvent.AttemptEnded(
        at,
        TaskJson.outcome(json.member(Member.OUTCOME)),
        TaskJson.process(json),
        TaskJson.outputBytes(json.member(Member.OUTPUT_BYTES)),
        json.member(Member.ENDED_AT).instant(),
        TaskJson.state(json.member(Member.NEXT)),
        reasonOrNull(json));
  }

  static void write(JsonWriter json, InitiativeEvent event, @Nullable Attribution by) {
    json.beginObject().name(Member.TYPE).value(event.type()).name(Member.AT).value(event.at());
    end(json, by);
  }

  /** Reads all but the {@linkplain #end end}. */
  static InitiativeEvent readInitiative(JsonReader json) {
    String type = json.beginObject().member(Member.TYPE).text();
    Instant at = json.member(Member.AT).instant();
    return switch (type) {
      case "created" -> new InitiativeEvent.Created(at);
      case "patched" -> new InitiativeEvent.Patched(at);
      case "deleted" -> new InitiativeEvent.Deleted(at);
      default -> throw new MalformedJsonException("unknown event of an initiative: " + type);
    };
  }
}

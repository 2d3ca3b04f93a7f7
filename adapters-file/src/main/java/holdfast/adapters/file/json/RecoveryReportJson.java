package holdfast.adapters.file.json;

import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryReport.Cause;
import holdfast.domain.recovery.RecoveryReport.TaskVerdict;
import holdfast.domain.task.TaskId;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import java.util.ArrayList;
import java.util.List;

/** A recovery report as JSON, as its file holds it. */
public final class RecoveryReportJson {
  private RecoveryReportJson() {}

  public static byte[] bytes(RecoveryReport report) {
    var json = new JsonWriter(4_096);
    json.beginObject().field("id", report.id()).field("startedAt", report.startedAt());
    if (report.readyAt() != null) {
      json.field("readyAt", report.readyAt());
    }
    json.field("cause", report.cause().name()).field("degraded", report.degraded());
    json.field("replayed", report.replayed()).field("tornTail", report.tornTail());
    texts(json, "healed", report.healed());
    texts(json, "quarantined", report.quarantined());
    json.name("tasks").beginArray();
    for (TaskVerdict verdict : report.tasks()) {
      json.beginObject().field("id", verdict.id().value()).field("attempt", verdict.attempt());
      json.field("verdict", verdict.verdict()).field("reason", verdict.reason());
      texts(json, "evidence", verdict.evidence());
      json.field("decision", verdict.decision());
      json.field("needsDecision", verdict.needsDecision()).endObject();
    }
    return json.endArray().endObject().toByteArray();
  }

  public static RecoveryReport read(JsonObject json) {
    var tasks = new ArrayList<TaskVerdict>();
    for (JsonValue value : json.getJsonArray("tasks")) {
      JsonObject verdict = value.asJsonObject();
      tasks.add(
          new TaskVerdict(
              new TaskId(verdict.getString("id")),
              JsonText.integer(verdict, "attempt"),
              verdict.getString("verdict"),
              verdict.getString("reason"),
              texts(verdict, "evidence"),
              verdict.getString("decision"),
              verdict.getBoolean("needsDecision")));
    }
    return new RecoveryReport(
        json.getString("id"),
        JsonText.instant(json, "startedAt"),
        json.containsKey("readyAt") ? JsonText.instant(json, "readyAt") : null,
        Cause.valueOf(json.getString("cause")),
        json.getBoolean("degraded"),
        JsonText.number(json, "replayed"),
        json.getBoolean("tornTail"),
        texts(json, "healed"),
        texts(json, "quarantined"),
        tasks);
  }

  private static void texts(JsonWriter json, String name, List<String> texts) {
    json.name(name).beginArray();
    texts.forEach(json::value);
    json.endArray();
  }

  private static List<String> texts(JsonObject json, String name) {
    return json.getJsonArray(name).getValuesAs(JsonString::getString);
  }
}

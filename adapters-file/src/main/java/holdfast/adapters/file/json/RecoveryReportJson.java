package holdfast.adapters.file.json;

import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryReport.Cause;
import holdfast.domain.recovery.RecoveryReport.Decided;
import holdfast.domain.recovery.RecoveryReport.TaskVerdict;
import holdfast.domain.task.RunDecision;
import holdfast.domain.task.TaskId;
import java.time.Instant;
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
      json.field("needsDecision", verdict.needsDecision());
      Decided decided = verdict.decided();
      if (decided != null) {
        json.field("decided", decided.decision().name()).field("decidedAt", decided.at());
      }
      json.endObject();
    }
    return json.endArray().endObject().toByteArray();
  }

  /**
   * Reads a report.
   *
   * @throws MalformedJsonException if {@code bytes} spell none
   */
  public static RecoveryReport read(byte[] bytes) {
    var json = new JsonReader(bytes, 0, bytes.length);
    String id = json.beginObject().member("id").text();
    Instant startedAt = json.member("startedAt").instant();
    Instant readyAt = json.has("readyAt") ? json.instant() : null;
    Cause cause = json.member("cause").constant(Cause.values());
    boolean degraded = json.member("degraded").flag();
    long replayed = json.member("replayed").number();
    boolean tornTail = json.member("tornTail").flag();
    List<String> healed = texts(json.member("healed"));
    List<String> quarantined = texts(json.member("quarantined"));
    var tasks = new ArrayList<TaskVerdict>();
    json.member("tasks").beginArray();
    while (json.more()) {
      tasks.add(verdict(json));
    }
    json.endArray();
    json.endObject();
    json.end();
    return new RecoveryReport(
        id, startedAt, readyAt, cause, degraded, replayed, tornTail, healed, quarantined, tasks);
  }

  private static TaskVerdict verdict(JsonReader json) {
    var id = new TaskId(json.beginObject().member("id").text());
    int attempt = json.member("attempt").integer();
    String verdict = json.member("verdict").text();
    String reason = json.member("reason").text();
    List<String> evidence = texts(json.member("evidence"));
    String decision = json.member("decision").text();
    boolean needsDecision = json.member("needsDecision").flag();
    Decided decided =
        json.has("decided")
            ? new Decided(json.constant(RunDecision.values()), json.member("decidedAt").instant())
            : null;
    json.endObject();
    return new TaskVerdict(
        id, attempt, verdict, reason, evidence, decision, needsDecision, decided);
  }

  private static void texts(JsonWriter json, String name, List<String> texts) {
    json.name(name).beginArray();
    texts.forEach(json::value);
    json.endArray();
  }

  private static List<String> texts(JsonReader json) {
    var texts = new ArrayList<String>();
    json.beginArray();
    while (json.more()) {
      texts.add(json.text());
    }
    json.endArray();
    return texts;
  }
}

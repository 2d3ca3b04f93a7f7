package holdfast.adapters.web;

import holdfast.application.Holdfast;
import holdfast.domain.port.AuditTrail.Broken;
import holdfast.domain.port.AuditTrail.Verdict;
import holdfast.domain.port.StorageException;
import io.helidon.http.Status;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;

/** {@code GET /api/audit/verify}: reads the whole audit trail, and says whether it is sound. */
final class AuditRoute {
  private static final Duration RETRY = Duration.ofSeconds(5);

  private final Holdfast application;

  AuditRoute(Holdfast application) {
    this.application = application;
  }

  Route route() {
    return new Route("GET", "/api/audit/verify", Access.TOKEN, Set.of(), _ -> verify());
  }

  private Response verify() throws InterruptedException {
    try {
      Verdict verdict = application.audit().verify();
      if (verdict == null) {
        throw new RefusedException(
            Problem.retryAfter(
                ProblemCode.BUSY, "the audit trail is being verified for somebody else", RETRY));
      }
      return Answers.json(Status.OK_200, body(verdict));
    } catch (StorageException e) {
      throw Upkeep.refused(e);
    }
  }

  private static byte[] body(Verdict verdict) {
    Broken broken = verdict.broken();
    var body = new JsonBytes(512);
    body.ascii("{\"ok\":").ascii(String.valueOf(broken == null));
    body.ascii(",\"entries\":").number(verdict.entries());
    body.ascii(",\"head\":{\"index\":").number(verdict.head().index());
    body.ascii(",\"hash\":").text(verdict.head().hash());
    body.ascii(",\"seq\":").number(verdict.head().seq()).ascii("},\"broken\":");
    if (broken == null) {
      body.ascii("null");
    } else {
      body.ascii("{\"index\":").number(broken.index());
      body.ascii(",\"flaw\":").text(broken.flaw().name().toLowerCase(Locale.ROOT));
      body.ascii(",\"file\":").text(broken.file());
      body.ascii(",\"line\":").number(broken.line());
      body.ascii(",\"detail\":").text(broken.detail()).ascii("}");
    }
    return body.ascii("}").toBytes();
  }
}

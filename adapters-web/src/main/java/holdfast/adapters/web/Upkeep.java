package holdfast.adapters.web;

import holdfast.application.Holdfast;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.StorageFullException;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * What all requests have in common that keep the storage in order: snapshots, state files, reports.
 */
final class Upkeep {
  private static final Duration RETRY = Duration.ofSeconds(10);

  private Upkeep() {}

  /**
   * @throws RefusedException if there is anything in the body
   */
  static void requireNothingIn(Call call) {
    byte[] body = call.json();
    if (body.length > 0) {
      var violations = new Violations();
      new BodyReader(StrictJson.object(body), "", violations).finish();
      violations.refuseIfAny();
    }
  }

  /**
   * @throws RefusedException with status 409 if nothing may be changed
   */
  static void requireWritable(Holdfast application) {
    String why = application.readOnly();
    if (why != null) {
      throw new RefusedException(Problem.of(ProblemCode.COPY_NOT_ACCEPTED, why));
    }
  }

  /**
   * Does it.
   *
   * @throws RefusedException with status 507 if the disk is full, with 503 if it fails otherwise:
   *     what the disk refuses is tried again later
   */
  static <T> T orRefuse(Supplier<T> action) {
    try {
      return action.get();
    } catch (StorageException e) {
      throw refused(e);
    }
  }

  static RefusedException refused(StorageException e) {
    String detail = String.valueOf(e.getMessage());
    return new RefusedException(
        e instanceof StorageFullException
            ? Problem.of(ProblemCode.DISK_FULL, detail)
            : Problem.retryAfter(ProblemCode.BUSY, detail, RETRY));
  }
}

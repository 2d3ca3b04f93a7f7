package holdfast.bootstrap.resilience;

import java.util.List;

/** What came of one drill. */
sealed interface Outcome {

  /** What was asserted and measured, or what was not as it should be, in one line. */
  String text();

  /** Every assertion held. */
  record Passed(String text) implements Outcome {}

  /** At least one did not. */
  record Failed(String text) implements Outcome {}

  /** It was not run. */
  record Skipped(String text) implements Outcome {}

  /** Passed with what was measured, unless there are faults. */
  static Outcome of(List<String> faults, String measured) {
    return faults.isEmpty() ? new Passed(measured) : new Failed(String.join("; ", faults));
  }
}

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

  /** As many as a reader takes in; one cause often has hundreds of faults. */
  int FAULTS_MAX = 6;

  /** Passed with what was measured, unless there are faults. */
  static Outcome of(List<String> faults, String measured) {
    if (faults.isEmpty()) {
      return new Passed(measured);
    }
    String told = String.join("; ", faults.subList(0, Math.min(faults.size(), FAULTS_MAX)));
    int more = faults.size() - FAULTS_MAX;
    return new Failed(more > 0 ? told + "; and " + more + " more" : told);
  }
}

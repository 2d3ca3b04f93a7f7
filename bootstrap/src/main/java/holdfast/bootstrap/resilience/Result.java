package holdfast.bootstrap.resilience;

import java.time.Duration;

/** What came of one drill, and how long it took. */
record Result(String name, Outcome outcome, Duration duration) {

  String verb() {
    return switch (outcome) {
      case Outcome.Passed _ -> "passed";
      case Outcome.Failed _ -> "failed";
      case Outcome.Skipped _ -> "skipped";
    };
  }
}

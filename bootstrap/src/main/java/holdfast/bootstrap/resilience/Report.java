package holdfast.bootstrap.resilience;

import jakarta.json.Json;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Says what came of the drills: a line as each is over and a closing one, or one JSON object. */
final class Report {
  private final boolean json;
  private final PrintStream out;
  private final List<Result> results = new ArrayList<>();

  Report(boolean json, PrintStream out) {
    this.json = json;
    this.out = out;
  }

  void add(Result result) {
    results.add(result);
    if (!json) {
      out.println(
          result.verb()
              + " "
              + result.name()
              + " · "
              + Checks.oneLine(result.outcome().text())
              + (result.outcome() instanceof Outcome.Skipped
                  ? ""
                  : " (" + Spell.of(result.duration()) + ")"));
      out.flush();
    }
  }

  private long count(Class<? extends Outcome> kind) {
    return results.stream().filter(result -> kind.isInstance(result.outcome())).count();
  }

  /**
   * Says the last word.
   *
   * @param kept where the files of the run are, or null if they are gone
   * @return whether anything was proven and nothing failed
   */
  boolean close(Duration duration, @Nullable String kept) {
    long passed = count(Outcome.Passed.class);
    long failed = count(Outcome.Failed.class);
    long skipped = count(Outcome.Skipped.class);
    if (json) {
      var tests = Json.createArrayBuilder();
      for (Result result : results) {
        tests.add(
            Json.createObjectBuilder()
                .add("name", result.name())
                .add("result", result.verb())
                .add("text", result.outcome().text())
                .add("durationMs", result.duration().toMillis()));
      }
      var object =
          Json.createObjectBuilder()
              .add("passed", passed)
              .add("failed", failed)
              .add("skipped", skipped)
              .add("durationMs", duration.toMillis());
      object = kept == null ? object.addNull("kept") : object.add("kept", kept);
      out.println(object.add("tests", tests).build());
    } else {
      out.println(
          passed
              + " passed, "
              + failed
              + " failed"
              + (skipped == 0 ? "" : ", " + skipped + " skipped"));
    }
    out.flush();
    return failed == 0 && passed > 0;
  }
}

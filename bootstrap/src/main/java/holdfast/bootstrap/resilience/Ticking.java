package holdfast.bootstrap.resilience;

import jakarta.json.JsonObjectBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A command that writes numbered lines until it is told to end, and leaves a mark for each time it
 * is executed.
 *
 * @param go ends it when it is there
 * @param runs gets one line for each run
 */
record Ticking(Path go, Path runs) {
  private static final String SCRIPT =
      "echo run >> \"$2\"; i=0; while [ ! -e \"$1\" ]; do i=$((i+1)); echo tick $i; sleep 0.02;"
          + " done; echo end; exit 7";

  static final int EXIT_CODE = 7;

  /** One whose files are in {@code directory}. */
  static Ticking in(Path directory, String name) {
    return new Ticking(directory.resolve(name + ".go"), directory.resolve(name + ".runs"));
  }

  JsonObjectBuilder task() {
    return Api.shell("ticks", SCRIPT, go.toString(), runs.toString());
  }

  void letEnd() throws IOException {
    Files.createFile(go);
  }

  int runCount() throws IOException {
    return Files.exists(runs) ? Files.readAllLines(runs).size() : 0;
  }

  /** What is not as it should be in what it wrote from beginning to end. */
  static List<String> faults(byte[] output) {
    List<String> lines = new String(output, StandardCharsets.UTF_8).lines().toList();
    var checks = new Checks();
    if (lines.isEmpty()) {
      return checks.holds(false, "the output is empty").faults();
    }
    for (int i = 0; i < lines.size() - 1; i++) {
      String expected = "tick " + (i + 1);
      if (!lines.get(i).equals(expected)) {
        return checks.equal("line " + (i + 1) + " of the output", expected, lines.get(i)).faults();
      }
    }
    return checks.equal("last line of the output", "end", lines.getLast()).faults();
  }
}

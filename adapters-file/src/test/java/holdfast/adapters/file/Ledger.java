package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;

import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskId;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * What processes have told to be acknowledged, kept outside of them: whatever happens to the disk,
 * this is what must be found on it.
 */
final class Ledger {
  private final TreeSet<Long> acknowledged = new TreeSet<>();

  /**
   * The command of a process that commits tasks to {@code data}, from a number on that no earlier
   * process has used.
   */
  List<String> writer(Path data) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            "-cp",
            System.getProperty("java.class.path"),
            LedgerWriter.class.getName(),
            data.toString(),
            Long.toString(next())));
    return command;
  }

  /** A number beyond everything a process may have committed without being able to tell. */
  private long next() {
    return acknowledged.isEmpty() ? 0 : acknowledged.last() + 1_000;
  }

  /**
   * Takes what a process tells until it ends.
   *
   * @param lines after which {@code then} runs once; it may never be reached
   */
  void follow(BufferedReader output, int lines, Runnable then) throws IOException {
    String line = output.readLine();
    for (int i = 0; line != null; i++) {
      acknowledged.add(Long.parseLong(line));
      if (i == lines) {
        then.run();
      }
      line = output.readLine();
    }
  }

  int size() {
    return acknowledged.size();
  }

  /** Everything acknowledged is there, as it was committed. */
  void check(Opened opened, String how) {
    Map<TaskId, Task> found = new HashMap<>();
    opened.tasks().forEach(stored -> found.put(stored.entity().id(), stored.entity()));
    for (long n : acknowledged) {
      assertEquals(SampleTasks.submit(n).task(), found.get(SampleTasks.id(n)), how + ": task " + n);
    }
  }
}

package holdfast.bootstrap.resilience;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a machine must have for the drills that start servers and tasks.
 *
 * @param proc where the kernel tells of processes
 * @param shell that runs the commands of the tasks
 */
record Platform(Path proc, Path shell) {
  static final Platform USUAL = new Platform(Path.of("/proc"), Path.of("/bin/sh"));

  /** One sentence for each thing that it lacks. */
  List<String> lacks() {
    var lacks = new ArrayList<String>();
    if (!Files.isReadable(proc.resolve("self/environ"))) {
      lacks.add(
          proc
              + " is not there or not readable: tasks could not be found again after a crash, and"
              + " what the tests start could not be ended");
    }
    if (!Files.isExecutable(shell)) {
      lacks.add(shell + " cannot be executed: the tasks of the tests are shell scripts");
    }
    return lacks;
  }
}

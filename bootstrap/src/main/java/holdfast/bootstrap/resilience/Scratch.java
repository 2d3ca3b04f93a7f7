package holdfast.bootstrap.resilience;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The directory of one run, and whatever was started in it. Nothing of either is left when it is
 * cleared, but for the directory if it is to be kept. Any thread.
 */
final class Scratch {
  private static final Path PROC = Path.of("/proc");
  private static final Duration END_MAX = Duration.ofSeconds(10);
  private static final String MONITOR = "HOLDFAST_MONITOR_OF=";

  private final Path root;
  private final boolean kept;
  private final Launch launch;
  private boolean closing;

  /**
   * @param root an empty directory
   */
  Scratch(Path root, boolean kept, Launch launch) throws IOException {
    this.root = root;
    this.kept = kept;
    this.launch = launch;
    Files.createDirectories(Launch.home(root));
    Files.createDirectories(Launch.temporary(root));
  }

  Path root() {
    return root;
  }

  /** A directory for one drill alone. */
  Path directory(String name) throws IOException {
    return Files.createDirectory(root.resolve(name));
  }

  /** Starts a server without waiting for anything; refused once everything is being taken down. */
  synchronized Process start(
      Path data, Map<String, String> settings, List<String> options, Path errors)
      throws IOException {
    if (closing) {
      throw new IOException("interrupted");
    }
    return launch
        .server(data, settings, options)
        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
        .redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()))
        .start();
  }

  /** Ends what was started and removes what was written. Idempotent. */
  void clear() throws IOException, InterruptedException {
    synchronized (this) {
      closing = true;
    }
    Wait.within(END_MAX, "processes of this run that live on", this::endAll, left -> left == 0);
    if (!kept) {
      Wait.within(END_MAX, "files in " + root + " that stay", this::remove, left -> left == 0);
    }
  }

  /** Kills all that bears the mark, and tells how many there still were. */
  private int endAll() throws IOException {
    int found = 0;
    for (ProcessHandle process : ours()) {
      found++;
      process.destroyForcibly();
    }
    return found;
  }

  /** Servers, commands of their tasks, and the monitors of those. */
  List<ProcessHandle> ours() throws IOException {
    try (Stream<Path> directories = Files.list(PROC)) {
      return directories
          .map(directory -> directory.getFileName().toString())
          .filter(name -> name.chars().allMatch(Character::isDigit))
          .map(Long::parseLong)
          .filter(pid -> pid != ProcessHandle.current().pid())
          // The handle first: it holds the start time, so that nobody else is signalled through it.
          .flatMap(pid -> ProcessHandle.of(pid).stream())
          .filter(process -> isOurs(read(process, "environ"), read(process, "cmdline")))
          .toList();
    } catch (UncheckedIOException gone) {
      throw gone.getCause();
    }
  }

  /** Whether a process with these variables and words was started by this run. */
  boolean isOurs(List<String> environment, List<String> words) {
    boolean isMonitor =
        environment.stream().anyMatch(variable -> variable.startsWith(MONITOR))
            && words.stream().anyMatch(word -> word.startsWith(root + "/"));
    return isMonitor || environment.contains(Launch.MARK + "=" + root);
  }

  private static List<String> read(ProcessHandle process, String file) {
    try {
      byte[] bytes = Files.readAllBytes(PROC.resolve(process.pid() + "/" + file));
      return List.of(new String(bytes, StandardCharsets.UTF_8).split("\0", -1));
    } catch (IOException goneOrSomebodyElses) {
      return List.of();
    }
  }

  /** Removes all that can be removed; how much is left. */
  private int remove() throws IOException {
    if (!Files.exists(root)) {
      return 0;
    }
    int left = 0;
    List<Path> deepestLast;
    try (Stream<Path> walk = Files.walk(root)) {
      deepestLast = walk.toList();
    } catch (UncheckedIOException changing) {
      return 1;
    }
    for (Path path : deepestLast.reversed()) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException filledMeanwhile) {
        left++;
      }
    }
    return left;
  }
}

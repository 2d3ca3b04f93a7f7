package holdfast.adapters.process;

import holdfast.domain.task.OutputMode;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.TaskSpec;
import jakarta.json.Json;
import jakarta.json.JsonArrayBuilder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The files of one run. The directory is made under another name and renamed when it is complete,
 * so that a run directory that exists has everything in it; the monitor creates nothing, it only
 * overwrites, so that a full disk cannot keep an end from being recorded.
 *
 * <pre>
 *  spec.json      what was to be run, for people and for recovery
 *  env            the command's variables; removed by the monitor once they are read
 *  monitor.lock   flock-ed by the server, inherited by the monitor: held if and only if it lives
 *  process        blank; then the command's process, durable before the command is executed:
 *                   pid N / start TICKS / boot ID / monitor PID / end
 *  exit           blank; then how the command ended, all of it twice, in one write:
 *                   exited N certain|uncertain, signaled N certain, or failed STAGE ERROR
 *                   exec reached|not-reached / pid N / start TICKS / boot ID / uptime SECONDS
 *                   … the same again …
 *                   end
 *  start-failed   blank; the shell's monitor notes here why exec was not reached
 *  monitor.log    what the monitor itself complains of
 *  output.log     or stdout.log and stderr.log
 *  input          a named pipe, with stdin "pipe"; input.end, another, asks the monitor to end it
 *  input.ended    made when the end of input was asked for
 *  claimed        made when the run was judged never started: nothing late may go on
 * </pre>
 *
 * <p>An instance is a directory that was just made, with its lock held. Not for several threads.
 */
final class RunDirectory implements AutoCloseable {
  static final String PROCESS = "process";
  static final String EXIT = "exit";
  static final String LOCK = "monitor.lock";
  static final String MONITOR_LOG = "monitor.log";
  static final String INPUT = "input";
  static final String INPUT_END = "input.end";
  static final String INPUT_ENDED = "input.ended";

  /** Above the run directory: the task's, its shard, and the directory of all tasks. */
  static final int ANCESTORS = 3;

  static final int RECORD_BYTES_MAX = 4_096;

  private static final String START_FAILED = "start-failed";
  private static final String CLAIMED = "claimed";
  // Not smaller than the largest record, not larger than what the native monitor reads back.
  private static final int BLANK_PROCESS = 256;
  private static final int BLANK_EXIT = 1_100;
  private static final int BLANK_NOTE = 64;

  private final String path;
  private final int lock;

  private RunDirectory(String path, int lock) {
    this.path = path;
    this.lock = lock;
  }

  /**
   * Makes the directory of a run that has none yet.
   *
   * @param environment as the monitor reads it
   * @throws SystemCallException if it cannot be made, or was made before
   */
  static RunDirectory make(
      String path, TaskSpec spec, String cookie, Host host, byte[] environment) {
    int slash = path.lastIndexOf('/');
    String name = path.substring(slash + 1);
    String unfinished = "." + name + ".new";
    Directory.make(path.substring(0, slash));
    try (Directory parent = Directory.open(path.substring(0, slash))) {
      if (parent.has(name)) {
        throw new SystemCallException("make the run directory " + path, Errno.EEXIST.number());
      }
      if (parent.has(unfinished)) {
        parent.removeDirectory(unfinished);
      }
      Directory.make(parent.path() + "/" + unfinished);
      int lock = -1;
      boolean complete = false;
      try (Directory inside = Directory.open(parent.path() + "/" + unfinished)) {
        lock = inside.createOpen(LOCK);
        Directory.lock(lock, path + "/" + LOCK);
        fill(inside, spec, cookie, host, environment);
        parent.rename(unfinished, name);
        complete = true;
        return new RunDirectory(path, lock);
      } finally {
        if (!complete && lock >= 0) {
          Kernel.close(lock);
        }
      }
    }
  }

  private static void fill(
      Directory inside, TaskSpec spec, String cookie, Host host, byte[] environment) {
    inside.create(PROCESS, blank(BLANK_PROCESS));
    inside.create(EXIT, blank(BLANK_EXIT));
    inside.create(START_FAILED, blank(BLANK_NOTE));
    inside.create(MONITOR_LOG, new byte[0]);
    inside.create("spec.json", describe(spec, cookie, host));
    inside.create("env", environment);
    for (OutputStreamName stream : spec.output().streams()) {
      inside.create(fileOf(stream), new byte[0]);
    }
    if (spec.stdin() == StdinMode.PIPE) {
      inside.createPipe(INPUT);
      inside.createPipe(INPUT_END);
    }
  }

  private static byte[] blank(int bytes) {
    var blank = new byte[bytes];
    Arrays.fill(blank, (byte) '\n');
    return blank;
  }

  private static byte[] describe(TaskSpec spec, String cookie, Host host) {
    JsonArrayBuilder argv = Json.createArrayBuilder();
    spec.command().forEach(argv::add);
    return Json.createObjectBuilder()
        .add("version", 1)
        .add("argv", argv)
        .add("cwd", spec.cwd())
        .add("umask", Umask.octal())
        .add("stdin", spec.stdin().name())
        .add("output", spec.output().name())
        .add("cookie", cookie)
        .add("bootId", host.identity().bootId())
        .add("machineId", host.identity().machineId())
        .add("pidNamespace", host.identity().pidNamespace())
        .build()
        .toString()
        .getBytes(StandardCharsets.UTF_8);
  }

  static String fileOf(OutputStreamName stream) {
    return switch (stream) {
      case MERGED -> "output.log";
      case STDOUT -> "stdout.log";
      case STDERR -> "stderr.log";
    };
  }

  String path() {
    return path;
  }

  /** The descriptor that holds the lock; the monitor inherits it. */
  int lock() {
    return lock;
  }

  /** Lets go of the lock, which then lives as long as the monitor. */
  @Override
  public void close() {
    Kernel.close(lock);
  }

  /** Makes sure that nothing late begins in a run directory, if there is one. */
  static void claim(String path) {
    try (Directory directory = Directory.openIfPresent(path)) {
      if (directory != null && !directory.has(CLAIMED)) {
        directory.create(CLAIMED, new byte[0]);
        directory.force();
      }
    }
  }

  /** What the run recorded of its process; null if that is nothing, or cannot be read. */
  static @Nullable ProcessIdentity readProcess(String path) {
    try (Directory directory = Directory.openIfPresent(path)) {
      byte[] record = directory == null ? null : directory.read(PROCESS, RECORD_BYTES_MAX);
      return record != null
              && ProcessRecord.parse(record) instanceof ProcessRecord.Complete(var identity, _)
          ? identity
          : null;
    }
  }

  /** The present size of each stream that the run has. */
  static Map<OutputStreamName, Long> outputBytes(Directory directory) {
    var sizes = new EnumMap<OutputStreamName, Long>(OutputStreamName.class);
    for (OutputStreamName stream : OutputStreamName.values()) {
      FileStatus status = directory.status(fileOf(stream));
      if (status != null && status.isRegular()) {
        sizes.put(stream, status.size());
      }
    }
    return sizes;
  }

  /** The monitor's OUTPUT argument. */
  static String outputArgument(OutputMode mode) {
    return switch (mode) {
      case MERGED -> "merged";
      case SPLIT -> "split";
    };
  }
}

package holdfast.adapters.process;

import holdfast.domain.task.OutputMode;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.TaskSpec;
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
 *  env            the command's variables, and the permit to execute it: the monitor removes it last
 *                   of all, or whoever judges that the command never ran; only one of them can
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
 *  input          a named pipe, with stdin "pipe"
 *  input.end      another, which asks the monitor to end the input; removed when that was done
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

  /** Above the run directory: the task's, its shard, and the directory of all tasks. */
  static final int ANCESTORS = 3;

  static final int RECORD_BYTES_MAX = 4_096;

  private static final String START_FAILED = "start-failed";
  private static final String PERMIT = "env";
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
   * @param description content of spec.json
   * @param environment as the monitor reads it
   * @throws SystemCallException if it cannot be made, or was made before; nothing is left of it
   */
  static RunDirectory make(String path, TaskSpec spec, byte[] description, byte[] environment) {
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
      try {
        int lock = fill(parent, unfinished, spec, description, environment);
        parent.rename(unfinished, name);
        return new RunDirectory(path, lock);
      } catch (SystemCallException refused) {
        removeUnfinished(parent, unfinished, refused);
        throw refused;
      }
    }
  }

  private static void removeUnfinished(
      Directory parent, String unfinished, SystemCallException because) {
    try {
      parent.removeDirectory(unfinished);
    } catch (SystemCallException left) {
      because.addSuppressed(left);
    }
  }

  /** Returns the descriptor of the lock, which is held. */
  private static int fill(
      Directory parent, String name, TaskSpec spec, byte[] description, byte[] environment) {
    try (Directory inside = Directory.open(parent.path() + "/" + name)) {
      int lock = inside.createOpen(LOCK);
      try {
        Directory.lock(lock, inside.path() + "/" + LOCK);
        inside.create(PROCESS, blank(BLANK_PROCESS));
        inside.create(EXIT, blank(BLANK_EXIT));
        inside.create(START_FAILED, blank(BLANK_NOTE));
        inside.create(MONITOR_LOG, new byte[0]);
        inside.create(SpecFile.NAME, description);
        inside.create(PERMIT, environment);
        for (OutputStreamName stream : spec.output().streams()) {
          inside.create(fileOf(stream), new byte[0]);
        }
        if (spec.stdin() == StdinMode.PIPE) {
          inside.createPipe(INPUT);
          inside.createPipe(INPUT_END);
        }
        return lock;
      } catch (SystemCallException refused) {
        Kernel.close(lock);
        throw refused;
      }
    }
  }

  private static byte[] blank(int bytes) {
    var blank = new byte[bytes];
    Arrays.fill(blank, (byte) '\n');
    return blank;
  }

  static String fileOf(OutputStreamName stream) {
    return switch (stream) {
      case MERGED -> "output.log";
      case STDOUT -> "stdout.log";
      case STDERR -> "stderr.log";
    };
  }

  /** Whether a file of this name, once closed, says something new of a run. */
  static boolean isRecord(String name) {
    return name.equals(PROCESS) || name.equals(EXIT);
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

  /**
   * Takes the permit to execute the command, with the secrets in it. Works on a full disk.
   *
   * @return false if it was taken before, by the command's own process or by another who judged
   */
  static boolean claim(Directory directory) {
    return directory.remove(PERMIT);
  }

  /** Whether nobody has taken the permit yet. */
  static boolean isUnclaimed(Directory directory) {
    return directory.has(PERMIT);
  }

  /** Makes sure that nothing late begins in a run directory, if there is one. */
  static void claim(String path) {
    try (Directory directory = Directory.openIfPresent(path)) {
      if (directory != null) {
        directory.remove(PERMIT);
      }
    }
  }

  /** What the run recorded of its process; null if that is nothing, or cannot be read. */
  static ProcessRecord.@Nullable Complete readProcess(String path) {
    try (Directory directory = Directory.openIfPresent(path)) {
      return directory == null ? null : readProcess(directory);
    }
  }

  static ProcessRecord.@Nullable Complete readProcess(Directory directory) {
    byte[] record = directory.read(PROCESS, RECORD_BYTES_MAX);
    return record != null && ProcessRecord.parse(record) instanceof ProcessRecord.Complete complete
        ? complete
        : null;
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

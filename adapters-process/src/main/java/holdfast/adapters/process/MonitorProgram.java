package holdfast.adapters.process;

import holdfast.domain.port.StorageException;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.TaskSpec;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The program that runs a command and records its end: a small native one where there is one for
 * this processor, else a POSIX shell script. Both speak the same protocol over the same files.
 *
 * @param path of the installed program
 * @param shell that runs it, or null for the native one
 * @param impairment why it is not the one that would be better, as a sentence, or null
 */
record MonitorProgram(String path, @Nullable String shell, @Nullable String impairment) {
  private static final int PROGRAM_BYTES_MAX = 16 << 20;
  private static final int HASH_CHARS = 16;

  /** All that a monitor itself needs; its messages must be in the language it knows. */
  private static final List<String> OWN_ENVIRONMENT =
      List.of("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C");

  /** Variables that shells set themselves, or do not let anybody set. */
  private static final Set<String> KEPT_BY_SHELLS =
      Set.of(
          "BASHOPTS",
          "BASH_VERSINFO",
          "DIRSTACK",
          "EUID",
          "FUNCNAME",
          "GROUPS",
          "IFS",
          "LINENO",
          "OPTARG",
          "OPTIND",
          "PPID",
          "RANDOM",
          "SECONDS",
          "SHELLOPTS",
          "UID",
          "_");

  /** Names of the script's own variables begin so. */
  private static final String SCRIPTS_OWN = "hf_";

  static MonitorProgram install(LinuxProcessControl.Settings settings) {
    String directory = settings.monitorDirectory().toAbsolutePath().toString();
    String nativeName = "monitor-" + Kernel.Processor.THIS.machine();
    byte[] binary = resource(nativeName);
    return switch (settings.monitor()) {
      case SHELL -> script(directory, settings.shell(), null);
      case NATIVE -> {
        if (binary == null) {
          throw new StorageException("this build has no native monitor for this processor");
        }
        yield new MonitorProgram(put(directory, nativeName, binary), null, null);
      }
      case AUTO -> {
        if (binary == null) {
          yield script(directory, settings.shell(), null);
        }
        var program = new MonitorProgram(put(directory, nativeName, binary), null, null);
        String obstacle = program.obstacleToRunning();
        yield obstacle == null ? program : script(directory, settings.shell(), obstacle);
      }
    };
  }

  private static MonitorProgram script(
      String directory, String shell, @Nullable String impairment) {
    byte[] script = resource("monitor.sh");
    if (script == null) {
      throw new StorageException("this build lacks monitor.sh");
    }
    return new MonitorProgram(put(directory, "monitor.sh", script), shell, impairment);
  }

  private static byte @Nullable [] resource(String name) {
    try (InputStream in = MonitorProgram.class.getResourceAsStream(name)) {
      return in == null ? null : in.readAllBytes();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  /**
   * Puts a program in place under a name that tells its content, unless it is there already and
   * intact: monitors of an earlier version may still be running from their own file.
   */
  private static String put(String directory, String name, byte[] content) {
    Directory.make(directory);
    String installed = name + "-" + hash(content).substring(0, HASH_CHARS);
    try (Directory target = Directory.open(directory)) {
      byte[] present = target.read(installed, PROGRAM_BYTES_MAX);
      if (present == null || !Arrays.equals(present, content)) {
        target.publish(installed, content, 0700);
      }
    }
    return directory + "/" + installed;
  }

  private static String hash(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException impossible) {
      throw new AssertionError("every JDK has SHA-256", impossible);
    }
  }

  /**
   * Why the native program cannot be executed here, as a sentence, or null: the file system may
   * forbid it, or the C library be another.
   */
  private @Nullable String obstacleToRunning() {
    String words =
        "the native monitor cannot be executed in its directory, so commands run under the shell's"
            + " monitor: "
            + path
            + ": ";
    int log = Kernel.open(Kernel.AT_FDCWD, "/dev/null", Kernel.O_RDWR, 0);
    Kernel.check(log, "open /dev/null");
    try {
      int pid = Spawner.spawn(List.of(path, "version"), OWN_ENVIRONMENT, log, "/dev/null");
      int status = Children.exitStatus(pid);
      return status == 0 ? null : words + "it ended with status " + status;
    } catch (SystemCallException refused) {
      return words + refused.getMessage();
    } finally {
      Kernel.close(log);
    }
  }

  /** Why a task's variables cannot be handed to its command, as a sentence, or an empty string. */
  String obstacle(Map<String, String> taskEnvironment) {
    return taskEnvironment.keySet().stream()
        .filter(name -> !passes(name))
        .findFirst()
        .map(name -> "the shell's monitor cannot set a variable called \"" + name + "\"")
        .orElse("");
  }

  private boolean passes(String name) {
    return shell == null
        || (isIdentifier(name) && !KEPT_BY_SHELLS.contains(name) && !name.startsWith(SCRIPTS_OWN));
  }

  private static boolean isIdentifier(String name) {
    return name.chars().allMatch(c -> c == '_' || (c < 128 && Character.isLetterOrDigit(c)))
        && !name.isEmpty()
        && !Character.isDigit(name.charAt(0));
  }

  /** The variables as this monitor reads them: NUL-ended, or as shell commands. */
  byte[] encode(Map<String, String> variables) {
    var text = new StringBuilder();
    variables.forEach(
        (name, value) -> {
          if (shell == null) {
            text.append(name).append('=').append(value).append('\0');
          } else if (passes(name)) {
            text.append("export ").append(name).append("='");
            text.append(value.replace("'", "'\\''")).append("'\n");
          }
        });
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Starts a monitor on a run directory whose lock it inherits.
   *
   * @param files the monitor's FILES argument
   * @param group the monitor's GROUP argument
   * @return its pid, a child of this process
   */
  int start(RunDirectory run, TaskSpec spec, String cookie, String files, String group) {
    var argv = new ArrayList<String>();
    if (shell != null) {
      argv.add(shell);
    }
    argv.add(path);
    argv.addAll(
        List.of(
            "monitor",
            shell == null ? "-" : shell,
            run.path(),
            String.valueOf(RunDirectory.ANCESTORS),
            spec.stdin() == StdinMode.PIPE ? "pipe" : "none",
            RunDirectory.outputArgument(spec.output()),
            Umask.octal(),
            files,
            group,
            spec.cwd(),
            "--"));
    argv.addAll(spec.command());
    var environment = new ArrayList<>(OWN_ENVIRONMENT);
    environment.add(CommandEnvironment.MONITOR_OF + "=" + cookie);
    return Spawner.spawn(
        argv, environment, run.lock(), run.path() + "/" + RunDirectory.MONITOR_LOG);
  }
}

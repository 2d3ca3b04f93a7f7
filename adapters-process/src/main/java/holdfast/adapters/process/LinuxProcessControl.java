package holdfast.adapters.process;

import holdfast.domain.port.ProcessControl;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Process control on Linux: each run has a monitor, a small process of its own session that
 * outlives the server and records how the command ended. All that passes between it and the server
 * is files in the run directory; see {@link RunDirectory}.
 */
public final class LinuxProcessControl implements ProcessControl {
  private final Settings settings;
  private final Host host;
  private final String openFiles = FileLimit.original();
  private final ControlGroups groups = ControlGroups.find();
  private final MonitorProgram monitor;
  private final Evidence evidence;
  private final Follower follower;
  private final InputPipe input = new InputPipe();

  /** Which monitor runs commands. */
  public enum Monitor {
    /** The native one where it is at hand, else the shell's. */
    AUTO,
    NATIVE,
    SHELL
  }

  /**
   * What a process control is told.
   *
   * @param runDirectory where the files of a run are; absolute
   * @param monitorDirectory where the monitor's program is put, mode 0700; absolute
   * @param quarantine where damaged records are kept; absolute
   * @param machineIdFile where a machine without an id of its own keeps the one it is given
   * @param outputQuota bytes that one attempt may write
   * @param environment what commands inherit; names that begin with HOLDFAST_ are left out
   * @param shell that runs the shell's monitor; absolute
   * @param token what a run's commands prove to the server who they are with, or null
   */
  public record Settings(
      Function<RunRef, Path> runDirectory,
      Path monitorDirectory,
      Path quarantine,
      Path machineIdFile,
      long outputQuota,
      Map<String, String> environment,
      Monitor monitor,
      String shell,
      InstantSource clock,
      Function<RunRef, @Nullable String> token) {
    public Settings {
      environment = Map.copyOf(environment);
    }

    /** The usual places below a data directory. */
    public static Settings of(
        Function<RunRef, Path> runDirectory,
        Path dataDirectory,
        Path quarantine,
        long outputQuota,
        Map<String, String> environment) {
      return new Settings(
          runDirectory,
          dataDirectory.resolve("monitor"),
          quarantine,
          dataDirectory.resolve("machine-id"),
          outputQuota,
          environment,
          Monitor.AUTO,
          "/bin/sh",
          InstantSource.system(),
          _ -> null);
    }

    /** The same with another monitor. */
    public Settings withMonitor(Monitor other, String otherShell) {
      return new Settings(
          runDirectory,
          monitorDirectory,
          quarantine,
          machineIdFile,
          outputQuota,
          environment,
          other,
          otherShell,
          clock,
          token);
    }

    /** The same with tokens for commands. */
    public Settings withToken(Function<RunRef, @Nullable String> other) {
      return new Settings(
          runDirectory,
          monitorDirectory,
          quarantine,
          machineIdFile,
          outputQuota,
          environment,
          monitor,
          shell,
          clock,
          other);
    }
  }

  /**
   * Installs the monitor and begins to listen.
   *
   * @throws StorageException if this machine lacks what is needed; the message says what
   */
  public LinuxProcessControl(Settings settings) {
    String obstacle = Kernel.obstacle().isEmpty() ? Spawner.obstacle() : Kernel.obstacle();
    if (!obstacle.isEmpty()) {
      throw new StorageException(obstacle);
    }
    this.settings = settings;
    host = Host.find(settings.machineIdFile().toString());
    monitor = MonitorProgram.install(settings);
    evidence = new Evidence(host, settings.quarantine().toString(), settings.clock());
    follower = new Follower(evidence, groups, settings.outputQuota());
  }

  @Override
  public HostIdentity host() {
    return host.identity();
  }

  @Override
  public int unusedRun(TaskId task, int attempt) {
    var run = new RunRef(task, attempt, 1);
    Path path = settings.runDirectory().apply(run).toAbsolutePath();
    try (Directory parent = Directory.openIfPresent(String.valueOf(path.getParent()))) {
      while (parent != null && parent.has(String.valueOf(path.getFileName()))) {
        run = new RunRef(task, attempt, run.run() + 1);
        path = settings.runDirectory().apply(run);
      }
    }
    return run.run();
  }

  @Override
  public Launch launch(RunRef run, String cookie, TaskSpec spec) {
    String token = settings.token().apply(run);
    var environment = CommandEnvironment.of(settings.environment(), spec, run, cookie, token);
    String unfit = monitor.obstacle(spec.env());
    if (!unfit.isEmpty()) {
      return new Launch.Failed(unfit);
    }
    byte[] description =
        SpecFile.of(spec, cookie, host.identity(), settings.outputQuota(), openFiles);
    try (var made = RunDirectory.make(path(run), spec, description, monitor.encode(environment))) {
      return start(made, spec, cookie);
    }
  }

  private Launch start(RunDirectory made, TaskSpec spec, String cookie) {
    try {
      int pid = monitor.start(made, spec, cookie, openFiles, groups.argument(cookie));
      follower.expectChild(pid);
      return new Launch.Launched();
    } catch (SystemCallException refused) {
      RunDirectory.claim(made.path());
      return new Launch.Failed(
          refused.is(Errno.E2BIG)
              ? new StartFailure(spec.command().getFirst(), spec.cwd())
                  .sentence("exec", Errno.E2BIG.name())
              : String.valueOf(refused.getMessage()));
    }
  }

  @Override
  public ProcessEvidence examine(RunRef run, Attempt attempt) {
    return evidence.gather(path(run), run, attempt, true);
  }

  @Override
  public void abandon(RunRef run) {
    RunDirectory.claim(path(run));
  }

  @Override
  public int signal(RunRef run, Attempt attempt, Signal signal) {
    if (!host.shares(attempt.host()) || !host.bootId().equals(attempt.host().bootId())) {
      return 0;
    }
    String path = path(run);
    ProcessRecord.Complete recorded = RunDirectory.readProcess(path);
    if (recorded == null && attempt.process() != null) {
      recorded = new ProcessRecord.Complete(attempt.process(), 0);
    } else if (recorded != null && !recorded.identity().bootId().equals(host.bootId())) {
      recorded = null;
    }
    return new ProcessTree(attempt, new Ties(path, attempt), groups, recorded).send(signal);
  }

  @Override
  public InputResult write(RunRef run, ByteBuffer bytes) {
    return input.write(path(run), bytes);
  }

  @Override
  public InputResult endInput(RunRef run) {
    return input.end(path(run));
  }

  @Override
  public void follow(RunRef run, Attempt attempt) {
    follower.follow(run, path(run), attempt);
  }

  @Override
  public void listener(Listener listener) {
    follower.listener(listener);
  }

  @Override
  public @Nullable String impairment() {
    String failure = follower.impairment();
    return failure == null ? monitor.impairment() : failure;
  }

  @Override
  public void close() {
    follower.close();
  }

  private String path(RunRef run) {
    return settings.runDirectory().apply(run).toAbsolutePath().toString();
  }
}

package holdfast.adapters.process;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import holdfast.domain.port.ProcessControl.Launch;
import holdfast.domain.port.ProcessControl.Signal;
import holdfast.domain.port.RecordingListener;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A process control with real processes, and what tests ask of one. Kills all at its end. */
final class Lab implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final AtomicLong LAST_RUN = new AtomicLong(System.nanoTime());

  /** Which monitor runs the commands. */
  enum Kind {
    NATIVE,
    DASH,
    BASH,
    BUSYBOX;

    /** The kind's shell, or null if this machine has none. */
    private Path shell() {
      return switch (this) {
        case NATIVE -> Path.of("/bin/sh");
        case DASH -> Path.of("/bin/dash");
        case BASH -> Path.of("/bin/bash");
        case BUSYBOX -> {
          // It becomes the shell by the name under which it is called.
          Path sh = Path.of("target", "busybox", "sh").toAbsolutePath();
          if (!Files.exists(sh) && Worlds.has("/usr/bin/busybox")) {
            try {
              Files.createDirectories(sh.getParent());
              Files.createSymbolicLink(sh, Path.of("/usr/bin/busybox"));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
          yield sh;
        }
      };
    }
  }

  final Path data;
  final Kind kind;
  final RecordingListener listener = new RecordingListener();
  private final long quota;
  private final List<RunRef> launched = new ArrayList<>();
  private LinuxProcessControl control;

  Lab(Path data, Kind kind) {
    this(data, kind, Long.MAX_VALUE);
  }

  Lab(Path data, Kind kind, long quota) {
    assumeTrue(
        kind != Kind.NATIVE || NativeMonitorContractIT.available(),
        "no C compiler built the native monitor");
    assumeTrue(Files.isExecutable(kind.shell()), "this machine has no " + kind);
    this.data = data;
    this.kind = kind;
    this.quota = quota;
    control = open();
  }

  LinuxProcessControl.Settings settings() {
    return Worlds.settings(data, quota)
        .withToken(run -> "token of " + run)
        .withMonitor(
            kind == Kind.NATIVE
                ? LinuxProcessControl.Monitor.NATIVE
                : LinuxProcessControl.Monitor.SHELL,
            kind.shell().toString());
  }

  private LinuxProcessControl open() {
    var opened = new LinuxProcessControl(settings());
    opened.listener(listener);
    return opened;
  }

  /** As a crashed server's successor. */
  void restart() {
    control.close();
    listener.forget();
    control = open();
  }

  LinuxProcessControl control() {
    return control;
  }

  static RunRef newRun() {
    return Worlds.run(LAST_RUN.incrementAndGet());
  }

  Attempt attempt(RunRef run) {
    return Worlds.attempt(run, control.host());
  }

  Path path(RunRef run) {
    return Worlds.runDirectory(data, run);
  }

  RunRef launch(TaskSpec spec) {
    RunRef run = launchUnfollowed(spec);
    control.follow(run, attempt(run));
    return run;
  }

  RunRef launchUnfollowed(TaskSpec spec) {
    RunRef run = newRun();
    launched.add(run);
    assertInstanceOf(Launch.Launched.class, control.launch(run, Worlds.cookie(run), spec));
    return run;
  }

  RunRef launchAndAwaitStart(TaskSpec spec) {
    RunRef run = launch(spec);
    await("the start of " + run, () -> listener.started(run) != null);
    return run;
  }

  ProcessEvidence awaitEnd(RunRef run) {
    await("the end of " + run, () -> listener.ended(run) != null);
    ProcessEvidence evidence = listener.ended(run);
    assertNotNull(evidence);
    return evidence;
  }

  Outcome awaitOutcome(RunRef run) {
    return assertInstanceOf(ExitRecord.Valid.class, awaitEnd(run).exit()).outcome();
  }

  RecoveryVerdict verdict(RunRef run) {
    return RecoveryPolicy.judge(control.examine(run, attempt(run)));
  }

  int signal(RunRef run, Signal signal) {
    return control.signal(run, attempt(run), signal);
  }

  String output(RunRef run) {
    return text(path(run).resolve("output.log"));
  }

  static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  ProcessRecord.Complete recorded(RunRef run) {
    ProcessRecord.Complete recorded = RunDirectory.readProcess(path(run).toString());
    assertNotNull(recorded);
    return recorded;
  }

  /** Kills a process without asking whose it is, as an administrator does. */
  static void kill(long pid) {
    ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
    await("the death of " + pid, () -> !lives(pid));
  }

  static boolean lives(long pid) {
    ProcTable.Entry entry = ProcTable.find(pid);
    return entry != null && !entry.isZombie();
  }

  static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("waited " + PATIENCE + " in vain for " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Override
  public void close() {
    launched.forEach(run -> await("nobody left", () -> signal(run, Signal.KILL) == 0));
    control.close();
  }
}

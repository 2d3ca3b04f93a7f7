package holdfast.domain.port;

import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.ProcessEvidence.Lock;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A machine of the mind: processes, monitors and run directories that outlive every {@link
 * SimulatedProcessControl} that looks at them. Crash a server by closing its control and giving
 * this world to a new one.
 *
 * <p>Commands are {@linkplain #program programs} by the first word of argv. Known from the start:
 * {@code true}, {@code false}, {@code sleep} (runs until it is signalled), {@code printf TEXT},
 * {@code cat}, {@code sh -c "exit N"} and {@code sh -c "kill -N $$"}. Any other is not found. Any
 * thread; the world's own monitor guards everything in it.
 */
public final class SimulatedWorld {
  /** What a pipe holds before it is full. */
  public static final int INPUT_CAPACITY_BYTES = 65_536;

  /** Says what a command does; called when its process starts. May act later and elsewhere. */
  @FunctionalInterface
  public interface Program {
    void start(SimulatedProcess process);
  }

  /** Takes what processes write, in order. Must not call back into the world. */
  @FunctionalInterface
  public interface OutputSink {
    void append(RunRef run, OutputStreamName stream, byte[] bytes);
  }

  /** How far the next launch gets before its server is lost. */
  public enum Interruption {
    BEFORE_DIRECTORY,
    BEFORE_SPAWN,
    /** The monitor lives and has not executed the command yet; {@link #releaseStart} goes on. */
    BEFORE_EXEC
  }

  private final Map<String, Program> programs = new HashMap<>();
  private final Map<RunRef, SimulatedRun> runs = new HashMap<>();
  private final Set<RunRef> abandoned = new HashSet<>();
  private final Set<SimulatedProcessControl> observers = new HashSet<>();
  private final OutputSink sink;
  private HostIdentity host = new HostIdentity("simulated-machine", "boot-1", "4026531836");
  private long lastPid = 100;
  private int boots = 1;
  private @Nullable Interruption interruption;
  private @Nullable String launchFailure;

  /** What is known of one run; guarded by the world. */
  static final class SimulatedRun {
    final TaskSpec spec;
    final String cookie;
    final Map<OutputStreamName, Long> bytes = new EnumMap<>(OutputStreamName.class);
    final List<SimulatedProcess> members = new ArrayList<>();
    Lock lock = Lock.FREE;
    ExitRecord exit = new ExitRecord.None();
    @Nullable ProcessIdentity recorded;
    boolean waitsBeforeExec;
    int executions;

    SimulatedRun(TaskSpec spec, String cookie) {
      this.spec = spec;
      this.cookie = cookie;
      spec.output().streams().forEach(stream -> bytes.put(stream, 0L));
    }

    List<SimulatedProcess> alive() {
      return members.stream().filter(SimulatedProcess::isAlive).toList();
    }
  }

  public SimulatedWorld() {
    this((_, _, _) -> {});
  }

  public SimulatedWorld(OutputSink sink) {
    this.sink = sink;
    program("true", process -> process.exit(0));
    program("false", process -> process.exit(1));
    program("sleep", _ -> {});
    program("printf", SimulatedWorld::print);
    program("cat", SimulatedWorld::copyInput);
    program("sh", SimulatedWorld::interpret);
  }

  /** Defines what a command does from now on, by the first word of its argv. */
  public synchronized void program(String name, Program program) {
    programs.put(name, program);
  }

  public synchronized HostIdentity host() {
    return host;
  }

  /** The command of a run. */
  public synchronized SimulatedProcess process(RunRef run) {
    SimulatedRun known = runs.get(run);
    if (known == null || known.members.isEmpty()) {
      throw new IllegalStateException("no process was started in " + run);
    }
    return known.members.getFirst();
  }

  /** How often any run of the task reached its command: more than its attempts is a repetition. */
  public synchronized int executions(TaskId task) {
    return runs.entrySet().stream()
        .filter(entry -> entry.getKey().task().equals(task))
        .mapToInt(entry -> entry.getValue().executions)
        .sum();
  }

  /** Cuts the next launch short. */
  public synchronized void interruptNextLaunch(Interruption where) {
    interruption = where;
  }

  /** Makes the next launch fail with a sentence. */
  public synchronized void failNextLaunch(String reason) {
    launchFailure = reason;
  }

  /** Lets a start that was interrupted before exec go on, unless it was abandoned meanwhile. */
  public synchronized void releaseStart(RunRef run) {
    SimulatedRun known = known(run);
    if (known.waitsBeforeExec) {
      known.waitsBeforeExec = false;
      if (abandoned.contains(run)) {
        known.lock = Lock.FREE;
        changed(run);
      } else {
        execute(run, known);
      }
    }
  }

  /** Ends the monitor alone: nobody will record how the command ends. */
  public synchronized void killMonitor(RunRef run) {
    SimulatedRun known = known(run);
    known.lock = Lock.FREE;
    known.waitsBeforeExec = false;
    changed(run);
  }

  /** Every process and monitor is gone, unrecorded; pids mean nothing any more. */
  public synchronized void reboot() {
    boots++;
    host = new HostIdentity(host.machineId(), "boot-" + boots, host.pidNamespace());
    runs.forEach(
        (_, run) -> {
          run.lock = Lock.FREE;
          run.waitsBeforeExec = false;
          run.alive().forEach(process -> process.end(new Outcome.Unknown("reboot")));
        });
  }

  /** The server now stands elsewhere. */
  public synchronized void moveTo(HostIdentity other) {
    host = other;
  }

  /** Makes the exit record unreadable. */
  public synchronized void damageExit(RunRef run) {
    known(run).exit = new ExitRecord.Damaged("simulated damage");
    changed(run);
  }

  synchronized ProcessControl.Launch launch(RunRef run, String cookie, TaskSpec spec) {
    if (launchFailure != null) {
      String reason = launchFailure;
      launchFailure = null;
      return new ProcessControl.Launch.Failed(reason);
    }
    Interruption cut = interruption;
    interruption = null;
    if (cut == Interruption.BEFORE_DIRECTORY) {
      return new ProcessControl.Launch.Launched();
    }
    if (runs.containsKey(run)) {
      throw new IllegalStateException(run + " was launched before");
    }
    var created = new SimulatedRun(spec, cookie);
    runs.put(run, created);
    if (cut != Interruption.BEFORE_SPAWN) {
      created.lock = Lock.HELD;
      if (cut == Interruption.BEFORE_EXEC) {
        created.waitsBeforeExec = true;
      } else {
        execute(run, created);
      }
    }
    return new ProcessControl.Launch.Launched();
  }

  private void execute(RunRef run, SimulatedRun known) {
    Program program = programs.get(known.spec.command().getFirst());
    if (program == null || known.spec.cwd().startsWith("/no/such/")) {
      String reason =
          program == null
              ? "command not found: " + known.spec.command().getFirst()
              : "the working directory does not exist: " + known.spec.cwd();
      known.exit =
          new ExitRecord.Valid(new Outcome.StartFailed(reason), false, null, Instant.EPOCH);
      known.lock = Lock.FREE;
      changed(run);
      return;
    }
    var process = new SimulatedProcess(this, run, known.spec, nextIdentity());
    known.recorded = process.identity();
    known.members.add(process);
    known.executions++;
    changed(run);
    program.start(process);
  }

  synchronized void abandon(RunRef run) {
    abandoned.add(run);
  }

  synchronized @Nullable SimulatedRun find(RunRef run) {
    return runs.get(run);
  }

  synchronized int signal(RunRef run, ProcessControl.Signal signal) {
    SimulatedRun known = runs.get(run);
    if (known == null) {
      return 0;
    }
    List<SimulatedProcess> targets = known.alive();
    targets.forEach(process -> process.receive(signal));
    return targets.size();
  }

  synchronized ProcessControl.InputResult write(RunRef run, byte[] bytes) {
    SimulatedProcess command = reader(run);
    if (command == null || command.isInputEnded()) {
      return new ProcessControl.InputResult.Closed(
          "the run reads no input, or its input was ended");
    }
    return command.offerInput(bytes, INPUT_CAPACITY_BYTES)
        ? new ProcessControl.InputResult.Accepted()
        : new ProcessControl.InputResult.Full(INPUT_CAPACITY_BYTES);
  }

  synchronized ProcessControl.InputResult endInput(RunRef run) {
    SimulatedProcess command = reader(run);
    if (command == null || command.isInputEnded()) {
      return new ProcessControl.InputResult.Closed(
          "the run reads no input, or its input was ended");
    }
    command.endInput();
    return new ProcessControl.InputResult.Accepted();
  }

  private @Nullable SimulatedProcess reader(RunRef run) {
    SimulatedRun known = runs.get(run);
    return known == null
            || known.spec.stdin() == StdinMode.NONE
            || known.members.isEmpty()
            || !known.members.getFirst().isAlive()
        ? null
        : known.members.getFirst();
  }

  void written(SimulatedProcess process, OutputStreamName stream, byte[] bytes) {
    SimulatedRun known = known(process.run());
    if (!known.bytes.containsKey(stream)) {
      throw new IllegalArgumentException(process.run() + " has no stream " + stream);
    }
    known.bytes.merge(stream, (long) bytes.length, Long::sum);
    sink.append(process.run(), stream, bytes.clone());
    changed(process.run());
  }

  SimulatedProcess forked(SimulatedProcess parent) {
    var child = new SimulatedProcess(this, parent.run(), parent.spec(), nextIdentity());
    known(parent.run()).members.add(child);
    return child;
  }

  void processEnded(SimulatedProcess process, Outcome how) {
    SimulatedRun known = known(process.run());
    if (process == known.members.getFirst() && known.lock == Lock.HELD) {
      known.exit = new ExitRecord.Valid(how, true, process.identity(), Instant.EPOCH);
      known.lock = Lock.FREE;
    }
    changed(process.run());
  }

  synchronized void observe(SimulatedProcessControl observer) {
    observers.add(observer);
  }

  synchronized void ignore(SimulatedProcessControl observer) {
    observers.remove(observer);
  }

  private void changed(RunRef run) {
    observers.forEach(observer -> observer.changed(run));
  }

  private SimulatedRun known(RunRef run) {
    SimulatedRun known = runs.get(run);
    if (known == null) {
      throw new IllegalStateException("no such run: " + run);
    }
    return known;
  }

  private ProcessIdentity nextIdentity() {
    lastPid++;
    return new ProcessIdentity(lastPid, lastPid * 10, host.bootId());
  }

  private static OutputStreamName standardOutput(SimulatedProcess process) {
    return process.spec().output().streams().getFirst();
  }

  private static void print(SimulatedProcess process) {
    String text =
        String.join(" ", process.spec().command().subList(1, process.spec().command().size()));
    process.write(standardOutput(process), text.getBytes(StandardCharsets.UTF_8));
    process.exit(0);
  }

  private static void copyInput(SimulatedProcess process) {
    if (process.spec().stdin() == StdinMode.NONE) {
      process.exit(0);
    } else {
      process.onInput(
          bytes -> process.write(standardOutput(process), bytes), () -> process.exit(0));
    }
  }

  private static void interpret(SimulatedProcess process) {
    String script = process.spec().command().getLast();
    int number = Integer.parseInt(script.replaceAll("[^0-9]", ""));
    if (script.startsWith("exit ")) {
      process.exit(number);
    } else if (script.startsWith("kill ")) {
      process.end(new Outcome.Signaled(number));
    } else {
      throw new IllegalArgumentException("the simulated sh does not know: " + script);
    }
  }
}

package holdfast.domain.port;

import holdfast.domain.port.SimulatedWorld.SimulatedRun;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.ProcessEvidence.Lock;
import holdfast.domain.recovery.ProcessEvidence.RecordedProcess;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Process control over a {@link SimulatedWorld}. Everything that lasts is in the world: closing one
 * control and making another over the same world is a restart of the server.
 */
public final class SimulatedProcessControl implements ProcessControl {
  private final SimulatedWorld world;
  private final long quotaBytes;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("simulated-process-control").factory());
  // Only the thread above touches the values; the world guards the map.
  private final Map<RunRef, Followed> followed = new HashMap<>();
  private @Nullable Listener listener;

  private static final class Followed {
    final Attempt attempt;
    boolean started;
    boolean ended;
    Map<OutputStreamName, Long> bytes = Map.of();

    Followed(Attempt attempt) {
      this.attempt = attempt;
    }
  }

  public SimulatedProcessControl(SimulatedWorld world) {
    this(world, Long.MAX_VALUE);
  }

  public SimulatedProcessControl(SimulatedWorld world, long quotaBytes) {
    this.world = world;
    this.quotaBytes = quotaBytes;
    world.observe(this);
  }

  @Override
  public HostIdentity host() {
    return world.host();
  }

  @Override
  public Launch launch(RunRef run, String cookie, TaskSpec spec) {
    return world.launch(run, cookie, spec);
  }

  @Override
  public int unusedRun(TaskId task, int attempt) {
    int run = 1;
    while (world.find(new RunRef(task, attempt, run)) != null) {
      run++;
    }
    return run;
  }

  @Override
  public ProcessEvidence examine(RunRef run, Attempt attempt) {
    synchronized (world) {
      SimulatedRun known = world.find(run);
      if (known == null) {
        RecordedProcess process =
            attempt.process() == null ? new RecordedProcess.Absent() : compare(attempt, null);
        return evidence(attempt, Lock.NO_DIRECTORY, new ExitRecord.None(), process, List.of());
      }
      List<ProcessIdentity> bearers =
          known.alive().stream().map(SimulatedProcess::identity).toList();
      return evidence(attempt, known.lock, known.exit, compare(attempt, known), bearers);
    }
  }

  private ProcessEvidence evidence(
      Attempt attempt,
      Lock lock,
      ExitRecord exit,
      RecordedProcess process,
      List<ProcessIdentity> bearers) {
    boolean sameHost =
        attempt.host().machineId().equals(world.host().machineId())
            && attempt.host().pidNamespace().equals(world.host().pidNamespace());
    var facts =
        List.of(
            "lock: " + lock,
            "exit: " + exit,
            "process: " + process,
            "cookie bearers: " + bearers.size());
    return new ProcessEvidence(sameHost, lock, exit, process, bearers, facts);
  }

  private RecordedProcess compare(Attempt attempt, @Nullable SimulatedRun known) {
    ProcessIdentity identity =
        known == null || known.recorded == null ? attempt.process() : known.recorded;
    if (identity == null) {
      return new RecordedProcess.Absent();
    }
    if (!identity.bootId().equals(world.host().bootId())) {
      return new RecordedProcess.OtherBoot(identity);
    }
    boolean alive =
        known != null && known.alive().stream().anyMatch(p -> p.identity().equals(identity));
    return alive ? new RecordedProcess.Alive(identity) : new RecordedProcess.Gone(identity);
  }

  @Override
  public void abandon(RunRef run) {
    world.abandon(run);
  }

  @Override
  public int signal(RunRef run, Attempt attempt, Signal signal) {
    return world.signal(run, signal);
  }

  @Override
  public InputResult write(RunRef run, ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    InputResult result = world.write(run, copy);
    if (result instanceof InputResult.Accepted) {
      bytes.position(bytes.limit());
    }
    return result;
  }

  @Override
  public InputResult endInput(RunRef run) {
    return world.endInput(run);
  }

  @Override
  public void follow(RunRef run, Attempt attempt) {
    synchronized (world) {
      followed.putIfAbsent(run, new Followed(attempt));
    }
    changed(run);
  }

  @Override
  public void listener(Listener listener) {
    synchronized (world) {
      this.listener = listener;
    }
  }

  @Override
  public void close() {
    world.ignore(this);
    thread.shutdown();
  }

  void changed(RunRef run) {
    try {
      thread.execute(() -> report(run));
    } catch (RejectedExecutionException closed) {
      // This server is gone; its successor looks at the world itself.
      assert thread.isShutdown() : closed;
    }
  }

  /** Compares what is with what was reported: the same level-triggered look as the real one's. */
  private void report(RunRef run) {
    Listener hears;
    Followed state;
    ProcessEvidence evidence;
    Map<OutputStreamName, Long> bytes;
    synchronized (world) {
      hears = listener;
      state = followed.get(run);
      if (hears == null || state == null || thread.isShutdown()) {
        return;
      }
      evidence = examine(run, state.attempt);
      SimulatedRun known = world.find(run);
      bytes = known == null ? Map.of() : Map.copyOf(known.bytes);
    }
    if (!state.ended) {
      boolean over = isOver(evidence);
      if (!over && !state.started && evidence.process() instanceof RecordedProcess.Alive(var id)) {
        state.started = true;
        hears.started(run, id);
      }
      if (!over && bytes.values().stream().anyMatch(size -> size > quotaBytes)) {
        hears.quotaExceeded(run, quotaBytes);
      }
      if (over) {
        state.ended = true;
        hears.ended(run, evidence, bytes);
      }
    } else if (!bytes.equals(state.bytes)) {
      hears.lateOutput(run, bytes);
    }
    state.bytes = bytes;
  }

  private static boolean isOver(ProcessEvidence evidence) {
    return switch (RecoveryPolicy.judge(evidence)) {
      case RecoveryVerdict.Adopted _, RecoveryVerdict.Undecidable _ -> false;
      case RecoveryVerdict.ExitedWhileDown _,
          RecoveryVerdict.StartFailed _,
          RecoveryVerdict.NeverStarted _,
          RecoveryVerdict.Lost _ ->
          true;
    };
  }
}

package holdfast.application;

import holdfast.domain.port.ProcessControl;
import holdfast.domain.port.SimulatedProcessControl;
import holdfast.domain.port.SimulatedWorld;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Process control that a crash silences: what a dead server's threads still ask is not done. */
final class MortalProcessControl implements ProcessControl {
  private final SimulatedProcessControl living;
  private boolean dead;
  private boolean unreadable;
  private @Nullable String impairment;
  private int launches;

  MortalProcessControl(SimulatedWorld world, long quotaBytes) {
    living = new SimulatedProcessControl(world, quotaBytes);
  }

  /** From now on the server that uses this has never said another word. */
  synchronized void kill() {
    dead = true;
    living.close();
  }

  /** Makes signals fail, as a disk that cannot be read would, until told otherwise. */
  synchronized void failSignals(boolean fail) {
    unreadable = fail;
  }

  /** Says what is to be said of its own fitness from now on. */
  synchronized void say(@Nullable String said) {
    impairment = said;
  }

  @Override
  public synchronized @Nullable String impairment() {
    return impairment;
  }

  synchronized int launches() {
    return launches;
  }

  private synchronized void requireAlive() {
    if (dead) {
      throw new StorageException("this server is dead");
    }
  }

  @Override
  public HostIdentity host() {
    return living.host();
  }

  @Override
  public synchronized Launch launch(RunRef run, String cookie, TaskSpec spec) {
    requireAlive();
    launches++;
    return living.launch(run, cookie, spec);
  }

  @Override
  public int unusedRun(TaskId task, int attempt) {
    return living.unusedRun(task, attempt);
  }

  @Override
  public ProcessEvidence examine(RunRef run, Attempt attempt) {
    requireAlive();
    return living.examine(run, attempt);
  }

  @Override
  public synchronized void abandon(RunRef run) {
    requireAlive();
    living.abandon(run);
  }

  @Override
  public synchronized int signal(RunRef run, Attempt attempt, Signal signal) {
    requireAlive();
    if (unreadable) {
      throw new StorageException("the run directory cannot be read");
    }
    return living.signal(run, attempt, signal);
  }

  @Override
  public InputResult write(RunRef run, ByteBuffer bytes) {
    requireAlive();
    return living.write(run, bytes);
  }

  @Override
  public InputResult endInput(RunRef run) {
    requireAlive();
    return living.endInput(run);
  }

  @Override
  public void follow(RunRef run, Attempt attempt) {
    living.follow(run, attempt);
  }

  @Override
  public void listener(Listener listener) {
    living.listener(listener);
  }

  @Override
  public void close() {
    living.close();
  }
}

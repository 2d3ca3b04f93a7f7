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
import java.util.function.Function;

/**
 * Reads the evidence that a start would read, and does nothing else: what it is asked to launch,
 * signal, follow or write is not done. Any thread.
 */
public final class OnlookingProcessControl implements ProcessControl {
  private final Function<RunRef, Path> runDirectory;
  private final Host host;
  private final Evidence evidence;

  /**
   * @param runDirectory where the files of a run are; absolute
   * @param machineIdFile where a machine without an id of its own keeps the one it was given
   * @throws StorageException if this machine lacks what is needed; the message says what
   */
  public OnlookingProcessControl(
      Function<RunRef, Path> runDirectory, Path machineIdFile, InstantSource clock) {
    String obstacle = Kernel.obstacle();
    if (!obstacle.isEmpty()) {
      throw new StorageException(obstacle);
    }
    this.runDirectory = runDirectory;
    host = Host.look(machineIdFile.toString());
    evidence = Evidence.onlooking(host, clock);
  }

  @Override
  public HostIdentity host() {
    return host.identity();
  }

  @Override
  public int unusedRun(TaskId task, int attempt) {
    return 1;
  }

  @Override
  public Launch launch(RunRef run, String cookie, TaskSpec spec) {
    return new Launch.Launched();
  }

  @Override
  public ProcessEvidence examine(RunRef run, Attempt attempt) {
    String path = runDirectory.apply(run).toAbsolutePath().toString();
    return evidence.gather(path, run, attempt, false);
  }

  @Override
  public void abandon(RunRef run) {}

  @Override
  public int signal(RunRef run, Attempt attempt, Signal signal) {
    return 0;
  }

  @Override
  public InputResult write(RunRef run, ByteBuffer bytes) {
    return new InputResult.Closed("only looked at");
  }

  @Override
  public InputResult endInput(RunRef run) {
    return new InputResult.Closed("only looked at");
  }

  @Override
  public void follow(RunRef run, Attempt attempt) {}

  @Override
  public void listener(Listener listener) {}

  @Override
  public void close() {}
}

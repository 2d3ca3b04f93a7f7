package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import holdfast.domain.port.SimulatedWorld.Interruption;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import java.io.ByteArrayOutputStream;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

/** The simulated port keeps the contract, and its faults produce the evidence they stand for. */
class SimulatedProcessControlTest extends ProcessControlContractTest {
  private record Stream(RunRef run, OutputStreamName name) {}

  private final Map<Stream, ByteArrayOutputStream> outputs = new ConcurrentHashMap<>();
  private final SimulatedWorld world =
      new SimulatedWorld(
          (run, name, bytes) ->
              outputs
                  .computeIfAbsent(new Stream(run, name), _ -> new ByteArrayOutputStream())
                  .writeBytes(bytes));

  @Override
  protected ProcessControl open(long quotaBytes) {
    return new SimulatedProcessControl(world, quotaBytes);
  }

  @Override
  protected byte[] output(RunRef run, OutputStreamName stream) {
    return outputs.getOrDefault(new Stream(run, stream), new ByteArrayOutputStream()).toByteArray();
  }

  private RecoveryVerdict verdict(RunRef run) {
    return RecoveryPolicy.judge(control().examine(run, attempt(run)));
  }

  @Test
  void anInterruptedLaunchLeavesEvidenceThatNothingRan() {
    for (Interruption where :
        new Interruption[] {Interruption.BEFORE_DIRECTORY, Interruption.BEFORE_SPAWN}) {
      RunRef run = newRun();
      world.interruptNextLaunch(where);
      control().launch(run, cookie(run), spec("true"));
      restart();
      assertInstanceOf(RecoveryVerdict.NeverStarted.class, verdict(run));
      assertEquals(0, world.executions(run.task()));
    }
  }

  @Test
  void aStartAbandonedBeforeExecNeverExecutes() {
    RunRef run = newRun();
    world.interruptNextLaunch(Interruption.BEFORE_EXEC);
    control().launch(run, cookie(run), spec("true"));
    assertInstanceOf(RecoveryVerdict.Adopted.class, verdict(run));
    control().abandon(run);
    world.releaseStart(run);
    assertInstanceOf(RecoveryVerdict.NeverStarted.class, verdict(run));
    assertEquals(0, world.executions(run.task()));
  }

  @Test
  void anEndWithoutAMonitorIsLost() {
    RunRef run = launchAndAwaitStart(spec("sleep"));
    world.killMonitor(run);
    assertInstanceOf(RecoveryVerdict.Adopted.class, verdict(run));
    world.process(run).exit(0);
    assertInstanceOf(RecoveryVerdict.Lost.class, RecoveryPolicy.judge(awaitEnd(run)));
  }

  @Test
  void aRebootLosesWhatRan() {
    RunRef run = launchAndAwaitStart(spec("sleep"));
    var attempt = attempt(run);
    world.reboot();
    restart();
    assertInstanceOf(
        RecoveryVerdict.Lost.class, RecoveryPolicy.judge(control().examine(run, attempt)));
  }

  @Test
  void anotherHostCannotDecide() {
    RunRef run = launchAndAwaitStart(spec("sleep"));
    var attempt = attempt(run);
    world.moveTo(new HostIdentity("elsewhere", "boot-x", "1"));
    assertInstanceOf(
        RecoveryVerdict.Undecidable.class, RecoveryPolicy.judge(control().examine(run, attempt)));
  }

  @Test
  void aDescendantsLateOutputIsReported() {
    RunRef run = launchAndAwaitStart(spec("sleep"));
    SimulatedProcess descendant = world.process(run).fork();
    world.process(run).exit(0);
    awaitEnd(run);
    descendant.write(OutputStreamName.MERGED, new byte[3]);
    await(
        "late output", () -> Map.of(OutputStreamName.MERGED, 3L).equals(listener.lateOutput(run)));
  }
}

package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.ProcessControl.InputResult;
import holdfast.domain.port.ProcessControl.Launch;
import holdfast.domain.port.ProcessControl.Signal;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.ProcessEvidence.Lock;
import holdfast.domain.recovery.ProcessEvidence.RecordedProcess;
import holdfast.domain.recovery.RecoveryPolicy;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputMode;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.Owner;
import holdfast.domain.task.RetryPolicy;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskSpec;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What every process control promises. An implementation's test extends this class and says how to
 * open one, and how to open the next one over the same world, as a restarted server does.
 */
@Timeout(60)
public abstract class ProcessControlContractTest {
  protected static final Duration PATIENCE = Duration.ofSeconds(20);

  private static long lastTask = System.nanoTime();

  protected final RecordingListener listener = new RecordingListener();
  private ProcessControl control;

  /** Opens a control over this test's world, which is empty at first. */
  protected abstract ProcessControl open(long quotaBytes);

  /** What the run has written to the stream. */
  protected abstract byte[] output(RunRef run, OutputStreamName stream);

  @BeforeEach
  void openControl() {
    control = listening(open(Long.MAX_VALUE));
  }

  @AfterEach
  void closeControl() {
    control.close();
  }

  /** The control in force. */
  protected final ProcessControl control() {
    return control;
  }

  /** Lets the server go, whose processes live on, and makes another. */
  protected final void restart() {
    restart(Long.MAX_VALUE);
  }

  protected final void restart(long quotaBytes) {
    control.close();
    listener.forget();
    control = listening(open(quotaBytes));
  }

  private ProcessControl listening(ProcessControl opened) {
    opened.listener(listener);
    return opened;
  }

  protected static TaskSpec spec(String... command) {
    return spec(StdinMode.NONE, OutputMode.MERGED, command);
  }

  protected static TaskSpec spec(StdinMode stdin, OutputMode output, String... command) {
    return new TaskSpec(
        "contract",
        List.of(command),
        "/",
        Map.of(),
        null,
        0,
        Map.of(),
        null,
        Duration.ofSeconds(1),
        new RetryPolicy(1, Duration.ofSeconds(1), Duration.ofSeconds(1)),
        OnLost.FAIL,
        stdin,
        output);
  }

  protected static synchronized RunRef newRun() {
    long number = ++lastTask;
    var id = new StringBuilder();
    for (int i = 0; i < TaskId.LENGTH; i++) {
      id.append(TaskId.ALPHABET.charAt((int) (number & 31)));
      number >>>= 5;
    }
    return new RunRef(new TaskId(id.toString()), 1, 1);
  }

  /** What the journal knows of a run whose start alone was recorded. */
  protected final Attempt attempt(RunRef run) {
    return new Attempt(
        run.attempt(),
        run.run(),
        cookie(run),
        new Owner("contract", 1),
        control.host(),
        Instant.EPOCH,
        null,
        0,
        null,
        null,
        Map.of(),
        Map.of());
  }

  protected static String cookie(RunRef run) {
    return "cookie-" + run.task() + "-" + run.attempt() + "-" + run.run();
  }

  /** Launches and follows. */
  protected final RunRef launch(TaskSpec spec) {
    RunRef run = newRun();
    Attempt attempt = attempt(run);
    assertInstanceOf(Launch.Launched.class, control.launch(run, cookie(run), spec));
    control.follow(run, attempt);
    return run;
  }

  protected final RunRef launchAndAwaitStart(TaskSpec spec) {
    RunRef run = launch(spec);
    await("the start of " + run, () -> listener.started(run) != null);
    return run;
  }

  protected final ProcessEvidence awaitEnd(RunRef run) {
    await("the end of " + run, () -> listener.ended(run) != null);
    ProcessEvidence evidence = listener.ended(run);
    assertNotNull(evidence);
    return evidence;
  }

  protected final Outcome awaitOutcome(RunRef run) {
    return assertInstanceOf(ExitRecord.Valid.class, awaitEnd(run).exit()).outcome();
  }

  protected static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("waited " + PATIENCE + " in vain for " + what);
      }
      Thread.onSpinWait();
      java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
    }
  }

  private RecoveryVerdict verdict(RunRef run) {
    return RecoveryPolicy.judge(control.examine(run, attempt(run)));
  }

  @Test
  void anExitCodeIsToldWithTheProcessThatExited() {
    RunRef run = launch(spec("sh", "-c", "exit 3"));
    var exit = assertInstanceOf(ExitRecord.Valid.class, awaitEnd(run).exit());
    assertEquals(new Outcome.Exited(3), exit.outcome());
    assertTrue(exit.execReached());
    assertNotNull(exit.process());
    assertNotNull(exit.endedAt());
  }

  @Test
  void aRunThatWasLaunchedIsNotUnusedAnyMore() {
    RunRef run = launch(spec("true"));
    awaitEnd(run);
    assertEquals(run.run() + 1, control.unusedRun(run.task(), run.attempt()));
    assertEquals(1, control.unusedRun(run.task(), run.attempt() + 1));
    assertEquals(1, control.unusedRun(SampleTasks.id(987_654), 1));
  }

  @Test
  void successIsExitCodeZero() {
    assertTrue(awaitOutcome(launch(spec("true"))).isSuccess());
  }

  @Test
  void aDeathBySignalIsToldAsSuch() {
    RunRef run = launch(spec("sh", "-c", "kill -9 $$"));
    assertEquals(new Outcome.Signaled(9), awaitOutcome(run));
  }

  @Test
  void aCommandThatDoesNotExistFailsToStart() {
    RunRef run = launch(spec("no-such-command-anywhere"));
    var exit = assertInstanceOf(ExitRecord.Valid.class, awaitEnd(run).exit());
    var failed = assertInstanceOf(Outcome.StartFailed.class, exit.outcome());
    assertTrue(failed.reason().contains("no-such-command-anywhere"), failed.reason());
    assertFalse(exit.execReached());
  }

  @Test
  void aRunningCommandIsReportedAndFoundAlive() {
    RunRef run = launchAndAwaitStart(spec("sleep", "60"));
    ProcessEvidence evidence = control.examine(run, attempt(run));
    assertTrue(evidence.sameHost());
    assertEquals(Lock.HELD, evidence.lock());
    var alive = assertInstanceOf(RecordedProcess.Alive.class, evidence.process());
    assertEquals(listener.started(run), alive.identity());
    assertTrue(evidence.cookieBearers().contains(alive.identity()));
    assertFalse(evidence.facts().isEmpty());
    control.signal(run, attempt(run), Signal.KILL);
    awaitEnd(run);
  }

  @Test
  void outputIsThereWhenTheEndIsReported() {
    RunRef run = launch(spec("printf", "hello"));
    awaitEnd(run);
    assertEquals(Map.of(OutputStreamName.MERGED, 5L), listener.outputBytes(run));
    assertArrayEquals(
        "hello".getBytes(StandardCharsets.UTF_8), output(run, OutputStreamName.MERGED));
  }

  @Test
  void splitOutputHasTwoStreams() {
    RunRef run = launch(spec(StdinMode.NONE, OutputMode.SPLIT, "printf", "hello"));
    awaitEnd(run);
    assertEquals(
        Map.of(OutputStreamName.STDOUT, 5L, OutputStreamName.STDERR, 0L),
        listener.outputBytes(run));
  }

  @Test
  void aSignalReachesTheCommandAndSaysWhenNoneIsLeft() {
    RunRef run = launchAndAwaitStart(spec("sleep", "60"));
    assertTrue(control.signal(run, attempt(run), Signal.TERM) >= 1);
    assertEquals(new Outcome.Signaled(15), awaitOutcome(run));
    await("nobody left", () -> control.signal(run, attempt(run), Signal.KILL) == 0);
  }

  @Test
  void aSignalToARunThatNeverWasReachesNobody() {
    RunRef run = newRun();
    assertEquals(0, control.signal(run, attempt(run), Signal.KILL));
  }

  @Test
  void inputReachesTheCommandAndItsEndEndsIt() {
    RunRef run = launchAndAwaitStart(spec(StdinMode.PIPE, OutputMode.MERGED, "cat"));
    var bytes = ByteBuffer.wrap("one\ntwo\n".getBytes(StandardCharsets.UTF_8));
    assertInstanceOf(InputResult.Accepted.class, control.write(run, bytes));
    assertFalse(bytes.hasRemaining());
    assertInstanceOf(InputResult.Accepted.class, control.endInput(run));
    assertEquals(new Outcome.Exited(0), awaitOutcome(run));
    assertArrayEquals(
        "one\ntwo\n".getBytes(StandardCharsets.UTF_8), output(run, OutputStreamName.MERGED));
    assertInstanceOf(InputResult.Closed.class, control.write(run, ByteBuffer.allocate(1)));
  }

  @Test
  void inputSurvivesARestartAndCanBeEndedAfterIt() {
    RunRef run = launchAndAwaitStart(spec(StdinMode.PIPE, OutputMode.MERGED, "cat"));
    control.write(run, ByteBuffer.wrap(new byte[] {'a'}));
    restart();
    control.follow(run, attempt(run));
    control.write(run, ByteBuffer.wrap(new byte[] {'b'}));
    assertInstanceOf(InputResult.Accepted.class, control.endInput(run));
    assertEquals(new Outcome.Exited(0), awaitOutcome(run));
    assertArrayEquals(new byte[] {'a', 'b'}, output(run, OutputStreamName.MERGED));
  }

  @Test
  void inputThatNobodyReadsFillsUpAndIsTakenWholeOrNotAtAll() {
    RunRef run = launchAndAwaitStart(spec(StdinMode.PIPE, OutputMode.MERGED, "sleep", "60"));
    int accepted = 0;
    InputResult result;
    do {
      var chunk = ByteBuffer.allocate(8_192);
      result = control.write(run, chunk);
      assertEquals(result instanceof InputResult.Accepted ? 0 : 8_192, chunk.remaining());
      accepted++;
    } while (result instanceof InputResult.Accepted && accepted < 1_000);
    assertInstanceOf(InputResult.Full.class, result);
    control.signal(run, attempt(run), Signal.KILL);
    awaitEnd(run);
  }

  @Test
  void aRunWithoutInputRefusesIt() {
    RunRef run = launchAndAwaitStart(spec("sleep", "60"));
    assertInstanceOf(InputResult.Closed.class, control.write(run, ByteBuffer.allocate(1)));
    assertInstanceOf(InputResult.Closed.class, control.endInput(run));
    control.signal(run, attempt(run), Signal.KILL);
    awaitEnd(run);
  }

  @Test
  void aCommandOutlivesItsServerAndIsAdopted() {
    RunRef run = launchAndAwaitStart(spec("sleep", "60"));
    var before = listener.started(run);
    restart();
    var adopted = assertInstanceOf(RecoveryVerdict.Adopted.class, verdict(run));
    assertTrue(adopted.monitored());
    assertEquals(before, adopted.process());
    control.follow(run, attempt(run));
    assertTrue(control.signal(run, attempt(run), Signal.KILL) >= 1);
    assertEquals(new Outcome.Signaled(9), awaitOutcome(run));
  }

  @Test
  void anEndThatNoServerSawIsKnownToTheNextOne() {
    RunRef run = newRun();
    control.launch(run, cookie(run), spec("sh", "-c", "exit 7"));
    restart();
    await("an exit record", () -> verdict(run) instanceof RecoveryVerdict.ExitedWhileDown);
    var ended = assertInstanceOf(RecoveryVerdict.ExitedWhileDown.class, verdict(run));
    assertEquals(new Outcome.Exited(7), ended.outcome());
    control.follow(run, attempt(run));
    assertEquals(new Outcome.Exited(7), awaitOutcome(run));
  }

  @Test
  void aRunThatWasNeverLaunchedIsKnownToBeNeverStarted() {
    RunRef run = newRun();
    assertEquals(Lock.NO_DIRECTORY, control.examine(run, attempt(run)).lock());
    assertInstanceOf(RecoveryVerdict.NeverStarted.class, verdict(run));
    control.abandon(run);
    assertInstanceOf(RecoveryVerdict.NeverStarted.class, verdict(run));
  }

  @Test
  void outputBeyondTheQuotaIsReported() {
    restart(1_000);
    RunRef run = launchAndAwaitStart(spec(StdinMode.PIPE, OutputMode.MERGED, "cat"));
    control.write(run, ByteBuffer.allocate(1_001));
    await("a quota report", () -> listener.quotaReports(run) > 0);
    control.endInput(run);
    awaitEnd(run);
  }

  @Test
  void followingTwiceReportsOnce() {
    RunRef run = launchAndAwaitStart(spec("sleep", "60"));
    control.follow(run, attempt(run));
    control.signal(run, attempt(run), Signal.KILL);
    awaitEnd(run);
    assertEquals(1, listener.endReports(run));
  }
}

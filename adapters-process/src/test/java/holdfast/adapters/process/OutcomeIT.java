package holdfast.adapters.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import holdfast.domain.port.ProcessControl.InputResult;
import holdfast.domain.port.RecordingListener;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.OnLost;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputMode;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RetryPolicy;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.StdinMode;
import holdfast.domain.task.TaskSpec;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Ends are told as they were, and what comes after them is not forgotten. */
@Timeout(60)
class OutcomeIT {
  @TempDir Path data;

  @ParameterizedTest
  @EnumSource
  void signalsAreToldFromCodesOrTheDoubtIsTold(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      for (int signal : new int[] {1, 3, 6, 9, 11, 15}) {
        RunRef run = lab.launch(Worlds.spec("sh", "-c", "kill -" + signal + " $$"));
        assertEquals(new Outcome.Signaled(signal), lab.awaitOutcome(run));
      }
      RunRef code = lab.launch(Worlds.spec("sh", "-c", "exit 143"));
      assertEquals(new Outcome.Exited(143), lab.awaitOutcome(code));
      Outcome interrupted = lab.awaitOutcome(lab.launch(Worlds.spec("sh", "-c", "kill -2 $$")));
      assertEquals(
          kind == Lab.Kind.NATIVE ? new Outcome.Signaled(2) : new Outcome.Exited(130, false),
          interrupted);
      assertNotEquals(new Outcome.Exited(0), interrupted);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theEndOfADaemonsOutputIsToldAfterTheEndOfItsCommand(Lab.Kind kind) throws Exception {
    try (var lab = new Lab(data, kind)) {
      Path go = data.resolve("go");
      String script = "(while [ ! -e " + go + " ]; do sleep 0.02; done; echo late) & echo early";
      RunRef run = lab.launch(Worlds.spec("sh", "-c", script));
      assertEquals(new Outcome.Exited(0), lab.awaitOutcome(run));
      assertEquals(Map.of(OutputStreamName.MERGED, 6L), lab.listener.outputBytes(run));
      Files.createFile(go);
      Lab.await(
          "late output",
          () -> Map.of(OutputStreamName.MERGED, 11L).equals(lab.listener.lateOutput(run)));
    }
  }

  @ParameterizedTest
  @EnumSource
  void noZombieIsLeft(Lab.Kind kind) {
    try (var lab = new Lab(data, kind)) {
      var monitors = new ArrayList<Long>();
      for (int i = 0; i < 10; i++) {
        RunRef run = lab.launch(Worlds.spec("true"));
        lab.awaitEnd(run);
        monitors.add(lab.recorded(run).monitor());
      }
      Lab.await(
          "the last monitor's burial",
          () -> monitors.stream().allMatch(pid -> ProcTable.find(pid) == null));
    }
  }

  @ParameterizedTest
  @EnumSource
  void anEndIsRecordedOnAFullDisk(Lab.Kind kind) throws Exception {
    try (var small = SmallDisk.mount(data.resolve("disk"), "size=2m", "nr_inodes=200");
        var lab = new Lab(small.path(), kind)) {
      RunRef run = lab.launch(Worlds.spec("sh", "-c", "cat /dev/zero; exit 5"));
      assertEquals(new Outcome.Exited(5), lab.awaitOutcome(run));
      lab.restart();
      assertInstanceOf(RecoveryVerdict.ExitedWhileDown.class, lab.verdict(run));
      // And a start that finds no room leaves nothing behind.
      RunRef none = Lab.newRun();
      assertThrows(
          SystemCallException.class,
          () -> lab.control().launch(none, Worlds.cookie(none), Worlds.spec("true")));
      assertFalse(Files.exists(lab.path(none)));
      assertFalse(Files.exists(lab.path(none).resolveSibling(".1.new")));
      lab.control().abandon(none);
    }
  }

  @Test
  void aDirectoryThatForbidsExecutionIsServedByTheShellsMonitorWhichIsSaid() throws Exception {
    try (var disk = SmallDisk.mount(data.resolve("disk"), "size=8m", "noexec")) {
      var settings =
          Worlds.settings(disk.path(), Long.MAX_VALUE)
              .withMonitor(LinuxProcessControl.Monitor.AUTO, "/bin/sh");
      assumeTrue(NativeMonitorContractIT.available());
      try (var control = new LinuxProcessControl(settings)) {
        String impairment = control.impairment();
        assertTrue(
            impairment != null && impairment.contains("permission denied"),
            String.valueOf(impairment));
        var listener = new RecordingListener();
        control.listener(listener);
        RunRef run = Lab.newRun();
        control.launch(run, Worlds.cookie(run), Worlds.spec("true"));
        control.follow(run, Worlds.attempt(run, control.host()));
        Lab.await("the end", () -> listener.ended(run) != null);
      }
    }
  }

  @Test
  void largeInputIsTakenWholeOrNotAtAllWithoutWaiting() throws Exception {
    try (var lab = new Lab(data, Lab.Kind.NATIVE)) {
      RunRef run =
          lab.launchAndAwaitStart(
              new TaskSpec(
                  "input",
                  List.of("sh", "-c", "echo up; read -r line; exec wc -c"),
                  "/",
                  Map.of(),
                  null,
                  0,
                  Map.of(),
                  null,
                  Duration.ofSeconds(1),
                  new RetryPolicy(1, Duration.ofSeconds(1), Duration.ofSeconds(1)),
                  OnLost.FAIL,
                  StdinMode.PIPE,
                  OutputMode.MERGED));
      Lab.await("output", () -> lab.output(run).equals("up\n"));
      long taken = 0;
      var random = new Random(7);
      InputResult result;
      do {
        // Odd sizes leave pages half empty: room is not what the count of bytes suggests.
        var chunk = ByteBuffer.allocate(1 + random.nextInt(20_000));
        int size = chunk.remaining();
        result = lab.control().write(run, chunk);
        taken += size - chunk.remaining();
        assertTrue(chunk.remaining() == 0 || chunk.remaining() == size);
      } while (result instanceof InputResult.Accepted);
      assertInstanceOf(InputResult.Full.class, result);
      assertTrue(taken > 100_000, taken + " bytes in all");
      long sent = taken;
      Lab.await(
          "a line",
          () ->
              lab.control().write(run, ByteBuffer.wrap(new byte[] {'\n'}))
                  instanceof InputResult.Accepted);
      Lab.await(
          "the rest",
          () ->
              lab.control().write(run, ByteBuffer.wrap(new byte[] {'a', 'b', 'c'}))
                  instanceof InputResult.Accepted);
      assertInstanceOf(InputResult.Accepted.class, lab.control().endInput(run));
      assertInstanceOf(InputResult.Closed.class, lab.control().endInput(run));
      assertEquals(new Outcome.Exited(0), lab.awaitOutcome(run));
      assertTrue(sent > 0);
      assertEquals("up\n3\n", lab.output(run));
    }
  }
}

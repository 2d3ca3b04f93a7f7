package holdfast.adapters.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.ProcessControl.Listener;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunRef;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs are followed whatever fails on the way, and many of them cheaply. */
@Timeout(60)
class FollowingIT {
  @TempDir Path data;

  @Test
  void aRunThatCannotBeLookedAtIsSaidAndNotSettled() throws Exception {
    try (var lab = new Lab(data, Lab.Kind.NATIVE)) {
      RunRef run = lab.launchAndAwaitStart(Worlds.spec("sleep", "60"));
      Path exit = lab.path(run).resolve("exit");
      Path aside = lab.path(run).resolve("aside");
      Files.move(exit, aside);
      Files.createSymbolicLink(exit, aside);
      Lab.await("an impairment", () -> lab.control().impairment() != null);
      assertNull(lab.listener.ended(run));
      Files.delete(exit);
      Files.move(aside, exit);
      Lab.await("no impairment", () -> lab.control().impairment() == null);
      lab.signal(run, holdfast.domain.port.ProcessControl.Signal.KILL);
      assertEquals(new Outcome.Signaled(9), lab.awaitOutcome(run));
    }
  }

  @Test
  void aListenerThatFailsOnceHearsOfTheEndAllTheSame() {
    var calls = new AtomicInteger();
    var ends = new AtomicInteger();
    Listener failing =
        new Listener() {
          @Override
          public void started(RunRef run, ProcessIdentity process) {
            calls.incrementAndGet();
            throw new IllegalStateException("planted");
          }

          @Override
          public void ended(
              RunRef run, ProcessEvidence evidence, Map<OutputStreamName, Long> bytes) {
            ends.incrementAndGet();
          }

          @Override
          public void quotaExceeded(RunRef run, long quotaBytes) {}

          @Override
          public void lateOutput(RunRef run, Map<OutputStreamName, Long> outputBytes) {}
        };
    try (var lab = new Lab(data, Lab.Kind.NATIVE)) {
      lab.control().listener(failing);
      RunRef run = lab.launch(Worlds.spec("sleep", "60"));
      Lab.await("a call", () -> calls.get() > 0);
      Lab.await(
          "nobody left",
          () -> lab.signal(run, holdfast.domain.port.ProcessControl.Signal.KILL) == 0);
      Lab.await("the end", () -> ends.get() == 1);
    }
  }

  @Test
  void aThousandRunsOfAnEarlierBootAreJudgedWithoutLookingThroughAllProcesses() {
    try (var lab = new Lab(data, Lab.Kind.NATIVE)) {
      HostIdentity here = lab.control().host();
      var before = new HostIdentity(here.machineId(), "earlier-boot", here.pidNamespace());
      var runs = new ArrayList<RunRef>();
      for (int i = 0; i < 1_000; i++) {
        RunRef run = Lab.newRun();
        String path = lab.path(run).toString();
        RunDirectory.make(path, Worlds.spec("true"), new byte[0], new byte[0]).close();
        runs.add(run);
      }
      long begun = System.nanoTime();
      for (RunRef run : runs) {
        ProcessEvidence evidence = lab.control().examine(run, Worlds.attempt(run, before));
        assertTrue(evidence.cookieBearers().isEmpty());
      }
      long millis = (System.nanoTime() - begun) / 1_000_000;
      // A walk for each would take longer by far, even if the machine ran nothing else.
      assertTrue(millis < 1_000, millis + " ms");
    }
  }

  @Test
  void damagedRecordsArePutAsideAndJudgedWithoutThem() throws Exception {
    try (var lab = new Lab(data, Lab.Kind.NATIVE)) {
      RunRef run = lab.launch(Worlds.spec("true"));
      lab.awaitEnd(run);
      Lab.await(
          "the monitor's end",
          () -> lab.control().examine(run, lab.attempt(run)).lock() == ProcessEvidence.Lock.FREE);
      Files.writeString(lab.path(run).resolve("exit"), "exited 0 cert");
      assertInstanceOf(RecoveryVerdict.Lost.class, lab.verdict(run));
      Path kept = data.resolve("quarantine").resolve(run.toString().replace('/', '-') + "-exit");
      assertEquals("exited 0 cert", Lab.text(kept));
      assertTrue(Lab.text(Path.of(kept + ".note")).contains(lab.path(run).toString()));
    }
  }
}

package holdfast.adapters.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.ProcessControl.Signal;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.ProcessEvidence.RecordedProcess;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.HostIdentity;
import holdfast.domain.task.ProcessIdentity;
import holdfast.domain.task.RunRef;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A record may say what it likes: no stranger is signalled. */
@Timeout(60)
class IdentityIT {
  @TempDir Path data;
  private Lab lab;
  private Process victim;
  private ProcTable.Entry victimNow;

  @BeforeEach
  void startAVictim() throws IOException {
    lab = new Lab(data, Lab.Kind.NATIVE);
    victim = new ProcessBuilder("setsid", "sleep", "60").start();
    Lab.await("the victim", () -> ProcTable.variables(victim.pid()).text().length() > 2);
    victimNow = ProcTable.find(victim.pid());
  }

  @AfterEach
  void endAll() {
    victim.destroyForcibly();
    lab.close();
  }

  /** A run whose command has ended, with a record that says something else now. */
  private RunRef forged(long pid, long start, String boot, long monitor) throws IOException {
    RunRef run = lab.launch(Worlds.spec("true"));
    lab.awaitEnd(run);
    // The monitor may be about to go still.
    Lab.await(
        "the monitor's end",
        () -> lab.control().examine(run, lab.attempt(run)).lock() == ProcessEvidence.Lock.FREE);
    Files.delete(lab.path(run).resolve("exit"));
    Files.writeString(
        lab.path(run).resolve("process"),
        "pid " + pid + "\nstart " + start + "\nboot " + boot + "\nmonitor " + monitor + "\nend\n");
    return run;
  }

  private void assertSpared(RunRef run) {
    assertEquals(0, lab.signal(run, Signal.TERM));
    assertEquals(0, lab.signal(run, Signal.KILL));
    assertTrue(Lab.lives(victim.pid()));
  }

  @Test
  void aForeignPidWithItsTrueStartTimeIsAStranger() throws IOException {
    RunRef run =
        forged(victim.pid(), victimNow.startTicks(), lab.control().host().bootId(), 4_194_000);
    assertInstanceOf(
        RecordedProcess.Stranger.class, lab.control().examine(run, lab.attempt(run)).process());
    assertInstanceOf(RecoveryVerdict.Lost.class, lab.verdict(run));
    assertSpared(run);
  }

  @Test
  void aForeignPidWithItsOwnParentForAMonitorIsAStranger() throws IOException {
    RunRef run =
        forged(
            victim.pid(),
            victimNow.startTicks(),
            lab.control().host().bootId(),
            victimNow.parent());
    assertInstanceOf(RecoveryVerdict.Lost.class, lab.verdict(run));
    assertSpared(run);
  }

  @Test
  void aPidThatWasGivenAwayIsAStranger() throws IOException {
    RunRef run = forged(victim.pid(), victimNow.startTicks() - 1, lab.control().host().bootId(), 1);
    assertInstanceOf(
        RecordedProcess.Stranger.class, lab.control().examine(run, lab.attempt(run)).process());
    assertSpared(run);
  }

  @Test
  void aProcessOfAnotherBootIsGone() throws IOException {
    RunRef run = forged(victim.pid(), victimNow.startTicks(), "another-boot", 1);
    assertInstanceOf(
        RecordedProcess.OtherBoot.class, lab.control().examine(run, lab.attempt(run)).process());
    assertInstanceOf(RecoveryVerdict.Lost.class, lab.verdict(run));
    assertSpared(run);
  }

  @Test
  void whatTheJournalNamesIsBelievedOnlyWithItsStartTimeInThisBoot() throws IOException {
    RunRef run = forged(victim.pid(), victimNow.startTicks(), "another-boot", 1);
    Files.delete(lab.path(run).resolve("process"));
    String boot = lab.control().host().bootId();
    var reused = new ProcessIdentity(victim.pid(), victimNow.startTicks() + 1, boot);
    var earlier = new ProcessIdentity(victim.pid(), victimNow.startTicks(), "another-boot");
    for (ProcessIdentity identity : new ProcessIdentity[] {reused, earlier}) {
      assertEquals(0, lab.control().signal(run, with(lab.attempt(run), identity), Signal.KILL));
    }
    assertTrue(Lab.lives(victim.pid()));
  }

  @Test
  void nothingIsSignalledForARunOfAnotherMachineOrPidNamespace() {
    RunRef run = lab.launchAndAwaitStart(Worlds.spec("sleep", "60"));
    HostIdentity here = lab.control().host();
    var elsewhere = new HostIdentity("another-machine", here.bootId(), here.pidNamespace());
    var contained = new HostIdentity(here.machineId(), here.bootId(), "pid:[1]");
    for (HostIdentity host : new HostIdentity[] {elsewhere, contained}) {
      Attempt attempt = Worlds.attempt(run, host);
      assertEquals(0, lab.control().signal(run, attempt, Signal.KILL));
    }
    assertTrue(Lab.lives(lab.recorded(run).identity().pid()));
  }

  @Test
  void aSharedSessionNumberAloneProvesNothing() throws IOException {
    // The record names the victim's session; nobody in it is tied to the run.
    RunRef run = forged(victim.pid(), 1, lab.control().host().bootId(), victim.pid());
    assertSpared(run);
  }

  private static Attempt with(Attempt attempt, ProcessIdentity identity) {
    return new Attempt(
        attempt.number(),
        attempt.run(),
        attempt.cookie(),
        attempt.owner(),
        attempt.host(),
        attempt.startedAt(),
        null,
        0,
        identity,
        null,
        attempt.outputBytes(),
        attempt.seals());
  }
}

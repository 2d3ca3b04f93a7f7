package holdfast.domain.recovery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.recovery.ProcessEvidence.ExitRecord;
import holdfast.domain.recovery.ProcessEvidence.Lock;
import holdfast.domain.recovery.ProcessEvidence.RecordedProcess;
import holdfast.domain.task.Outcome;
import holdfast.domain.task.ProcessIdentity;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The whole product of evidence, against the table of {@link RecoveryPolicy} written anew. */
class RecoveryPolicyTest {
  private static final ProcessIdentity RECORDED = new ProcessIdentity(10, 1, "boot");
  private static final ProcessIdentity BEARER = new ProcessIdentity(11, 2, "boot");
  private static final Instant END = Instant.parse("2026-11-23T12:00:00Z");

  private static final List<Outcome> OUTCOMES =
      List.of(
          new Outcome.Exited(0),
          new Outcome.Exited(7),
          new Outcome.Exited(137, false),
          new Outcome.Signaled(9),
          new Outcome.StartFailed("command not found: x"),
          new Outcome.Unknown("the monitor could not tell"));

  private static List<ExitRecord> exits() {
    var exits = new ArrayList<ExitRecord>();
    exits.add(new ExitRecord.None());
    exits.add(new ExitRecord.Damaged("3 of 64 bytes"));
    for (Outcome outcome : OUTCOMES) {
      exits.add(new ExitRecord.Valid(outcome, true, RECORDED, END));
      exits.add(new ExitRecord.Valid(outcome, false, null, null));
    }
    return exits;
  }

  private static List<ProcessEvidence> product() {
    var all = new ArrayList<ProcessEvidence>();
    for (boolean sameHost : List.of(true, false)) {
      for (Lock lock : Lock.values()) {
        for (ExitRecord exit : exits()) {
          for (RecordedProcess process :
              List.of(
                  new RecordedProcess.Absent(),
                  new RecordedProcess.Alive(RECORDED),
                  new RecordedProcess.Gone(RECORDED),
                  new RecordedProcess.Stranger(RECORDED, "start time"),
                  new RecordedProcess.OtherBoot(RECORDED),
                  new RecordedProcess.OtherNamespace(RECORDED),
                  new RecordedProcess.Damaged("torn"))) {
            for (List<ProcessIdentity> bearers :
                List.of(List.<ProcessIdentity>of(), List.of(BEARER))) {
              all.add(new ProcessEvidence(sameHost, lock, exit, process, bearers, List.of()));
            }
          }
        }
      }
    }
    return all;
  }

  private static String expected(ProcessEvidence e) {
    if (e.exit() instanceof ExitRecord.Valid valid) {
      return valid.execReached() ? "EXITED_WHILE_DOWN" : "START_FAILED";
    }
    if (!e.sameHost()) {
      return "UNDECIDABLE";
    }
    if (e.lock() == Lock.HELD || e.process() instanceof RecordedProcess.Alive) {
      return "ADOPTED";
    }
    boolean nothingRecorded = e.process() instanceof RecordedProcess.Absent;
    boolean unreadable = e.process() instanceof RecordedProcess.Damaged;
    if ((nothingRecorded || unreadable) && !e.cookieBearers().isEmpty()) {
      return "ADOPTED";
    }
    boolean proven = e.lock() != Lock.MISSING && e.exit() instanceof ExitRecord.None;
    return nothingRecorded && proven ? "NEVER_STARTED" : "LOST";
  }

  @Test
  void everyCombinationOfEvidenceHasItsVerdict() {
    List<ProcessEvidence> product = product();
    assertEquals(2 * 4 * 14 * 7 * 2, product.size());
    for (ProcessEvidence evidence : product) {
      RecoveryVerdict verdict = RecoveryPolicy.judge(evidence);
      assertEquals(expected(evidence), verdict.name(), evidence.toString());
      assertFalse(verdict.reason().isBlank(), evidence.toString());
    }
  }

  @Test
  void neverStartedOnlyIfNothingAtAllSuggestsThatTheCommandRan() {
    for (ProcessEvidence evidence : product()) {
      if (RecoveryPolicy.judge(evidence) instanceof RecoveryVerdict.NeverStarted) {
        assertTrue(evidence.sameHost(), evidence.toString());
        assertTrue(evidence.lock() == Lock.FREE || evidence.lock() == Lock.NO_DIRECTORY);
        assertTrue(evidence.exit() instanceof ExitRecord.None, evidence.toString());
        assertTrue(evidence.process() instanceof RecordedProcess.Absent, evidence.toString());
        assertTrue(evidence.cookieBearers().isEmpty(), evidence.toString());
      }
    }
  }

  @Test
  void successOnlyFromAValidRecordOfACommandThatWasReached() {
    for (ProcessEvidence evidence : product()) {
      Outcome outcome =
          switch (RecoveryPolicy.judge(evidence)) {
            case RecoveryVerdict.ExitedWhileDown exited -> exited.outcome();
            case RecoveryVerdict.StartFailed failed -> failed.outcome();
            case RecoveryVerdict.Adopted _,
                RecoveryVerdict.NeverStarted _,
                RecoveryVerdict.Lost _,
                RecoveryVerdict.Undecidable _ ->
                new Outcome.Unknown("none claimed");
          };
      if (outcome.isSuccess()) {
        assertTrue(
            evidence.exit() instanceof ExitRecord.Valid valid
                && valid.execReached()
                && valid.outcome().isSuccess(),
            evidence.toString());
      }
    }
  }

  @Test
  void aCommandThatWasNotReachedHasFailedToStartWhateverEndedTheStart() {
    for (Outcome outcome : OUTCOMES) {
      var evidence = free(new ExitRecord.Valid(outcome, false, null, END));
      var verdict = (RecoveryVerdict.StartFailed) RecoveryPolicy.judge(evidence);
      assertTrue(verdict.outcome() instanceof Outcome.StartFailed, outcome.toString());
      assertEquals(END, verdict.endedAt());
    }
    var told = free(new ExitRecord.Valid(new Outcome.StartFailed("why"), false, null, END));
    assertEquals("why", RecoveryPolicy.judge(told).reason(), "a reason that is there is kept");
  }

  private static ProcessEvidence free(ExitRecord exit) {
    return new ProcessEvidence(
        true, Lock.FREE, exit, new RecordedProcess.Absent(), List.of(), List.of());
  }

  @Test
  void whatIsAdoptedIsTheProcessThatLives() {
    for (ProcessEvidence evidence : product()) {
      if (RecoveryPolicy.judge(evidence) instanceof RecoveryVerdict.Adopted adopted) {
        assertEquals(evidence.lock() == Lock.HELD, adopted.monitored(), evidence.toString());
        boolean recordedLives = evidence.process() instanceof RecordedProcess.Alive;
        if (recordedLives) {
          assertEquals(RECORDED, adopted.process());
        } else if (!adopted.monitored()) {
          assertEquals(BEARER, adopted.process());
        }
      }
    }
  }
}

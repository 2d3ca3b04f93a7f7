package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertEquals;

import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryReport.Cause;
import holdfast.domain.recovery.RecoveryReport.Decided;
import holdfast.domain.recovery.RecoveryReport.TaskVerdict;
import holdfast.domain.task.RunDecision;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What every {@link RecoveryStorage} promises. */
public abstract class RecoveryStorageContractTest {

  protected abstract RecoveryStorage storage();

  private static RecoveryReport report(String id, boolean ready) {
    return new RecoveryReport(
        id,
        SampleTasks.NOON,
        ready ? SampleTasks.NOON.plusMillis(1_234) : null,
        Cause.CRASH,
        true,
        42,
        true,
        List.of("healed \"a\""),
        List.of("quarantined ä"),
        List.of(
            new TaskVerdict(
                SampleTasks.id(3), 2, "LOST", "why", List.of("fact 1", "fact 2"), "what", true),
            new TaskVerdict(SampleTasks.id(4), 1, "UNDECIDABLE", "why", List.of(), "", true)
                .settled("done", new Decided(RunDecision.FAIL, SampleTasks.NOON))));
  }

  @Test
  void savedReportIsFoundExactly() {
    storage().save(report("2026-11-23T12-00-00.000Z", true));
    assertEquals(
        Optional.of(report("2026-11-23T12-00-00.000Z", true)),
        storage().find("2026-11-23T12-00-00.000Z"));
  }

  @Test
  void savingAgainReplaces() {
    storage().save(report("2026-11-23T12-00-00.000Z", false));
    storage().save(report("2026-11-23T12-00-00.000Z", true));
    assertEquals(List.of(report("2026-11-23T12-00-00.000Z", true)), storage().newest(5));
  }

  @Test
  void newestComesFirstAndLimitHolds() {
    storage().save(report("2026-11-23T12-00-02.000Z", true));
    storage().save(report("2026-11-23T12-00-01.000Z", true));
    storage().save(report("2026-11-23T12-00-03.000Z", true));
    assertEquals(
        List.of("2026-11-23T12-00-03.000Z", "2026-11-23T12-00-02.000Z"),
        storage().newest(2).stream().map(RecoveryReport::id).toList());
  }

  @Test
  void olderOnesFollowAnIdThatNeedNotBeThere() {
    for (int number = 1; number <= 4; number++) {
      storage().save(report("2026-11-23T12-00-0" + number + ".000Z", true));
    }
    assertEquals(
        List.of("2026-11-23T12-00-02.000Z", "2026-11-23T12-00-01.000Z"),
        storage().before("2026-11-23T12-00-03.000Z", 5).stream().map(RecoveryReport::id).toList());
    assertEquals(
        List.of("2026-11-23T12-00-03.000Z"),
        storage().before("2026-11-23T12-00-03.500Z", 1).stream().map(RecoveryReport::id).toList());
    assertEquals(List.of(), storage().before("2026-11-23T12-00-01.000Z", 5));
  }

  @Test
  void unknownOrUnsafeIdIsNotFound() {
    assertEquals(Optional.empty(), storage().find("2026-11-23T12-00-09.000Z"));
    assertEquals(Optional.empty(), storage().find("../../etc/passwd"));
    assertEquals(Optional.empty(), storage().find(""));
  }
}

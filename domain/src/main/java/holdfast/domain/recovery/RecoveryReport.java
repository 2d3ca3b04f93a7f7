package holdfast.domain.recovery;

import holdfast.domain.task.TaskId;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one start found and did.
 *
 * @param id also its name in storage; sorts by time
 * @param readyAt when the server became ready, or null while it has not
 * @param degraded whether something that ought to be redundant was not
 * @param replayed records of the journal that were replayed
 * @param tornTail whether an unfinished, unacknowledged write was cut from the journal's end
 * @param healed what was rebuilt, one sentence each
 * @param quarantined what was put aside, one sentence each
 * @param tasks one verdict for every task that was active
 */
public record RecoveryReport(
    String id,
    Instant startedAt,
    @Nullable Instant readyAt,
    Cause cause,
    boolean degraded,
    long replayed,
    boolean tornTail,
    List<String> healed,
    List<String> quarantined,
    List<TaskVerdict> tasks) {

  public RecoveryReport {
    healed = List.copyOf(healed);
    quarantined = List.copyOf(quarantined);
    tasks = List.copyOf(tasks);
  }

  /** What the last server left behind. */
  public enum Cause {
    /** A journal with a clean end. */
    CLEAN,
    /** A journal without one. */
    CRASH,
    /** Nothing: the data directory is new. */
    FIRST_START,
    /** A journal, but no valid manifest. */
    FULL
  }

  /**
   * One task's fate.
   *
   * @param verdict name of the {@link RecoveryVerdict}
   * @param evidence what was read, in order
   * @param decision what was done about it, as a sentence
   * @param needsDecision whether a person must decide
   */
  public record TaskVerdict(
      TaskId id,
      int attempt,
      String verdict,
      String reason,
      List<String> evidence,
      String decision,
      boolean needsDecision) {
    public TaskVerdict {
      evidence = List.copyOf(evidence);
    }
  }
}

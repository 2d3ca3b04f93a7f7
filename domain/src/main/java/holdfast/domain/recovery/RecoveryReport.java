package holdfast.domain.recovery;

import holdfast.domain.task.RunDecision;
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
   * @param decided what a person has decided since, or null
   */
  public record TaskVerdict(
      TaskId id,
      int attempt,
      String verdict,
      String reason,
      List<String> evidence,
      String decision,
      boolean needsDecision,
      @Nullable Decided decided) {
    public TaskVerdict {
      evidence = List.copyOf(evidence);
    }

    /** A verdict about which nobody has decided anything. */
    public TaskVerdict(
        TaskId id,
        int attempt,
        String verdict,
        String reason,
        List<String> evidence,
        String decision,
        boolean needsDecision) {
      this(id, attempt, verdict, reason, evidence, decision, needsDecision, null);
    }

    /**
     * The same once it is settled.
     *
     * @param how what was done in the end, as a sentence
     */
    public TaskVerdict settled(String how, @Nullable Decided by) {
      return new TaskVerdict(id, attempt, verdict, reason, evidence, how, false, by);
    }
  }

  /** What a person decided, and when. */
  public record Decided(RunDecision decision, Instant at) {}

  /** The same report with another verdict about one task. */
  public RecoveryReport with(TaskVerdict changed) {
    return new RecoveryReport(
        id,
        startedAt,
        readyAt,
        cause,
        degraded,
        replayed,
        tornTail,
        healed,
        quarantined,
        tasks.stream().map(task -> task.id().equals(changed.id()) ? changed : task).toList());
  }
}

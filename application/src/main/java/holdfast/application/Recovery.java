package holdfast.application;

import holdfast.domain.port.EntityKey;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Replay;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.port.TaskStorage.Tombstone;
import holdfast.domain.recovery.ProcessEvidence;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.recovery.RecoveryReport.TaskVerdict;
import holdfast.domain.recovery.RecoveryVerdict;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import holdfast.domain.task.TaskCommand;
import holdfast.domain.task.TaskId;
import holdfast.domain.task.TaskState;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what became of every task that was active when the last server ended, and reports it
 * with the evidence. Runs once, before anything is started.
 */
public final class Recovery {
  /** Purges before this many others have certainly removed their files in an earlier start. */
  private static final int PURGES_REPEATED_MAX = 10_000;

  private static final String UNDECIDABLE = new RecoveryVerdict.Undecidable("").name();

  private static final DateTimeFormatter REPORT_ID =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

  private final Core core;
  private final Supervisor supervisor;
  private volatile @Nullable RecoveryReport report;

  Recovery(Core core, Supervisor supervisor) {
    this.core = core;
    this.supervisor = supervisor;
  }

  /** The report of this start, once recovery is done. */
  public Optional<RecoveryReport> report() {
    return Optional.ofNullable(report);
  }

  /**
   * The reports of this and earlier starts, newest first.
   *
   * @param before only those older than the one with this id; null for all
   */
  public List<RecoveryReport> reports(@Nullable String before, int limit) {
    return core.ports().recovery().before(before, limit);
  }

  /** One of them. */
  public Optional<RecoveryReport> report(String id) {
    return core.ports().recovery().find(id);
  }

  /** What this start concluded about a task, if it left the decision to a person. */
  Optional<TaskVerdict> undecided(TaskId id) {
    RecoveryReport present = report;
    return present == null
        ? Optional.empty()
        : present.tasks().stream()
            .filter(verdict -> verdict.id().equals(id) && verdict.verdict().equals(UNDECIDABLE))
            .findFirst();
  }

  /** Notes in the report what became of a verdict. One thread at a time. */
  void note(TaskVerdict settled) {
    RecoveryReport present = report;
    if (present != null) {
      RecoveryReport noted = present.with(settled);
      report = noted;
      save(noted);
    }
  }

  /**
   * Settles every active task; of a copy that was accepted, every task that is not over: nothing
   * that ran is touched then, and nothing that waits is started.
   */
  void run(Opened opened, Instant startedAt) throws InterruptedException {
    var verdicts = new ArrayList<TaskVerdict>();
    if (opened.acceptedCopy()) {
      for (Task task : tasks(name -> !name.isTerminal() && name != TaskState.Name.HELD)) {
        verdicts.add(disown(task));
      }
      core.ports().tasks().copySettled();
    }
    run(opened.replay(), startedAt, verdicts);
  }

  private TaskVerdict disown(Task task) throws InterruptedException {
    RunRef run = task.lastRun().orElse(null);
    boolean isActive = task.state().name().isActive();
    Map<OutputStreamName, Long> lengths =
        run == null || !isActive
            ? Map.of()
            : new Outputs(core::state, core.ports().outputs()).lengths(run, task.spec().output());
    core.store().record(task.id(), new TaskCommand.Disown(lengths));
    return new TaskVerdict(
        task.id(),
        task.attempts().size(),
        isActive ? "LOST" : "HELD",
        "copied",
        List.of("INSTANCE names another inode number than its own: the directory was copied"),
        isActive ? "recorded as LOST; no process was touched" : "held: it may run elsewhere",
        false);
  }

  private void run(Replay replay, Instant startedAt, List<TaskVerdict> verdicts)
      throws InterruptedException {
    var restarted = new ArrayList<Task>();
    for (Task task : tasks(TaskState.Name::isActive)) {
      verdicts.add(settle(task, restarted));
    }
    verdicts.forEach(this::log);
    RecoveryReport finished = finished(replay, startedAt, verdicts);
    report = finished;
    save(finished);
    core.log(
        Category.SYSTEM,
        "recovered",
        Map.of(
            "report", finished.id(),
            "cause", finished.cause().name(),
            "replayed", finished.replayed(),
            "activeTasks", finished.tasks().size()));
    repeatPurges(replay);
    for (Task task : restarted) {
      supervisor.launch(task);
    }
  }

  private void log(TaskVerdict verdict) {
    Task task = core.current(verdict.id());
    core.log(
        Category.TASK,
        "verdict",
        ChangeLog.data(
            verdict.id(),
            task,
            Map.of(
                "verdict", verdict.verdict(),
                "reason", verdict.reason(),
                "decision", verdict.decision())));
  }

  /** What storage alone has to say of a start that settles nothing. */
  RecoveryReport unsettled(Replay replay, Instant startedAt) {
    return finished(replay, startedAt, List.of());
  }

  private RecoveryReport finished(Replay replay, Instant startedAt, List<TaskVerdict> verdicts) {
    return new RecoveryReport(
        REPORT_ID.format(startedAt) + "-" + core.state().term(),
        startedAt,
        core.clock().instant(),
        replay.cause(),
        replay.degraded(),
        replay.records(),
        replay.tornTail(),
        replay.healed(),
        replay.quarantined(),
        verdicts);
  }

  private List<Task> tasks(Predicate<TaskState.Name> wanted) {
    return core.state().select(task -> wanted.test(task.state().name())).stream()
        .map(Stored::entity)
        .sorted(Comparator.comparing(Task::createdAt).thenComparing(Task::id))
        .toList();
  }

  private TaskVerdict settle(Task task, List<Task> restarted) throws InterruptedException {
    RunRef run = task.lastRun().orElseThrow();
    Attempt attempt = task.attempts().getLast();
    ProcessEvidence evidence = core.ports().processes().examine(run, attempt);
    var lengths =
        new Outputs(core::state, core.ports().outputs()).lengths(run, task.spec().output());
    Settlement.Settled settled = core.settlement().settle(task, run, evidence, lengths);
    Task now = core.current(task.id());
    if (now != null && settled.restarted()) {
      restarted.add(now);
    } else if (now != null && settled.goesOn()) {
      core.ports().processes().follow(run, now.attempts().getLast());
    }
    return new TaskVerdict(
        task.id(),
        attempt.number(),
        settled.verdict().name(),
        settled.verdict().reason(),
        evidence.facts(),
        settled.decision(),
        settled.needsDecision());
  }

  private void save(RecoveryReport finished) {
    try {
      core.ports().recovery().save(finished);
    } catch (StorageException failure) {
      core.log(
          Category.ERROR,
          "recovery-report-not-saved",
          Map.of("report", finished.id(), "error", String.valueOf(failure.getMessage())));
    }
  }

  /** Removes files that a crash left behind between a purge and the removal. */
  private void repeatPurges(Replay replay) {
    if (replay.cause() == RecoveryReport.Cause.CLEAN
        || replay.cause() == RecoveryReport.Cause.FIRST_START) {
      return;
    }
    core.state().tombstones().stream()
        .filter(tombstone -> tombstone.key().kind() == EntityKey.Kind.TASK)
        .sorted(Comparator.comparingLong(Tombstone::seq).reversed())
        .limit(PURGES_REPEATED_MAX)
        .forEach(this::repeatPurge);
  }

  private void repeatPurge(Tombstone tombstone) {
    try {
      core.ports().outputs().purge(new TaskId(tombstone.key().id()));
    } catch (StorageException failure) {
      core.log(
          Category.ERROR,
          "purged-files-left",
          Map.of("taskId", tombstone.key().id(), "error", String.valueOf(failure.getMessage())));
    }
  }
}

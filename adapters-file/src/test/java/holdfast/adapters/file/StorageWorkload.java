package holdfast.adapters.file;

import holdfast.domain.port.Change;
import holdfast.domain.port.CommitResult;
import holdfast.domain.port.EventLog.Category;
import holdfast.domain.port.EventLog.Entry;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.SnapshotStorage.Reason;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Opened;
import holdfast.domain.port.TaskStorage.Origin;
import holdfast.domain.recovery.RecoveryReport;
import holdfast.domain.task.TaskEvent;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Everything that a server does to its disk, always the same and in the same order: commits over
 * several segments, state files, snapshots, retirement, a round of the scrub, reports, event logs.
 * As a process it tells a ledger what happens; one change is committed after the other, so that a
 * line of the ledger stands behind every call that it rests on.
 */
final class StorageWorkload {
  /** Changes that are there before the process begins. */
  static final int BEFORE = 5;

  private static final int SEGMENT_BYTES = 64 << 10;
  private static final int ROUND = 5;

  /** So large that two fill a segment and three do not fit, whatever seals stand between them. */
  private static final int COMMAND_CHARS = 21_000;

  private final FileStorage files;
  private final Ledger ledger;
  private final Model model = new Model();

  /** Takes lines. What it has taken is out of the process, whatever ends it. */
  interface Ledger {
    void line(String line);
  }

  StorageWorkload(FileStorage files, Ledger ledger) {
    this.files = files;
    this.ledger = ledger;
  }

  static FileStorageSettings settings(Path data, java.util.function.Consumer<Throwable> onFatal) {
    return FileStorageSettings.of(data, InstantSource.fixed(SampleTasks.NOON), onFatal)
        .with(new FileStorageSettings.Sizes(SEGMENT_BYTES, 100, 0, 2, 1 << 20));
  }

  /** All changes, in order. */
  static List<Change> changes() {
    var changes = new ArrayList<Change>();
    for (int n = 0; n < BEFORE + 2 * ROUND; n += 5) {
      Change.PutTask first = large(n);
      changes.add(first);
      changes.add(large(n + 1));
      changes.add(SampleTasks.change(first.task(), new TaskEvent.Released(SampleTasks.NOON)));
      changes.add(SampleTasks.initiative(n, "initiative " + n));
      changes.add(n == 0 ? large(n + 2) : SampleTasks.purge(large(n - 4).task()));
    }
    return changes;
  }

  private static Change.PutTask large(long n) {
    return SampleTasks.submit(n, SampleTasks.spec("true", "x".repeat(COMMAND_CHARS)), null);
  }

  void open() {
    Opened opened =
        files.taskStorage().open(changes -> changes.forEach(c -> model.apply(c.change())));
    model.load(image(opened));
    ledger.line("serving");
  }

  static holdfast.domain.port.StateImage image(Opened opened) {
    return new holdfast.domain.port.StateImage(
        opened.seq(),
        SampleTasks.NOON,
        opened.tasks(),
        opened.initiatives(),
        opened.tombstones(),
        opened.idempotency());
  }

  Model model() {
    return model;
  }

  /** Commits the changes from number {@code from} on, one by one, as long as it can. */
  boolean commit(int from, int to) {
    for (int n = from; n < to; n++) {
      CommitResult result;
      try {
        result = files.taskStorage().commit(List.of(changes().get(n)), Origin.CLIENT).await();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      if (!(result instanceof CommitResult.Done)) {
        ledger.line("not acknowledged " + n + ": " + result);
        return false;
      }
      ledger.line("acknowledged " + n);
    }
    return true;
  }

  /** What goes on beside the commits. */
  void upkeep(int round) {
    attempt("sync", this::sync);
    attempt("snapshot", () -> files.snapshotStorage().save(model.image(), Reason.PERIODIC));
    attempt("scrub", this::scrub);
    attempt("report", () -> files.recoveryStorage().save(report(round)));
    files
        .eventLog()
        .append(new Entry(SampleTasks.NOON, Category.SYSTEM, "round", Map.of("n", round)));
    files.eventLog().flush();
    String impairment = files.taskStorage().condition().impairment();
    if (impairment != null) {
      ledger.line("reported impairment: " + impairment);
    }
  }

  private void sync() {
    files
        .stateFiles()
        .reconcile(
            model.tasks(),
            model.image().initiatives(),
            model.image().tombstones().stream().map(gone -> gone.key()).toList())
        .findings()
        .forEach(finding -> ledger.line("reported by sync: " + finding));
    files.stateFiles().checkpoint(model.seq());
  }

  private void scrub() {
    boolean last = false;
    while (!last) {
      var piece = files.scrubbing().next();
      piece.mended().forEach(mended -> ledger.line("reported by scrub: " + mended));
      last = piece.last();
    }
    boolean swept = false;
    while (!swept) {
      var result = files.stateFiles().sweep(model::exists);
      result.findings().forEach(finding -> ledger.line("reported by sweep: " + finding));
      swept = result.last();
    }
  }

  private static RecoveryReport report(int round) {
    return new RecoveryReport(
        "2026-11-23T12-00-00.000Z-" + round,
        SampleTasks.NOON,
        null,
        RecoveryReport.Cause.CLEAN,
        false,
        round,
        false,
        List.of(),
        List.of(),
        List.of());
  }

  /** As the server does: what is no commit may fail, is told, and comes again. */
  private void attempt(String what, Runnable action) {
    try {
      action.run();
    } catch (StorageException e) {
      ledger.line("reported " + what + ": " + e.getMessage() + ": " + e.getCause());
    }
  }

  /**
   * The process on a data directory; its output is the ledger. Ends as a server does, with 0, with
   * the code of a refused start, or with 70 if the journal failed.
   */
  public static void main(String[] arguments) throws InterruptedException {
    var output = new FileOutputStream(FileDescriptor.out);
    Ledger ledger = line -> write(output, line);
    FileStorageSettings settings =
        settings(
            Path.of(arguments[0]),
            failure -> {
              ledger.line("fatal: " + failure);
              Runtime.getRuntime().halt(FileStorageException.EXIT_JOURNAL_FAILED);
            });
    try (FileStorage files = FileStorage.open(settings)) {
      var workload = new StorageWorkload(files, ledger);
      workload.open();
      for (int round = 1; round <= 2; round++) {
        int from = BEFORE + (round - 1) * ROUND;
        if (!workload.commit(from, from + ROUND)) {
          // Whoever is not acknowledged learns why; the process is about to be ended.
          boolean ended = new CountDownLatch(1).await(30, TimeUnit.SECONDS);
          throw new AssertionError("the process goes on without its journal " + ended);
        }
        workload.upkeep(round);
      }
    } catch (FileStorageException e) {
      ledger.line("refused: " + e.getMessage());
      Runtime.getRuntime().halt(e.exitCode());
    }
    ledger.line("ended");
  }

  private static void write(FileOutputStream output, String line) {
    try {
      output.write((line.replace('\n', ' ') + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

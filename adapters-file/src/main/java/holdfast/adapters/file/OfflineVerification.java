package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DryDisk;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.layout.Instance;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.log.FileAuditTrail;
import holdfast.adapters.file.report.FileRecoveryStorage;
import holdfast.domain.initiative.Initiative;
import holdfast.domain.port.AuditTrail.Broken;
import holdfast.domain.port.EntityKey;
import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.Scrubbing.Piece;
import holdfast.domain.port.StateFiles.Finding;
import holdfast.domain.port.StateFiles.Reconciled;
import holdfast.domain.port.StateFiles.Swept;
import holdfast.domain.port.StateImage;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage.Stored;
import holdfast.domain.task.Attempt;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import holdfast.domain.task.Task;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Checks a data directory that no server uses: a start and a whole scrub are tried on it, with
 * every change kept in memory, and what they would report are the findings. Nothing on the disk is
 * changed.
 */
public final class OfflineVerification {
  private static final int GROUP = 256;
  private static final long LOOK_NANOS = 50_000_000;

  private final Layout layout;
  private final Disk disk;
  private final Parts parts;
  private final List<String> findings = new ArrayList<>();

  /**
   * What was found.
   *
   * @param findings one line each; empty if everything is as it was written
   * @param copied that the directory is a copy, which a start serves read-only; or null
   * @param tasks that the directory holds, as far as can be told
   * @param seq of the last change
   */
  public record Result(
      List<String> findings, @Nullable String copied, int tasks, int initiatives, long seq) {}

  private OfflineVerification(Layout layout, FileStorageSettings settings) {
    this.layout = layout;
    disk = new DryDisk(new NioDisk());
    parts = Parts.of(disk, layout, settings);
  }

  /**
   * Checks everything below the directories that the settings name.
   *
   * @throws FileStorageException if there is no such directory, or a server holds it
   */
  public static Result run(FileStorageSettings settings) {
    Layout layout = FileStorage.layout(settings);
    try (Offline _ = Offline.hold(layout)) {
      return new OfflineVerification(layout, settings).check();
    } catch (IOException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED, layout.state() + " cannot be read: " + e, e);
    }
  }

  private Result check() throws IOException {
    layout.prepare(disk);
    boolean isOrderly = OfflineAudit.evidence(disk, layout, parts, true).isOrderly();
    String copied = adopt();
    var fold = new StateFold(new EntityHeads(), java.time.Instant.EPOCH);
    History.Start start;
    try {
      start = parts.history().start(parts.bases(fold));
    } catch (StorageException e) {
      findings.add(String.valueOf(e.getMessage()));
      audit(isOrderly, false);
      return new Result(List.copyOf(findings), copied, 0, 0, 0);
    }
    findings.addAll(start.healed());
    findings.addAll(start.quarantined());
    StateImage image = fold.image(start.seq());
    scrub();
    stateFiles(image);
    outputs(image.tasks());
    reports();
    audit(isOrderly, true);
    return new Result(
        findings.stream().distinct().toList(),
        copied,
        image.tasks().size(),
        image.initiatives().size(),
        start.seq());
  }

  /**
   * Lets a copy pass for an original, in memory: it is no less sound for being one.
   *
   * @return that it is a copy, as a sentence, or null
   */
  private @Nullable String adopt() throws IOException {
    Instance instance = Instance.read(disk, layout.instance());
    if (instance == null || instance.inode() == disk.inode(layout.instance())) {
      return null;
    }
    Instance.write(disk, layout.instance(), instance.lineage());
    return layout.state()
        + " is a copy: a start serves it read-only, or goes on with it by itself with"
        + " --accept-copy";
  }

  private void audit(boolean isOrderly, boolean withJournal) throws IOException {
    Broken broken =
        FileAuditTrail.verify(
                disk,
                layout.logs(),
                isOrderly,
                OfflineAudit.evidence(disk, layout, parts, withJournal).toEvidence())
            .broken();
    if (broken != null) {
      findings.add("the audit trail in " + layout.logs() + ": " + broken);
    }
  }

  private void scrub() {
    boolean last = false;
    while (!last) {
      Piece piece = parts.scrubbing().next();
      for (Mended mended : piece.mended()) {
        findings.add(
            mended.place()
                + " "
                + mended.damage()
                + (mended.source() == null
                    ? ": there is nothing to rebuild it from"
                    : ": can be rebuilt from " + mended.source()));
      }
      last = piece.last();
    }
  }

  private void stateFiles(StateImage image) {
    long checkpoint = parts.stateFiles().checkpoint();
    List<Stored<Task>> tasks = image.tasks();
    for (int from = 0; from < tasks.size(); from += GROUP) {
      lookAt(tasks.subList(from, Math.min(from + GROUP, tasks.size())), List.of());
    }
    lookAt(List.of(), image.initiatives());
    Set<EntityKey> known = new HashSet<>();
    tasks.forEach(task -> known.add(EntityKey.of(task.entity().id())));
    for (Stored<Initiative> initiative : image.initiatives()) {
      known.add(EntityKey.of(initiative.entity().id()));
    }
    // A purge behind the checkpoint may have left its file.
    image.tombstones().stream()
        .filter(gone -> gone.seq() > checkpoint)
        .forEach(gone -> known.add(gone.key()));
    boolean last = false;
    while (!last) {
      Swept swept = parts.stateFiles().sweep(known::contains);
      note(swept.findings());
      last = swept.last();
    }
  }

  /** What may still be being written this very moment is looked at again until it is not. */
  private void lookAt(List<Stored<Task>> tasks, List<Stored<Initiative>> initiatives) {
    Reconciled seen = parts.stateFiles().reconcile(tasks, initiatives, List.of());
    note(seen.findings());
    Set<EntityKey> open = new HashSet<>(seen.unsettled());
    seen.findings().forEach(finding -> open.remove(finding.key()));
    if (!open.isEmpty()) {
      LockSupport.parkNanos(LOOK_NANOS);
      lookAt(
          tasks.stream().filter(one -> open.contains(EntityKey.of(one.entity().id()))).toList(),
          initiatives.stream()
              .filter(one -> open.contains(EntityKey.of(one.entity().id())))
              .toList());
    }
  }

  private void note(List<Finding> found) {
    found.forEach(
        finding ->
            findings.add(
                finding.place()
                    + " "
                    + finding.condition().name().toLowerCase(java.util.Locale.ROOT)
                    + ": "
                    + finding.detail()));
  }

  /** What was sealed must be in both of its files; of what was not yet, there is one. */
  private void outputs(List<Stored<Task>> tasks) {
    for (Stored<Task> stored : tasks) {
      Task task = stored.entity();
      for (Attempt attempt : task.attempts()) {
        var run = new RunRef(task.id(), attempt.number(), attempt.run());
        attempt
            .seals()
            .forEach(
                (stream, seal) ->
                    findings.addAll(parts.outputs().damage(new Output(run, stream), seal)));
        for (OutputStreamName stream : attempt.outputBytes().keySet()) {
          String missing =
              attempt.isSealed(stream)
                  ? null
                  : missing(new Output(run, stream), attempt.recordedBytes(stream));
          if (missing != null) {
            findings.add(missing);
          }
        }
      }
    }
  }

  private @Nullable String missing(Output output, long recorded) {
    try (OutputStorage.Reader reader = parts.outputs().open(output, null)) {
      long length = reader.length();
      return length >= recorded
          ? null
          : "the output "
              + output
              + " has "
              + length
              + " bytes; "
              + recorded
              + " were recorded, and it has not been sealed yet";
    } catch (StorageException e) {
      return "the output " + output + " cannot be read: " + e.getMessage();
    }
  }

  private void reports() {
    try {
      new FileRecoveryStorage(
              disk,
              layout.reports(),
              parts.places().quarantine(),
              FileRecoveryStorage.Bounds.USUAL,
              findings::add)
          .newest(Integer.MAX_VALUE);
    } catch (StorageException e) {
      findings.add(String.valueOf(e.getMessage()));
    }
  }
}

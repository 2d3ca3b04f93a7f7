package holdfast.adapters.file;

import holdfast.adapters.file.backup.BackupPlace;
import holdfast.adapters.file.backup.Copying;
import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.journal.JournalExtract;
import holdfast.adapters.file.journal.LostHistoryException;
import holdfast.adapters.file.layout.AuditAnchors;
import holdfast.adapters.file.layout.Instance;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.layout.Manifest;
import holdfast.adapters.file.layout.Manifests;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.adapters.file.snapshot.SnapshotFiles;
import holdfast.adapters.file.snapshot.SnapshotName;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Copies a data directory as a whole, whether or not a server uses it: what a crash at some moment
 * of the copying would have left. The server is not asked and not slowed but for the disk.
 *
 * <pre>
 *  1  what proves how far history goes: manifest, snapshots, state files
 *  2  the journal, up to its present end: it reaches everything that 1 proves
 *  3  outputs: at least what the journal has recorded of them
 *  4  the rest: logs, reports, conflicts, token, configuration
 *  5  2 and 3 once more for what has changed since, until that is little
 * </pre>
 *
 * <p>A task that was purged between 2 and 3 lacks its outputs; 5 copies the purge too, in so short
 * a time that hardly another one falls into it. Then the copy is checked as {@link
 * OfflineVerification} checks a directory; if it finds anything, 5 is repeated. If the journal was
 * retired, or a restore came between, everything is repeated; files that have not changed are not
 * copied again.
 */
public final class LiveBackup {
  private static final int ROUNDS_MAX = 10;
  private static final int PASSES_MAX = 10;

  /** So few changes are followed up in so short a time that hardly anything happens meanwhile. */
  private static final int FEW = 100;

  private static final int PASSES_UNCHECKED_MAX = 5;

  /** With what a command is started, its variables among it, in a run directory. */
  private static final String PERMIT = "env";

  /**
   * What lets in is the copy's too; not the key of tasks' tokens, since none of them goes on there.
   */
  private static final List<String> TOKENS = List.of("token", "token.read");

  private final Disk disk = new NioDisk();
  private final FileStorageSettings settings;
  private final Layout from;
  private final Layout to;
  private final Copying copying;

  /**
   * What was made.
   *
   * @param rounds how often it was tried
   * @param findings what is damaged in it because it is damaged in the source, one line each
   */
  public record Result(
      Path target, int tasks, long seq, long bytes, int rounds, List<String> findings) {}

  private LiveBackup(FileStorageSettings settings, Layout to, BooleanSupplier isOver) {
    this.settings = settings;
    from = FileStorage.layout(settings);
    this.to = to;
    copying = new Copying(disk, isOver);
  }

  /** One backup to be made, which another thread may give up. */
  public static final class Order {
    private final FileStorageSettings settings;
    private final Path target;
    private volatile boolean isGivenUp;
    private volatile @Nullable BackupPlace place;

    /**
     * @param settings of the directory that is copied
     * @param target that must not exist, or be an empty directory
     */
    public Order(FileStorageSettings settings, Path target) {
      this.settings = settings;
      this.target = target;
    }

    /**
     * Makes it. When this returns it is whole, durable, and bears its name.
     *
     * @throws FileStorageException if it cannot be made; nothing is left of it then
     */
    public Result run() {
      Layout from = FileStorage.layout(settings);
      try {
        if (new NioDisk().kind(from.state()) != Disk.Kind.DIRECTORY) {
          throw new FileStorageException(
              FileStorageException.EXIT_REFUSED,
              from.state() + " is no directory: nothing has been stored there");
        }
        var sources = new ArrayList<>(List.of(from.data(), from.state()));
        if (settings.mirrorDir() != null) {
          sources.add(from.mirror());
        }
        return run(BackupPlace.make(target, sources));
      } catch (BackupPlace.RefusedException e) {
        throw new FileStorageException(
            FileStorageException.EXIT_CONFLICT, String.valueOf(e.getMessage()), e);
      } catch (IOException e) {
        throw failed("cannot be made: " + e, e);
      }
    }

    private Result run(BackupPlace made) throws IOException {
      place = made;
      boolean isFinished = false;
      try {
        Path state = made.unfinished().resolve("state");
        var layout = new Layout(made.unfinished(), state, Layout.defaultMirror(state));
        Result result = new LiveBackup(settings, layout, () -> isGivenUp).make(made.target());
        if (isGivenUp) {
          throw failed("was given up on request", null);
        }
        made.finish();
        isFinished = true;
        return result;
      } catch (DiskFullException e) {
        throw failed("was given up, for its disk is full: " + e.getMessage(), e);
      } catch (IOException e) {
        throw failed("was given up: " + e, e);
      } catch (FileStorageException e) {
        throw e;
      } catch (StorageException e) {
        throw failed("was given up: " + e.getMessage(), e);
      } finally {
        if (!isFinished) {
          made.remove();
        }
      }
    }

    private FileStorageException failed(String what, @Nullable Throwable cause) {
      String message = "the backup " + target + " " + what + "; nothing is left of it";
      return cause == null
          ? new FileStorageException(FileStorageException.EXIT_FAILED, message)
          : new FileStorageException(FileStorageException.EXIT_FAILED, message, cause);
    }

    /** Asks the thread that makes it to stop and to remove what there is. Any thread. */
    public void giveUp() {
      isGivenUp = true;
    }

    /** Removes what there is without waiting for that thread. For a process that ends now. */
    public void removeNow() throws IOException {
      BackupPlace made = place;
      if (made != null) {
        made.remove();
      }
    }
  }

  private Result make(Path target) throws IOException {
    for (Path directory : to.directories()) {
      copying.directory(directory);
    }
    for (int round = 1; ; round++) {
      try {
        OfflineVerification.Result checked = round();
        return new Result(
            target,
            checked.tasks(),
            checked.seq(),
            copying.bytes(),
            round,
            checked.findings().stream()
                .map(line -> line.replace(to.data().toString(), target.toString()))
                .toList());
      } catch (LostHistoryException | NoSuchFileException e) {
        if (round == ROUNDS_MAX) {
          throw new FileStorageException(
              FileStorageException.EXIT_FAILED,
              "no consistent backup could be made in "
                  + ROUNDS_MAX
                  + " rounds; nothing is left of it. The last one failed because "
                  + e.getMessage(),
              e);
        }
      }
    }
  }

  /** Copies everything, and checks it. */
  private OfflineVerification.Result round() throws IOException {
    UUID lineage = names();
    snapshots();
    stateFiles(from.tasks(), to.tasks());
    stateFiles(from.initiatives(), to.initiatives());
    clearJournal();
    Set<String> known = tasksWithRuns();
    long reached = journal(lineage, 0, known);
    // Copies first: the raw file then goes at least as far as its copy.
    outputCopies(known);
    runs(known);
    rest();
    List<String> before = List.of();
    for (int pass = 1; ; pass++) {
      var changed = new HashSet<String>();
      reached = Math.max(reached, journal(lineage, reached, changed));
      for (String id : changed) {
        outputs(id);
      }
      if (changed.size() > FEW && pass < PASSES_UNCHECKED_MAX) {
        continue;
      }
      // A log that was rotated while it was copied lacks lines; those of the trail must not.
      audit();
      OfflineVerification.Result checked = check();
      // What is found twice alike is not of our making: the source has it.
      if (checked.findings().isEmpty() || checked.findings().equals(before) || pass == PASSES_MAX) {
        return checked;
      }
      before = checked.findings();
    }
  }

  private OfflineVerification.Result check() {
    var copied =
        new FileStorageSettings(
            to.data(),
            to.state(),
            null,
            FileStorageSettings.Allowed.NOTHING,
            settings.sizes(),
            settings.logs(),
            settings.clock(),
            settings.onFatal());
    OfflineVerification.Result result = OfflineVerification.run(copied);
    if (result.seq() == 0 && !result.findings().isEmpty()) {
      throw new LostHistoryException(String.join("; ", result.findings()));
    }
    return result;
  }

  /** Whose history it is, and how far it goes at least. */
  private UUID names() throws IOException {
    Instance instance = Instance.read(disk, from.instance());
    Manifest manifest = new Manifests(disk, from.manifest(), from.otherManifest()).read().newest();
    UUID lineage =
        manifest != null ? manifest.lineage() : instance == null ? null : instance.lineage();
    if (lineage == null) {
      throw new StorageException(
          from.state() + " holds no history: neither INSTANCE nor a manifest is there and whole");
    }
    Instance.writeOfCopy(disk, to.instance(), lineage);
    if (manifest != null) {
      new Manifests(disk, to.manifest(), to.otherManifest()).save(manifest);
    }
    return lineage;
  }

  private void snapshots() throws IOException {
    var source = new SnapshotFiles(disk, from.snapshots(), from.snapshotTwins(), none());
    var target = new SnapshotFiles(disk, to.snapshots(), to.snapshotTwins(), none());
    List<SnapshotName> names = source.names();
    for (int i = 0; i < names.size(); i++) {
      List<Path> files = source.files(names.get(i));
      List<Path> copies = target.files(names.get(i));
      boolean isThere = copying.ifChanged(files.getFirst(), copies.getFirst());
      if (i == 0) {
        // Whichever of the two there is serves for both.
        boolean hasTwin = copying.ifChanged(files.getLast(), copies.getLast());
        if (isThere && !hasTwin) {
          copying.ifChanged(copies.getFirst(), copies.getLast());
        } else if (hasTwin && !isThere) {
          copying.ifChanged(copies.getLast(), copies.getFirst());
        }
      }
    }
    for (SnapshotName name : target.names()) {
      if (!names.contains(name)) {
        for (Path copy : target.files(name)) {
          disk.delete(copy);
        }
      } else if (!name.equals(names.getFirst())) {
        disk.delete(target.files(name).getLast());
      }
    }
  }

  private void stateFiles(Path source, Path target) throws IOException {
    var shards = new HashSet<String>();
    for (String shard : disk.list(source)) {
      if (disk.kind(source.resolve(shard)) == Disk.Kind.DIRECTORY) {
        shards.add(shard);
        copying.files(
            source.resolve(shard),
            target.resolve(shard),
            name -> name.endsWith(".json"),
            Copying.How.ANEW);
      }
    }
    copying.keepOnly(target, shards);
  }

  /**
   * The tasks that have run directories now: each of them stands in the journal, or stood there.
   */
  private Set<String> tasksWithRuns() throws IOException {
    var tasks = new HashSet<String>();
    for (String shard : disk.list(from.tasks())) {
      Path directory = from.tasks().resolve(shard);
      if (disk.kind(directory) == Disk.Kind.DIRECTORY) {
        disk.list(directory).stream().filter(TaskId::isValid).forEach(tasks::add);
      }
    }
    return tasks;
  }

  private void clearJournal() throws IOException {
    for (Path directory : List.of(to.journal(), to.mirror())) {
      for (String name : disk.list(directory)) {
        disk.delete(directory.resolve(name));
      }
    }
  }

  /**
   * Copies the journal up to its present end.
   *
   * @param changed takes the ids of all entities that were changed behind {@code after}
   */
  private long journal(UUID lineage, long after, Set<String> changed) throws IOException {
    long last =
        JournalExtract.copy(
            Parts.copies(disk, from, none(), none()),
            lineage,
            Parts.copies(disk, to, none(), none()),
            after,
            change -> changed.add(change.change().key().id()));
    if (last == 0 && after == 0) {
      throw new LostHistoryException(from.journal() + " holds no history of " + lineage);
    }
    return last;
  }

  /** Copies the outputs of a task anew, unless it has been purged: then they are left. */
  private void outputs(String id) throws IOException {
    if (!TaskId.isValid(id) || disk.kind(from.task(new TaskId(id))) != Disk.Kind.DIRECTORY) {
      return;
    }
    var task = new TaskId(id);
    copying.files(
        from.outputCopies(task),
        to.outputCopies(task),
        name -> isFinished(name) && name.startsWith(id + "-"),
        Copying.How.IF_CHANGED);
    run(from.task(task), to.task(task));
  }

  private void outputCopies(Set<String> known) throws IOException {
    var shards = new HashSet<String>();
    for (String shard : disk.list(from.outputCopies())) {
      Path source = from.outputCopies().resolve(shard);
      if (disk.kind(source) == Disk.Kind.DIRECTORY) {
        shards.add(shard);
        copying.files(
            source,
            to.outputCopies().resolve(shard),
            name ->
                isFinished(name)
                    && name.length() > TaskId.LENGTH
                    && known.contains(name.substring(0, TaskId.LENGTH)),
            Copying.How.IF_CHANGED);
      }
    }
    copying.keepOnly(to.outputCopies(), shards);
  }

  /** The run directories: all but what a command must never be started from. */
  private void runs(Set<String> known) throws IOException {
    for (String shard : disk.list(from.tasks())) {
      Path source = from.tasks().resolve(shard);
      if (disk.kind(source) != Disk.Kind.DIRECTORY) {
        continue;
      }
      var tasks = new HashSet<String>();
      for (String task : disk.list(source)) {
        if (known.contains(task) && disk.kind(source.resolve(task)) == Disk.Kind.DIRECTORY) {
          tasks.add(task);
          run(source.resolve(task), to.tasks().resolve(shard).resolve(task));
        }
      }
      copying.keepOnly(to.tasks().resolve(shard), tasks);
    }
  }

  private void run(Path source, Path target) throws IOException {
    var runs = new HashSet<String>();
    for (String run : disk.list(source)) {
      if (isFinished(run) && disk.kind(source.resolve(run)) == Disk.Kind.DIRECTORY) {
        runs.add(run);
        copying.files(
            source.resolve(run),
            target.resolve(run),
            name -> isFinished(name) && !name.equals(PERMIT),
            Copying.How.IF_CHANGED);
      }
    }
    copying.keepOnly(target, runs);
  }

  private void rest() throws IOException {
    for (EventLog.Category category : EventLog.Category.values()) {
      if (category != EventLog.Category.AUDIT) {
        log(category);
      }
    }
    copying.files(from.reports(), to.reports(), LiveBackup::isFinished, Copying.How.IF_CHANGED);
    copying.files(from.conflicts(), to.conflicts(), LiveBackup::isFinished, Copying.How.IF_CHANGED);
    for (String token : TOKENS) {
      copying.anew(from.data().resolve(token), to.data().resolve(token));
    }
    boolean isElsewhere = !from.state().equals(from.data().resolve("state"));
    // A start from the copy must not find its way to the directories of the original.
    String name =
        isElsewhere || settings.mirrorDir() != null ? "config.yaml.original" : "config.yaml";
    copying.anew(from.data().resolve("config.yaml"), to.data().resolve(name));
  }

  /** With what was removed of the trail by now, which the copy's manifest must vouch for. */
  private void audit() throws IOException {
    Manifest present = new Manifests(disk, from.manifest(), from.otherManifest()).read().newest();
    Manifest copied = new Manifests(disk, to.manifest(), to.otherManifest()).read().newest();
    log(EventLog.Category.AUDIT);
    if (present != null && copied != null) {
      var anchors = new AuditAnchors();
      anchors.durable(present.audit());
      new Manifests(disk, to.manifest(), to.otherManifest(), anchors).save(copied);
    }
  }

  private void log(EventLog.Category category) throws IOException {
    String name = category.label();
    copying.files(
        from.logs().resolve(name),
        to.logs().resolve(name),
        LiveBackup::isFinished,
        Copying.How.LINES);
  }

  /** Whether a name is not one under which something is still being written. */
  private static boolean isFinished(String name) {
    return !name.endsWith(Disk.TEMPORARY_SUFFIX) && !name.startsWith(".");
  }

  /** Nothing is put aside here. */
  private Quarantine none() {
    return new Quarantine(disk, to.quarantine(), settings.clock(), 0);
  }
}

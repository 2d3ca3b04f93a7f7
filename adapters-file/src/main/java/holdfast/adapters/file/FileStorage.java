package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.LockHeldException;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.log.FileEventLog;
import holdfast.adapters.file.output.FileOutputStorage;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.adapters.file.report.FileRecoveryStorage;
import holdfast.adapters.file.snapshot.FileSnapshotStorage;
import holdfast.adapters.file.state.FileStateFiles;
import holdfast.domain.port.AuditTrail;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.OutputStorage;
import holdfast.domain.port.RecoveryStorage;
import holdfast.domain.port.Scrubbing;
import holdfast.domain.port.SnapshotStorage;
import holdfast.domain.port.StateFiles;
import holdfast.domain.port.StorageException;
import holdfast.domain.port.TaskStorage;
import holdfast.domain.task.RunRef;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Storage below one data directory, locked for this process: tasks, outputs, event logs and
 * recovery reports.
 *
 * <p>{@link #open} takes the lock and makes the directories; history is recovered when {@link
 * TaskStorage#open} is called on {@link #taskStorage}. Any thread.
 */
public final class FileStorage implements AutoCloseable {
  private static final Set<String> NETWORK_TYPES =
      Set.of(
          "nfs",
          "nfs4",
          "cifs",
          "smb3",
          "smbfs",
          "9p",
          "afs",
          "ceph",
          "lustre",
          "fuse.sshfs",
          "fuse.glusterfs",
          "beegfs",
          "gpfs");

  private final Layout layout;
  private final List<DirectoryLock> locks;
  private final FileTaskStorage taskStorage;
  private final FileOutputStorage outputStorage;
  private final FileSnapshotStorage snapshotStorage;
  private final FileScrubbing scrubbing;
  private final FileStateFiles stateFiles;
  private final FileEventLog eventLog;
  private final AuditTrail auditTrail;
  private final FileRecoveryStorage recoveryStorage;

  FileStorage(Disk disk, Layout layout, FileStorageSettings settings, List<DirectoryLock> locks)
      throws IOException {
    this.layout = layout;
    this.locks = locks;
    Parts parts = Parts.of(disk, layout, settings);
    taskStorage = new FileTaskStorage(disk, layout, settings, parts, locks);
    snapshotStorage = parts.snapshots();
    stateFiles = parts.stateFiles();
    scrubbing = parts.scrubbing();
    outputStorage = parts.outputs();
    AuditOpening opened = AuditOpening.of(disk, layout, settings, parts);
    eventLog = opened.log();
    auditTrail = opened.trail();
    recoveryStorage =
        new FileRecoveryStorage(
            disk,
            layout.reports(),
            parts.places().quarantine(),
            FileRecoveryStorage.Bounds.USUAL,
            what ->
                eventLog.append(
                    new EventLog.Entry(
                        settings.clock().instant(),
                        EventLog.Category.ERROR,
                        "recovery-report",
                        Map.of("trouble", what))));
  }

  /**
   * Locks the data directory and makes what is missing in it.
   *
   * @throws FileStorageException if another process holds it, if others than its owner can look
   *     into it, or if its file system is unsuitable; nothing in it was changed then
   */
  public static FileStorage open(FileStorageSettings settings) {
    return open(settings, new NioDisk());
  }

  static FileStorage open(FileStorageSettings settings, Disk disk) {
    Layout layout = layout(settings);
    try {
      checkPlaces(disk, layout, settings);
      var locks = new ArrayList<DirectoryLock>();
      try {
        locks.add(lock(layout.lock(), settings));
        prepare(disk, layout, settings);
        if (settings.mirrorDir() != null) {
          locks.add(lock(layout.mirrorLock(), settings));
        }
        return new FileStorage(disk, layout, settings, locks);
      } catch (IOException | RuntimeException e) {
        locks.forEach(DirectoryLock::close);
        throw e;
      }
    } catch (AccessDeniedException e) {
      throw FileStorageException.inaccessible(e);
    } catch (IOException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED, "cannot use " + layout.data() + ": " + e, e);
    }
  }

  /** Makes the directories that hold everything, and refuses those that are not safe to use. */
  static void checkPlaces(Disk disk, Layout layout, FileStorageSettings settings)
      throws IOException {
    for (Path directory : List.of(layout.data(), layout.state())) {
      Layout.create(disk, directory);
      check(disk, directory, settings.allowed().networkFs());
    }
  }

  /** Makes what is missing below them. */
  static void prepare(Disk disk, Layout layout, FileStorageSettings settings) throws IOException {
    refuseStrangers(disk, layout);
    layout.prepare(disk);
    putAsideUnfinished(disk, layout, settings);
    if (settings.mirrorDir() != null) {
      // In its usual place it is inside what was checked already.
      check(disk, layout.mirror(), settings.allowed().networkFs());
    }
  }

  /** What stands in a directory's place would lead everything below it to somewhere else. */
  private static void refuseStrangers(Disk disk, Layout layout) throws IOException {
    var directories = new ArrayList<>(layout.directories());
    for (EventLog.Category category : EventLog.Category.values()) {
      directories.add(layout.logs().resolve(category.name().toLowerCase(Locale.ROOT)));
    }
    for (Path directory : directories) {
      Disk.Kind kind = disk.kind(directory);
      if (kind != Disk.Kind.MISSING && kind != Disk.Kind.DIRECTORY) {
        throw new FileStorageException(
            FileStorageException.EXIT_REFUSED,
            directory
                + " is not a directory. Symbolic links are not followed. Move it away, and put the"
                + " directory back that belongs there; nothing was changed");
      }
    }
  }

  /** Directories that bear the name of an unfinished file would be in its way. */
  private static void putAsideUnfinished(Disk disk, Layout layout, FileStorageSettings settings)
      throws IOException {
    for (Path directory : layout.directories()) {
      for (String name : disk.list(directory)) {
        Path path = directory.resolve(name);
        if (name.endsWith(Disk.TEMPORARY_SUFFIX) && disk.kind(path) == Disk.Kind.DIRECTORY) {
          Path aside =
              directory.startsWith(layout.mirror())
                  ? layout.mirrorQuarantine()
                  : layout.quarantine();
          new Quarantine(disk, aside, settings.clock(), settings.sizes().quarantineBytesMax())
              .move(path, "a directory where unfinished files are written", null);
        }
      }
    }
  }

  static Layout layout(FileStorageSettings settings) {
    Path state = settings.stateDir().toAbsolutePath().normalize();
    Path mirror = settings.mirrorDir();
    return new Layout(
        settings.dataDir().toAbsolutePath().normalize(),
        state,
        mirror == null ? Layout.defaultMirror(state) : mirror.toAbsolutePath().normalize());
  }

  private static void check(Disk disk, Path directory, boolean allowNetworkFs) throws IOException {
    if (disk.kind(directory) != Disk.Kind.DIRECTORY) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED,
          directory + " is not a directory. Symbolic links are not followed: name the target");
    }
    requireOwn(directory, "could look into it", "chown -R");
    String permissions = NioDisk.permissions(directory);
    if (!permissions.endsWith("------")) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED,
          directory
              + " has mode "
              + permissions
              + ", so others can look into it. Run: chmod 700 "
              + directory);
    }
    String type = NioDisk.fileSystemType(directory);
    if (NETWORK_TYPES.contains(type) && !allowNetworkFs) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED,
          directory
              + " is on a network file system ("
              + type
              + "), where locks and forces may not mean what they say. Use a local disk, or"
              + " --allow-network-fs");
    }
  }

  /**
   * @param danger what somebody else could do if it were theirs
   * @param command makes it this user's
   * @throws FileStorageException if it belongs to somebody else
   */
  static void requireOwn(Path path, String danger, String command) throws IOException {
    String stranger = NioDisk.strangersName(path);
    if (stranger != null) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED,
          path
              + " belongs to another user, "
              + stranger
              + ", who "
              + danger
              + ". Run the server as that user, or make it this one's with "
              + command
              + ": "
              + path);
    }
  }

  static DirectoryLock lock(Path file, FileStorageSettings settings) throws IOException {
    String holder =
        "pid "
            + ProcessHandle.current().pid()
            + " on "
            + host()
            + ", started "
            + ProcessHandle.current().info().startInstant().orElse(settings.clock().instant());
    try {
      if (new NioDisk().kind(file) == Disk.Kind.FILE) {
        requireOwn(file, "could hold it for as long as they like", "chown");
      }
      return DirectoryLock.take(file, holder, settings.clock());
    } catch (LockHeldException e) {
      throw inUse(file, e);
    }
  }

  /** Refuses a directory whose lock is held. */
  static FileStorageException inUse(Path file, LockHeldException e) {
    return new FileStorageException(
        FileStorageException.EXIT_REFUSED,
        Disk.parent(file)
            + " is in use by another server: "
            + e.getMessage()
            + ". Stop that one first, or use another data directory",
        e);
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException _) {
      return "this host";
    }
  }

  public TaskStorage taskStorage() {
    return taskStorage;
  }

  public OutputStorage outputStorage() {
    return outputStorage;
  }

  public SnapshotStorage snapshotStorage() {
    return snapshotStorage;
  }

  public StateFiles stateFiles() {
    return stateFiles;
  }

  /** Reads everything again that is kept more than once, except for the state files. */
  public Scrubbing scrubbing() {
    return scrubbing;
  }

  public EventLog eventLog() {
    return eventLog;
  }

  public AuditTrail auditTrail() {
    return auditTrail;
  }

  public RecoveryStorage recoveryStorage() {
    return recoveryStorage;
  }

  /**
   * Where a run's files go. Neither it nor its parent need exist: whoever makes it makes them, with
   * mode 0700.
   */
  public Path runDirectory(RunRef run) {
    return layout.run(run);
  }

  /** Where damaged files are put aside. */
  public Path quarantineDirectory() {
    return layout.quarantine();
  }

  /** Says that somebody has taken notice of starts that failed: the next one is tried again. */
  public void failuresNoticed() {
    try {
      locks.getFirst().settled();
    } catch (IOException e) {
      throw new StorageException(layout.lock() + " cannot be written", e);
    }
  }

  /** Lets go of everything as if the process were killed: nothing is written any more. */
  void abandon() {
    taskStorage.abandon();
    locks.forEach(DirectoryLock::close);
  }

  /** Ends the journal clean. Event logs still take lines, until {@link #close}. Idempotent. */
  public void closeJournal() {
    taskStorage.close();
  }

  /** Ends the journal clean, flushes the logs and releases the lock. Idempotent. */
  @Override
  public void close() {
    try {
      taskStorage.close();
    } finally {
      eventLog.close();
      locks.forEach(DirectoryLock::close);
    }
  }
}

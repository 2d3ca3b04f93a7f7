package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DryDisk;
import holdfast.adapters.file.disk.FileLock;
import holdfast.adapters.file.disk.LockHeldException;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.journal.LostHistoryException;
import holdfast.adapters.file.layout.Layout;
import holdfast.domain.port.StorageException;
import holdfast.domain.restoration.Restoration;
import holdfast.domain.restoration.RestorationDiff;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Returns a data directory that no server uses to one of its snapshots.
 *
 * <p>All of it is tried in memory first, up to the point where something would be written: what is
 * refused has changed nothing.
 */
public final class OfflineRestoration {
  private OfflineRestoration() {}

  /**
   * What is wanted.
   *
   * @param snapshot its id
   * @param dryRun whether only to say what would happen
   */
  public record Request(String snapshot, Restoration.Running running, boolean dryRun) {}

  /** What came of it. */
  public sealed interface Result {
    /**
     * The snapshot's state is in force.
     *
     * @param before id of the snapshot that was made of the state before: restoring it undoes this
     * @param notes what was healed on the way, and what could not be done, one sentence each
     */
    record Restored(RestorationDiff diff, String before, long epoch, long seq, List<String> notes)
        implements Result {}

    /** What would happen; nothing was changed. */
    record Planned(RestorationDiff diff) implements Result {}

    /**
     * Nothing was changed, for the sake of tasks that are active.
     *
     * @param running those that it would forget or change
     */
    record Refused(List<RestorationDiff.Line> running) implements Result {}

    /**
     * Nothing was changed.
     *
     * @param known ids of the snapshots that there are, newest first
     */
    record NoSuchSnapshot(List<String> known) implements Result {}
  }

  /**
   * Restores, or tries to.
   *
   * @throws FileStorageException if a server holds the directory, if it is a copy that was not
   *     accepted, if acknowledged history is missing, or if the snapshot cannot be used; nothing
   *     was changed then. Also if the disk failed: then the state before or the restored one is in
   *     force, whole
   */
  public static Result run(FileStorageSettings settings, Request request) {
    Layout layout = FileStorage.layout(settings);
    Disk disk = new NioDisk();
    try {
      if (disk.kind(layout.state()) != Disk.Kind.DIRECTORY) {
        throw new FileStorageException(
            FileStorageException.EXIT_REFUSED,
            layout.state() + " is no directory: nothing has been stored there");
      }
      return request.dryRun() ? plan(settings, request) : restore(settings, request);
    } catch (LostHistoryException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_LOST_HISTORY, String.valueOf(e.getMessage()), e);
    } catch (FileStorageException e) {
      throw e;
    } catch (StorageException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED, String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_JOURNAL_FAILED,
          "the disk failed below "
              + layout.state()
              + ": "
              + e
              + ". The state before or the restored one is in force, whole: try again",
          e);
    }
  }

  private static Result plan(FileStorageSettings settings, Request request) throws IOException {
    Layout layout = FileStorage.layout(settings);
    // Without the file there is no server, and none must be made.
    FileLock lock = null;
    try {
      lock =
          new NioDisk().kind(layout.lock()) == Disk.Kind.FILE
              ? FileLock.acquire(layout.lock())
              : null;
      return attempt(new DryDisk(new NioDisk()), settings, request);
    } catch (LockHeldException e) {
      throw FileStorage.inUse(layout.lock(), e);
    } finally {
      close(lock);
    }
  }

  private static void close(@Nullable FileLock lock) {
    if (lock != null) {
      lock.close();
    }
  }

  private static Result restore(FileStorageSettings settings, Request request) throws IOException {
    Layout layout = FileStorage.layout(settings);
    var locks = new ArrayList<DirectoryLock>();
    try {
      for (Path lock : locks(settings, layout)) {
        locks.add(FileStorage.lock(lock, settings));
      }
      Result planned =
          attempt(
              new DryDisk(new NioDisk()),
              settings,
              new Request(request.snapshot(), request.running(), true));
      return planned instanceof Result.Planned
          ? attempt(new NioDisk(), settings, request)
          : planned;
    } finally {
      locks.forEach(DirectoryLock::close);
    }
  }

  /** A mirror that is not there is refused later, by name. */
  private static List<Path> locks(FileStorageSettings settings, Layout layout) throws IOException {
    boolean isApart =
        settings.mirrorDir() != null && new NioDisk().kind(layout.mirror()) == Disk.Kind.DIRECTORY;
    return isApart ? List.of(layout.lock(), layout.mirrorLock()) : List.of(layout.lock());
  }

  private static Result attempt(Disk disk, FileStorageSettings settings, Request request)
      throws IOException {
    Layout layout = FileStorage.layout(settings);
    layout.prepare(disk);
    Parts parts = Parts.of(disk, layout, settings);
    AuditOpening audit = request.dryRun() ? null : AuditOpening.of(disk, layout, settings, parts);
    try {
      return new SnapshotRestoration(
              parts.history(),
              parts::bases,
              parts.places(),
              parts.stateFiles(),
              audit == null ? null : audit.trail(),
              settings.clock())
          .run(request);
    } finally {
      if (audit != null) {
        audit.log().close();
      }
      parts.history().close();
    }
  }
}

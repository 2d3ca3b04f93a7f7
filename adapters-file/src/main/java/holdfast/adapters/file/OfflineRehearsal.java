package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DryDisk;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.layout.Layout;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A data directory that no server uses, opened as a start would open it, with every change kept in
 * memory. What is started on {@link #storage} is a rehearsal: nothing on the disk is changed.
 */
public final class OfflineRehearsal implements AutoCloseable {
  private final Offline offline;
  private final FileStorage storage;
  private final @Nullable String heldBack;

  private OfflineRehearsal(Offline offline, FileStorage storage, @Nullable String heldBack) {
    this.offline = offline;
    this.storage = storage;
    this.heldBack = heldBack;
  }

  /**
   * Opens what the settings name; keeps servers off until it is closed.
   *
   * @throws FileStorageException if there is no such directory, if a server holds it, or for
   *     whatever a start would be refused
   */
  public static OfflineRehearsal open(FileStorageSettings settings) {
    Layout layout = FileStorage.layout(settings);
    Disk disk = new DryDisk(new NioDisk());
    try {
      Offline offline = Offline.hold(layout);
      try {
        FileStorage.checkPlaces(disk, layout, settings);
        FileStorage.prepare(disk, layout, settings);
        InstantSource clock = settings.clock();
        return new OfflineRehearsal(
            offline,
            new FileStorage(disk, layout, settings, List.of()),
            DirectoryLock.heldBack(layout.lock(), offline.content(), clock.instant()));
      } catch (IOException | RuntimeException e) {
        offline.close();
        throw e;
      }
    } catch (IOException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED, layout.state() + " cannot be read: " + e, e);
    }
  }

  public FileStorage storage() {
    return storage;
  }

  /** Why a start would not even be tried now, though it would go as rehearsed; or null. */
  public @Nullable String heldBack() {
    return heldBack;
  }

  @Override
  public void close() {
    try {
      storage.close();
    } finally {
      offline.close();
    }
  }
}

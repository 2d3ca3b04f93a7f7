package holdfast.adapters.file.state;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFullException;
import holdfast.adapters.file.json.ConflictJson;
import holdfast.adapters.file.json.MalformedJsonException;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.Conflict;
import holdfast.domain.port.ConflictStorage;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Conflicts, each a checked file of JSON named after its id. What is damaged is put aside. */
final class FileConflictStorage implements ConflictStorage {
  private static final int BYTES_MAX = 128 << 20;
  private static final String SUFFIX = ".json";

  private final Disk disk;
  private final Path directory;
  private final Quarantine quarantine;
  private @Nullable NavigableMap<String, Conflict> loaded;

  FileConflictStorage(Disk disk, Path directory, Quarantine quarantine) {
    this.disk = disk;
    this.directory = directory;
    this.quarantine = quarantine;
  }

  @Override
  public synchronized void save(Conflict conflict) {
    try {
      NavigableMap<String, Conflict> all = load();
      Layout.create(disk, directory);
      disk.replace(file(conflict.id()), ConflictJson.bytes(conflict));
      all.put(conflict.id(), conflict);
      retire(all);
    } catch (IOException e) {
      throw DiskFullException.told("a conflict cannot be written to " + directory + ": " + e, e);
    }
  }

  private Path file(String id) {
    return directory.resolve(id + SUFFIX);
  }

  private void retire(NavigableMap<String, Conflict> all) throws IOException {
    while (all.size() > KEPT_MAX) {
      String oldest =
          all.values().stream()
              .filter(Conflict::resolved)
              .map(Conflict::id)
              .findFirst()
              .orElseGet(all::firstKey);
      disk.delete(file(oldest));
      all.remove(oldest);
    }
  }

  @Override
  public synchronized List<Conflict> all() {
    try {
      return List.copyOf(load().descendingMap().values());
    } catch (IOException e) {
      throw new StorageException("the conflicts in " + directory + " cannot be read: " + e, e);
    }
  }

  private NavigableMap<String, Conflict> load() throws IOException {
    NavigableMap<String, Conflict> known = loaded;
    if (known == null) {
      known = new TreeMap<>();
      for (String name : disk.list(directory)) {
        Conflict conflict = read(directory.resolve(name));
        if (conflict != null) {
          known.put(conflict.id(), conflict);
        }
      }
      loaded = known;
    }
    return known;
  }

  private @Nullable Conflict read(Path file) throws IOException {
    if (String.valueOf(file.getFileName()).endsWith(Disk.TEMPORARY_SUFFIX)) {
      disk.delete(file);
      return null;
    }
    String why = "it is no conflict, or a damaged one";
    if (disk.kind(file) == Disk.Kind.FILE) {
      try {
        Conflict conflict = ConflictJson.read(disk.readAll(file, BYTES_MAX));
        if (conflict != null && file.equals(file(conflict.id()))) {
          return conflict;
        }
      } catch (MalformedJsonException | IllegalArgumentException | IOException e) {
        why = why + ": " + e.getMessage();
      }
    }
    quarantine.move(file, why, null);
    return null;
  }
}

package holdfast.adapters.file.state;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.layout.Layout;
import holdfast.domain.port.EntityKey;
import holdfast.domain.task.TaskId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the state files stand: one directory for each kind of entity, in it shards by the beginning
 * of the id, in those one file for each entity. Changes nothing. Any thread.
 */
record StateFilePlaces(Disk disk, Layout layout) {
  static final String SUFFIX = ".json";

  /** A larger file is none of ours. */
  static final int BYTES_MAX = 64 << 20;

  Path directory(EntityKey.Kind kind) {
    return switch (kind) {
      case TASK -> layout.tasks();
      case INITIATIVE -> layout.initiatives();
    };
  }

  Path file(EntityKey key) {
    return directory(key.kind()).resolve(Layout.shard(key.id())).resolve(key.id() + SUFFIX);
  }

  /** The entity whose file belongs at this very place, or null if none does. */
  @Nullable EntityKey key(Path path, String name) {
    if (!name.endsWith(SUFFIX)) {
      return null;
    }
    String id = name.substring(0, name.length() - SUFFIX.length());
    EntityKey.Kind kind =
        path.startsWith(layout.tasks()) ? EntityKey.Kind.TASK : EntityKey.Kind.INITIATIVE;
    var key = new EntityKey(kind, id);
    return TaskId.isValid(id) && file(key).equals(path) ? key : null;
  }

  byte @Nullable [] read(Path file) {
    try {
      return disk.readAll(file, BYTES_MAX);
    } catch (IOException _) {
      // Too large to be ours, or unreadable: damaged either way, and reported as such.
      return null;
    }
  }

  /** The directory itself is never put aside: run directories are in there, wherever it is now. */
  void refuseStrangers() throws IOException {
    for (Path directory : List.of(layout.tasks(), layout.initiatives())) {
      Disk.Kind kind = disk.kind(directory);
      if (kind != Disk.Kind.DIRECTORY && kind != Disk.Kind.MISSING) {
        throw new IOException(
            directory
                + " is not a directory any more. Symbolic links are not followed: put the directory"
                + " back that belongs there");
      }
    }
  }
}

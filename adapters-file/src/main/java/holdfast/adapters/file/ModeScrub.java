package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.layout.Layout;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.Scrubbing.Piece;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Files that others than their owner may read or write, as an editor or a copy leaves them: takes
 * that away, and says so. One directory in each call. One thread.
 */
final class ModeScrub {
  /** A look at a file's mode costs about as much as reading so many bytes. */
  private static final long BYTES_PER_FILE = 4_096;

  private final Disk disk;
  private final Layout layout;
  private final Deque<Path> directories = new ArrayDeque<>();

  ModeScrub(Disk disk, Layout layout) {
    this.disk = disk;
    this.layout = layout;
  }

  /** Looks at what is in the next directory. */
  Piece next() throws IOException {
    if (directories.isEmpty()) {
      directories.add(layout.state());
      directories.add(layout.logs());
      if (!layout.mirror().startsWith(layout.state())) {
        directories.add(layout.mirror());
      }
    }
    Path directory = directories.removeLast();
    var mended = new ArrayList<Mended>();
    List<String> names =
        disk.kind(directory) == Disk.Kind.DIRECTORY ? disk.list(directory) : List.of();
    for (String name : names) {
      Path path = directory.resolve(name);
      restrict(path, mended);
      if (disk.kind(path) == Disk.Kind.DIRECTORY) {
        directories.add(path);
      }
    }
    return new Piece(
        "modes in " + directory, names.size() * BYTES_PER_FILE, mended, directories.isEmpty());
  }

  private void restrict(Path path, List<Mended> mended) {
    try {
      String before = disk.restrict(path);
      if (before != null) {
        mended.add(
            new Mended(
                path.toString(),
                "had mode " + before + ", so others than its owner could use it",
                "the owner's part of it",
                null));
      }
    } catch (NoSuchFileException _) {
      // It was retired or replaced since the directory was listed.
    } catch (IOException e) {
      mended.add(
          new Mended(
              path.toString(),
              "is open to others, and its mode cannot be changed ("
                  + e
                  + "): it belongs to somebody else. Make it this user's with chown: "
                  + path,
              null,
              null));
    }
  }
}

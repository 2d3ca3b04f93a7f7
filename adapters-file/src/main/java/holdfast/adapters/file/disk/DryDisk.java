package holdfast.adapters.file.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A disk on which everything can be tried: it reads another one, and keeps all changes in memory.
 * Any thread.
 */
public final class DryDisk implements Disk {
  private static final int LOADED_BYTES_MAX = 256 << 20;

  private final Disk real;
  private final TreeMap<Path, Node> changes = new TreeMap<>();

  /** What a path has become. */
  private sealed interface Node {
    record Gone() implements Node {}

    record Directory() implements Node {}

    /** Another path of the real disk stands here now. */
    record Moved(Path origin) implements Node {}

    record Memory(MemoryFile file) implements Node {}
  }

  public DryDisk(Disk real) {
    this.real = real;
  }

  /** The real path that stands at {@code path}, or null if none does. */
  private @Nullable Path origin(Path path) {
    for (Path at = path; at != null; at = at.getParent()) {
      Node node = changes.get(at);
      if (node != null) {
        return node instanceof Node.Moved(Path origin) ? origin.resolve(at.relativize(path)) : null;
      }
    }
    return path;
  }

  private Path existing(Path path) throws IOException {
    Path origin = origin(path);
    if (origin == null) {
      throw new NoSuchFileException(path.toString());
    }
    return origin;
  }

  @Override
  public synchronized DiskFile open(Path file, Access access) throws IOException {
    if (access == Access.CREATE) {
      if (kind(file) != Kind.MISSING) {
        throw new FileAlreadyExistsException(file.toString());
      }
      return change(file, new MemoryFile(new byte[0]));
    }
    if (changes.get(file) instanceof Node.Memory(MemoryFile memory)) {
      return memory;
    }
    return access == Access.READ
        ? real.open(existing(file), Access.READ)
        : change(file, new MemoryFile(real.readAll(existing(file), LOADED_BYTES_MAX)));
  }

  private MemoryFile change(Path path, MemoryFile file) {
    changes.put(path, new Node.Memory(file));
    return file;
  }

  @Override
  public synchronized List<String> list(Path directory) throws IOException {
    var names = new TreeSet<String>();
    Path origin = origin(directory);
    if (origin != null) {
      names.addAll(real.list(origin));
    }
    for (var entry : changes.tailMap(directory, false).entrySet()) {
      if (!entry.getKey().startsWith(directory)) {
        break;
      }
      if (directory.equals(entry.getKey().getParent())) {
        String name = String.valueOf(entry.getKey().getFileName());
        if (entry.getValue() instanceof Node.Gone) {
          names.remove(name);
        } else {
          names.add(name);
        }
      }
    }
    return List.copyOf(names);
  }

  @Override
  public synchronized Kind kind(Path path) throws IOException {
    return switch (changes.get(path)) {
      case Node.Gone _ -> Kind.MISSING;
      case Node.Directory _ -> Kind.DIRECTORY;
      case Node.Memory _ -> Kind.FILE;
      case Node.Moved(Path origin) -> real.kind(origin);
      case null -> {
        Path origin = origin(path);
        yield origin == null ? Kind.MISSING : real.kind(origin);
      }
    };
  }

  @Override
  public synchronized void createDirectory(Path directory) throws IOException {
    switch (kind(directory)) {
      case MISSING -> changes.put(directory, new Node.Directory());
      case DIRECTORY -> {
        // Being there already is no error.
      }
      case FILE, OTHER -> throw new FileAlreadyExistsException(directory.toString());
    }
  }

  @Override
  public synchronized void rename(Path from, Path to) throws IOException {
    Node node = changes.get(from);
    if (node == null) {
      node = new Node.Moved(existing(from));
    }
    changes.put(to, node);
    changes.put(from, new Node.Gone());
  }

  @Override
  public synchronized boolean delete(Path path) throws IOException {
    boolean wasThere = kind(path) != Kind.MISSING;
    if (wasThere) {
      changes.put(path, new Node.Gone());
    }
    return wasThere;
  }

  @Override
  public void forceDirectory(Path directory) {}

  @Override
  public void forceFileSystem(Path directory) {}

  @Override
  public long usableBytes(Path path) {
    return Long.MAX_VALUE;
  }

  @Override
  public synchronized Instant modified(Path path) throws IOException {
    return changes.get(path) instanceof Node.Memory(MemoryFile memory)
        ? memory.modified()
        : real.modified(existing(path));
  }

  /** Tells what would be taken away, and leaves it. */
  @Override
  public synchronized @Nullable String restrict(Path path) throws IOException {
    Path origin = origin(path);
    if (changes.containsKey(path) || origin == null || real.kind(path) == Kind.OTHER) {
      return null;
    }
    String permissions = NioDisk.permissions(origin);
    return permissions.endsWith("------") ? null : permissions;
  }

  @Override
  public synchronized long inode(Path path) throws IOException {
    return changes.get(path) instanceof Node.Memory(MemoryFile memory)
        ? System.identityHashCode(memory)
        : real.inode(existing(path));
  }

  private static final class MemoryFile implements DiskFile {
    private byte[] bytes;
    private int size;
    private Instant modified = Instant.EPOCH;

    MemoryFile(byte[] bytes) {
      this.bytes = bytes;
      size = bytes.length;
    }

    @Override
    public synchronized int read(ByteBuffer target, long offset) {
      int count = (int) Math.min(target.remaining(), size - offset);
      if (count <= 0) {
        return -1;
      }
      target.put(bytes, (int) offset, count);
      return count;
    }

    @Override
    public synchronized void write(ByteBuffer source, long offset) {
      int end = Math.toIntExact(offset + source.remaining());
      if (end > bytes.length) {
        bytes = Arrays.copyOf(bytes, Math.max(end, bytes.length * 2));
      }
      source.get(bytes, (int) offset, source.remaining());
      size = Math.max(size, end);
    }

    @Override
    public void force() {}

    @Override
    public synchronized void modified(Instant time) {
      modified = time;
    }

    synchronized Instant modified() {
      return modified;
    }

    @Override
    public synchronized long size() {
      return size;
    }

    @Override
    public synchronized void truncate(long to) {
      if (to < size) {
        Arrays.fill(bytes, (int) to, size, (byte) 0);
      }
      size = (int) to;
    }

    @Override
    public void close() {}
  }
}

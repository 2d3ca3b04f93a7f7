package holdfast.adapters.file.layout;

import holdfast.adapters.file.disk.Disk;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The two generations of the manifest. A new one is in both places before {@link #save} returns.
 * One thread at a time.
 */
public final class Manifests {
  private static final int BYTES_MAX = 1 << 20;

  private final Disk disk;
  private final Path main;
  private final Path other;

  /**
   * What was found.
   *
   * @param main null if it is missing or damaged
   * @param newest of both, or null
   * @param damaged the files that are there and cannot be believed
   */
  public record Found(@Nullable Manifest main, @Nullable Manifest newest, List<Path> damaged) {}

  public Manifests(Disk disk, Path main, Path other) {
    this.disk = disk;
    this.main = main;
    this.other = other;
  }

  public Found read() throws IOException {
    var damaged = new java.util.ArrayList<Path>();
    Manifest first = read(main, damaged);
    Manifest second = read(other, damaged);
    Manifest newest = first;
    if (second != null && (first == null || second.generation() > first.generation())) {
      newest = second;
    }
    return new Found(first, newest, damaged);
  }

  private @Nullable Manifest read(Path file, List<Path> damaged) throws IOException {
    if (disk.kind(file) == Disk.Kind.MISSING) {
      return null;
    }
    Manifest manifest = null;
    try {
      manifest = Manifest.read(disk.readAll(file, BYTES_MAX), file.toString());
    } catch (IOException _) {
      // What cannot be read is damaged, not absent; it is reported as such below.
    }
    if (manifest == null) {
      damaged.add(file);
    }
    return manifest;
  }

  /** Makes {@code manifest} durable in both places; the main one last. */
  public void save(Manifest manifest) throws IOException {
    byte[] bytes = manifest.bytes();
    disk.replace(other, bytes);
    disk.replace(main, bytes);
  }
}

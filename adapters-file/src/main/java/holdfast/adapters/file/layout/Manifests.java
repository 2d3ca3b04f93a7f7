package holdfast.adapters.file.layout;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.quarantine.Quarantine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The two generations of the manifest. A new one is in both places before {@link #save} or {@link
 * #update} returns. Any thread.
 */
public final class Manifests {
  /** A larger file is none of ours. */
  public static final int BYTES_MAX = 1 << 20;

  private final Disk disk;
  private final Path main;
  private final Path other;
  private final AuditAnchors audit;
  private @Nullable Manifest last;

  /**
   * What was found.
   *
   * @param main null if it is missing or damaged
   * @param newest of both, or null
   * @param damaged the files that are there and cannot be believed, or are of an earlier time
   * @param missing the files that are not there
   */
  public record Found(
      @Nullable Manifest main, @Nullable Manifest newest, List<Path> damaged, List<Path> missing) {}

  public Manifests(Disk disk, Path main, Path other) {
    this(disk, main, other, new AuditAnchors());
  }

  /**
   * @param audit what every manifest that is saved vouches for
   */
  public Manifests(Disk disk, Path main, Path other, AuditAnchors audit) {
    this.audit = audit;
    this.disk = disk;
    this.main = main;
    this.other = other;
  }

  public Found read() throws IOException {
    var damaged = new ArrayList<Path>();
    var missing = new ArrayList<Path>();
    for (Path file : List.of(main, other)) {
      if (disk.kind(file) == Disk.Kind.MISSING) {
        missing.add(file);
      }
    }
    Manifest first = read(main, damaged);
    Manifest second = read(other, damaged);
    Manifest newest = first;
    if (second != null && (first == null || second.generation() > first.generation())) {
      newest = second;
    }
    if (first != null && second != null) {
      long ahead = second.generation() - first.generation();
      // The other one is written first: a crash in between leaves it one generation ahead.
      if (ahead < 0 || ahead > 1) {
        damaged.add(ahead < 0 ? other : main);
      }
    }
    return new Found(first, newest, damaged, missing);
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

  /** Makes {@code manifest} durable in both places, as a new generation; the main one last. */
  public synchronized void save(Manifest manifest) throws IOException {
    Manifest next = manifest.withAudit(audit.known()).nextGeneration();
    byte[] bytes = next.bytes();
    disk.replace(other, bytes);
    disk.replace(main, bytes);
    last = next;
  }

  /** Changes what was saved last. */
  public synchronized void update(UnaryOperator<Manifest> change) throws IOException {
    Manifest present = last;
    if (present == null) {
      throw new IllegalStateException("save one first");
    }
    save(change.apply(present));
  }

  /** What was saved last, or null. */
  public synchronized @Nullable Manifest last() {
    return last;
  }

  /**
   * Looks whether both places hold what was saved last, and puts it there again where it is not.
   *
   * @return the places that did not, and where their bytes are now, if there were any
   */
  public synchronized Map<Path, Optional<Path>> mend(Quarantine quarantine) throws IOException {
    var mended = new LinkedHashMap<Path, Optional<Path>>();
    Manifest present = last;
    if (present == null) {
      return mended;
    }
    for (Path file : List.of(other, main)) {
      if (!present.equals(read(file, new ArrayList<>()))) {
        String what = "not the manifest that was written as generation " + present.generation();
        String source = "memory";
        Path kept =
            disk.kind(file) == Disk.Kind.FILE
                ? quarantine.keep(file, what, source)
                : quarantine.move(file, what, source);
        disk.replace(file, present.bytes());
        mended.put(file, Optional.ofNullable(kept));
      }
    }
    return mended;
  }
}

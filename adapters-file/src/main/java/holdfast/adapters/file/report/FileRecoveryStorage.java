package holdfast.adapters.file.report;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.json.MalformedJsonException;
import holdfast.adapters.file.json.RecoveryReportJson;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.RecoveryStorage;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.RecoveryReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Recovery reports, each a file of JSON named after its id. The newest are kept, up to a number and
 * a sum of bytes; the newest of all whatever its size. What is among them and is no report is put
 * aside and reported: it fails nothing.
 */
public final class FileRecoveryStorage implements RecoveryStorage {
  private static final String SUFFIX = ".json";
  private static final int BYTES_MAX = 256 << 20;
  private static final Pattern SAFE_ID = Pattern.compile("[0-9A-Za-z][0-9A-Za-z.:_-]{0,99}");

  private final Disk disk;
  private final Path directory;
  private final Quarantine quarantine;
  private final Bounds bounds;
  private final Consumer<String> trouble;

  /**
   * How much is kept.
   *
   * @param reportsMax at least 1
   * @param bytesMax of all together
   */
  public record Bounds(int reportsMax, long bytesMax) {
    public static final Bounds USUAL = new Bounds(100, 64L << 20);
  }

  /**
   * @param quarantine where that goes which is no report
   * @param trouble told of it, one sentence each
   */
  public FileRecoveryStorage(
      Disk disk, Path directory, Quarantine quarantine, Bounds bounds, Consumer<String> trouble) {
    this.disk = disk;
    this.directory = directory;
    this.quarantine = quarantine;
    this.bounds = bounds;
    this.trouble = trouble;
  }

  /**
   * @throws StorageException if it cannot be written, or the id is unsafe as a file name
   */
  @Override
  public synchronized void save(RecoveryReport report) {
    if (!SAFE_ID.matcher(report.id()).matches()) {
      throw new StorageException("\"" + report.id() + "\" cannot name a recovery report");
    }
    try {
      disk.replace(directory.resolve(report.id() + SUFFIX), RecoveryReportJson.bytes(report));
    } catch (IOException e) {
      throw new StorageException(
          "recovery report " + report.id() + " cannot be written to " + directory, e);
    }
    try {
      retire(report.id() + SUFFIX);
    } catch (IOException e) {
      // The report is there; that others are too many can wait for the next start.
      trouble.accept("old recovery reports in " + directory + " could not be removed: " + e);
    }
  }

  /** Puts aside what is no report by its name, and removes those that are too old. */
  private void retire(String newest) throws IOException {
    int count = 1;
    long bytes = size(newest);
    boolean isRemoved = false;
    for (String name : disk.list(directory).reversed()) {
      if (name.equals(newest)) {
        continue;
      }
      if (id(name) == null || disk.kind(directory.resolve(name)) != Disk.Kind.FILE) {
        putAside(name, "it is no recovery report");
        continue;
      }
      count++;
      bytes += size(name);
      if (count > bounds.reportsMax() || bytes > bounds.bytesMax()) {
        isRemoved |= disk.delete(directory.resolve(name));
      }
    }
    if (isRemoved) {
      disk.forceDirectory(directory);
    }
  }

  private long size(String name) throws IOException {
    try (DiskFile file = disk.open(directory.resolve(name), Disk.Access.READ)) {
      return file.size();
    }
  }

  private void putAside(String name, String what) throws IOException {
    Path file = directory.resolve(name);
    Path aside = quarantine.move(file, what, null);
    if (aside != null) {
      trouble.accept(file + ": " + what + ". It is kept as " + aside);
    }
  }

  /** The id in a file's name, or null if none is. */
  private static @Nullable String id(String name) {
    if (!name.endsWith(SUFFIX)) {
      return null;
    }
    String id = name.substring(0, name.length() - SUFFIX.length());
    return SAFE_ID.matcher(id).matches() ? id : null;
  }

  @Override
  public synchronized Optional<RecoveryReport> find(String id) {
    return SAFE_ID.matcher(id).matches() ? Optional.ofNullable(read(id)) : Optional.empty();
  }

  /** A report, or null if there is none or what is there has been put aside. */
  private @Nullable RecoveryReport read(String id) {
    Path file = directory.resolve(id + SUFFIX);
    try {
      if (disk.kind(file) != Disk.Kind.FILE) {
        return null;
      }
      RecoveryReport report = RecoveryReportJson.read(disk.readAll(file, BYTES_MAX));
      return report.id().equals(id) ? report : damaged(id, "it is the report " + report.id());
    } catch (MalformedJsonException e) {
      return damaged(id, "it is damaged: " + e.getMessage());
    } catch (IOException e) {
      trouble.accept("recovery report " + file + " cannot be read: " + e);
      return null;
    }
  }

  private @Nullable RecoveryReport damaged(String id, String what) {
    try {
      putAside(id + SUFFIX, what);
    } catch (IOException e) {
      trouble.accept(directory.resolve(id + SUFFIX) + ": " + what + ". It stays there: " + e);
    }
    return null;
  }

  @Override
  public synchronized List<RecoveryReport> before(@Nullable String newer, int limit) {
    var reports = new ArrayList<RecoveryReport>();
    for (String id : ids()) {
      boolean isWanted = reports.size() < limit && (newer == null || id.compareTo(newer) < 0);
      RecoveryReport report = isWanted ? read(id) : null;
      if (report != null) {
        reports.add(report);
      }
    }
    return reports;
  }

  private List<String> ids() {
    try {
      return disk.list(directory).reversed().stream()
          .map(FileRecoveryStorage::id)
          .filter(Objects::nonNull)
          .map(Objects::requireNonNull)
          .toList();
    } catch (IOException e) {
      throw new StorageException("the recovery reports in " + directory + " cannot be listed", e);
    }
  }
}

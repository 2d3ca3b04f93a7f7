package holdfast.adapters.file.report;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.json.MalformedJsonException;
import holdfast.adapters.file.json.RecoveryReportJson;
import holdfast.domain.port.RecoveryStorage;
import holdfast.domain.port.StorageException;
import holdfast.domain.recovery.RecoveryReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Recovery reports, each a file of JSON named after its id. */
public final class FileRecoveryStorage implements RecoveryStorage {
  private static final String SUFFIX = ".json";
  private static final int BYTES_MAX = 256 << 20;
  private static final Pattern SAFE_ID = Pattern.compile("[0-9A-Za-z][0-9A-Za-z.:_-]{0,99}");

  private final Disk disk;
  private final Path directory;

  public FileRecoveryStorage(Disk disk, Path directory) {
    this.disk = disk;
    this.directory = directory;
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
  }

  @Override
  public Optional<RecoveryReport> find(String id) {
    return SAFE_ID.matcher(id).matches() ? Optional.ofNullable(read(id)) : Optional.empty();
  }

  private @Nullable RecoveryReport read(String id) {
    Path file = directory.resolve(id + SUFFIX);
    try {
      if (disk.kind(file) != Disk.Kind.FILE) {
        return null;
      }
      return RecoveryReportJson.read(disk.readAll(file, BYTES_MAX));
    } catch (IOException | MalformedJsonException e) {
      throw new StorageException("recovery report " + file + " cannot be read", e);
    }
  }

  @Override
  public List<RecoveryReport> newest(int limit) {
    var reports = new ArrayList<RecoveryReport>();
    for (String id : ids()) {
      RecoveryReport report = reports.size() < limit ? read(id) : null;
      if (report != null) {
        reports.add(report);
      }
    }
    return reports;
  }

  private List<String> ids() {
    try {
      return disk.list(directory).reversed().stream()
          .filter(name -> name.endsWith(SUFFIX))
          .map(name -> name.substring(0, name.length() - SUFFIX.length()))
          .filter(id -> SAFE_ID.matcher(id).matches())
          .toList();
    } catch (IOException e) {
      throw new StorageException("the recovery reports in " + directory + " cannot be listed", e);
    }
  }
}

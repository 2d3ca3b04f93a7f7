package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.NioDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A small text file for the server's owner alone: the token, the configuration. One that others can
 * read is refused, since what it guards may be known by then.
 */
public final class PrivateFile {
  private static final int BYTES_MAX = 1 << 20;
  private static final Disk DISK = new NioDisk();

  private PrivateFile() {}

  /**
   * The text of {@code file}, or nothing if it does not exist.
   *
   * @throws FileStorageException if it is no regular file, too large, open to others, or theirs
   */
  public static Optional<String> read(Path file) {
    try {
      if (DISK.kind(file) == Disk.Kind.MISSING) {
        return Optional.empty();
      }
      if (DISK.kind(file) != Disk.Kind.FILE) {
        throw refused(file + " is not a regular file; remove it");
      }
      FileStorage.requireOwn(file, "may know what is in it", "chown");
      String permissions = NioDisk.permissions(file);
      if (!permissions.endsWith("------")) {
        throw refused(
            file + " can be accessed by others (" + permissions + "); run: chmod 600 " + file);
      }
      return Optional.of(new String(DISK.readAll(file, BYTES_MAX), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED, "cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * The text of {@code file}, which is made first if it does not exist, durably and whole.
   *
   * @throws FileStorageException as {@link #read}, or if it cannot be made
   */
  public static String readOrCreate(Path file, Supplier<String> content) {
    return read(file).orElseGet(() -> create(file, content.get()));
  }

  private static String create(Path file, String content) {
    try {
      DISK.replace(file, content.getBytes(StandardCharsets.UTF_8));
      return content;
    } catch (IOException e) {
      throw new FileStorageException(
          FileStorageException.EXIT_REFUSED, "cannot write " + file + ": " + e.getMessage(), e);
    }
  }

  private static FileStorageException refused(String message) {
    return new FileStorageException(FileStorageException.EXIT_REFUSED, message);
  }
}

package holdfast.adapters.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.disk.NioDisk;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The token and the configuration, on a disk that somebody else has been at. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class PrivateFileIT {
  @TempDir private Path directory;

  private Path file() {
    return directory.resolve("token");
  }

  private String refusal() {
    FileStorageException refused =
        assertThrows(FileStorageException.class, () -> PrivateFile.read(file()));
    assertEquals(FileStorageException.EXIT_REFUSED, refused.exitCode());
    assertThrows(
        FileStorageException.class, () -> PrivateFile.readOrCreate(file(), () -> "another"));
    String message = String.valueOf(refused.getMessage());
    assertTrue(message.contains(file().toString()), message);
    return message;
  }

  @Test
  void whatIsNotThereIsMadeForItsOwnerAlone() throws IOException {
    assertEquals(Optional.empty(), PrivateFile.read(file()));
    assertEquals("secret", PrivateFile.readOrCreate(file(), () -> "secret"));
    assertEquals("secret", PrivateFile.readOrCreate(file(), () -> "another"));
    assertEquals("rw-------", NioDisk.permissions(file()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-r-----", "rw----r--", "rw--w----", "rwxrwxrwx", "rw------x"})
  void oneThatOthersCanUseIsRefusedWithTheCommandToRun(String mode) throws IOException {
    Files.writeString(file(), "secret");
    Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString(mode));
    assertTrue(refusal().endsWith("run: chmod 600 " + file()));
    assertEquals("secret", Files.readString(file()));
    Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString("rw-------"));
    assertEquals(Optional.of("secret"), PrivateFile.read(file()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"link", "dangling link", "directory", "fifo"})
  void whatIsNoFileIsRefusedAndNotFollowed(String what) throws Exception {
    Path outside = directory.resolve("outside");
    if (!what.equals("dangling link")) {
      Files.writeString(outside, "not yours");
    }
    switch (what) {
      case "link", "dangling link" -> Files.createSymbolicLink(file(), outside);
      case "directory" -> Files.createDirectory(file());
      case "fifo" ->
          assertEquals(0, new ProcessBuilder("mkfifo", file().toString()).start().waitFor());
      default -> throw new AssertionError(what);
    }
    assertTrue(refusal().contains("is not a regular file"));
    assertFalse(what.equals("dangling link") && Files.exists(outside), "nothing was made there");
  }

  @Test
  void oneOfTenGigabytesIsRefused() throws IOException {
    try (var sparse = new RandomAccessFile(file().toFile(), "rw")) {
      sparse.setLength(10L << 30);
    }
    Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString("rw-------"));
    assertTrue(refusal().contains(String.valueOf(10L << 30)));
  }
}

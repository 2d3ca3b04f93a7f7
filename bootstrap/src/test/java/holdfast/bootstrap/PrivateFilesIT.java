package holdfast.bootstrap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A server does not start on secrets that others could have read, and says what to run. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PrivateFilesIT {
  private static final int REFUSED = 73;

  @TempDir private Path directory;

  private Path data() throws IOException {
    Path data = directory.resolve("data");
    if (!Files.exists(data)) {
      Files.createDirectory(
          data, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    return data;
  }

  /** What a server that does not start says on stderr. */
  private String refusal(int exitCode) throws IOException {
    PrintStream before = System.err;
    var said = new ByteArrayOutputStream();
    System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      List<String> command = List.of("serve", "--data-dir", data().toString(), "--port", "0");
      assertEquals(exitCode, Main.run(command.toArray(String[]::new)));
    } finally {
      System.setErr(before);
    }
    String line = said.toString(StandardCharsets.UTF_8).strip();
    assertEquals(1, line.lines().count(), line);
    return line;
  }

  @ParameterizedTest
  @CsvSource({
    "token, rw-r--r--, chmod 600",
    "token.read, rw----r--, chmod 600",
    "token.key, rw-r-----, chmod 600",
    "config.yaml, rw-rw----, chmod 600",
    "., rwxr-x---, chmod 700",
    "state, rwx---r-x, chmod 700"
  })
  void whatIsOpenToOthersIsRefusedWithTheCommandToRun(String name, String mode, String command)
      throws IOException {
    Path path = data().resolve(name).normalize();
    if (name.equals("state")) {
      Files.createDirectory(path);
    } else if (!Files.isDirectory(path)) {
      Files.writeString(path, name.startsWith("token") ? "x".repeat(43) : "max-running: 2\n");
    }
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    assertTrue(
        refusal(REFUSED)
            .toLowerCase(java.util.Locale.ROOT)
            .endsWith(("run: " + command + " " + path).toLowerCase(java.util.Locale.ROOT)));
  }

  @ParameterizedTest
  @CsvSource({"token", "config.yaml", "logs", "state/journal", "state/LOCK"})
  void aLinkIsRefusedByItsNameAndNotFollowed(String name) throws IOException {
    Path outside = directory.resolve("outside");
    Files.writeString(outside, "not yours");
    Path path = data().resolve(name);
    if (name.startsWith("state")) {
      Files.createDirectory(
          path.getParent(),
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    Files.createSymbolicLink(path, outside);
    assertTrue(refusal(REFUSED).contains(path.toString()));
    assertEquals("not yours", Files.readString(outside));
  }

  @Test
  void whatBelongsToAnotherUserIsRefusedByItsNameAndTheirs() throws IOException {
    assumeTrue(System.getProperty("user.name").equals("root"), "only root can give files away");
    Files.setAttribute(data(), "unix:uid", 12_345);
    String line = refusal(REFUSED);
    assertTrue(line.contains(data() + " belongs to another user, 12345"), line);
    assertTrue(line.endsWith("chown -R: " + data()), line);
    try (var inside = Files.list(data())) {
      assertEquals(0, inside.count());
    }
  }

  /** As a copy by root leaves it, or a directory that was given away without what is in it. */
  @ParameterizedTest
  @CsvSource({"state, -R", "state/LOCK, ''", "token, ''", "token.key, ''", "config.yaml, ''"})
  void whatIsInsideAndBelongsToAnotherUserIsRefusedByItsNameAndTheirs(String name, String all)
      throws IOException {
    assumeTrue(System.getProperty("user.name").equals("root"), "only root can give files away");
    Path path = data().resolve(name);
    Files.createDirectory(
        data().resolve("state"),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    if (!name.equals("state")) {
      Files.createFile(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }
    Files.setAttribute(path, "unix:uid", 12_345);
    String line = refusal(REFUSED);
    assertTrue(line.contains(path + " belongs to another user, 12345"), line);
    assertTrue(line.endsWith(("chown " + all).strip() + ": " + path), line);
    assertEquals(12_345, Files.getAttribute(path, "unix:uid"), "nothing was made anew");
  }

  @ParameterizedTest
  @CsvSource({"token", "token.read", "token.key"})
  void anEmptyTokenIsRefusedRatherThanTakenForOne(String name) throws IOException {
    Path token = data().resolve(name);
    Files.createFile(
        token, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    assertTrue(refusal(ExitCode.BAD_CONFIGURATION).contains(token + " holds no usable token"));
  }
}

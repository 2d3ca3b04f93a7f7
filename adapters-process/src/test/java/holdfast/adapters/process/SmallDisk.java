package holdfast.adapters.process;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file system in memory, mounted for one test; the test is skipped where that is forbidden. */
record SmallDisk(Path path) implements AutoCloseable {

  static SmallDisk mount(Path path, String... options) throws IOException {
    Files.createDirectories(path);
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", String.join(",", options), "none", path.toString()) == 0,
        "only root may mount a file system");
    return new SmallDisk(path);
  }

  private static int run(String... command) throws IOException {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .start()
        .onExit()
        .join()
        .exitValue();
  }

  @Override
  public void close() throws IOException {
    // Lazily: a monitor may be about to go still.
    if (run("umount", "-l", path.toString()) != 0) {
      throw new IOException("could not unmount " + path);
    }
  }
}

package holdfast.bootstrap;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The classes that a start needs, found ready, as the script that users start finds them. Trained
 * once for all test processes of a build. Only speed depends on it.
 */
final class StartCache {
  private static final Path CACHE = Path.of("target", "start.aot").toAbsolutePath();
  private static final Path LOCK = Path.of("target", "start.aot.lock").toAbsolutePath();
  private static final long TRAINING_SECONDS_MAX = 60;

  private StartCache() {}

  /**
   * The options by which a JVM uses it; none if there is no cache.
   *
   * @param command a whole command that ends in the main class; it trains what it will use
   * @param libraries the directory of the module path
   */
  static List<String> options(List<String> command, Path libraries) {
    try (FileChannel lock =
            FileChannel.open(LOCK, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var _ = lock.lock()) {
      if (!isFresh(libraries)) {
        train(command);
      }
      // What a cache that does not fit has to say would stand among the words of the server.
      return Files.exists(CACHE)
          ? List.of("-XX:AOTCache=" + CACHE, "-Xlog:disable", "-Xlog:all=error:stderr")
          : List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isFresh(Path libraries) throws IOException {
    if (!Files.exists(CACHE)) {
      return false;
    }
    FileTime made = Files.getLastModifiedTime(CACHE);
    try (Stream<Path> jars = Files.list(libraries)) {
      for (Path jar : jars.toList()) {
        if (Files.getLastModifiedTime(jar).compareTo(made) >= 0) {
          return false;
        }
      }
    }
    return true;
  }

  private static void train(List<String> command) throws IOException {
    Path scratch = Files.createTempDirectory(CACHE.getParent(), "rehearsal");
    var training = new ArrayList<String>(command);
    training.add(1, "-XX:AOTCacheOutput=" + CACHE);
    training.addAll(List.of("rehearse", scratch.resolve("data").toString()));
    Process process =
        new ProcessBuilder(training)
            .redirectErrorStream(true)
            .redirectOutput(scratch.resolve("log").toFile())
            .start();
    try {
      if (!process.waitFor(TRAINING_SECONDS_MAX, TimeUnit.SECONDS) || process.exitValue() != 0) {
        process.destroyForcibly();
        Files.deleteIfExists(CACHE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while a start was rehearsed", e);
    }
  }
}

package holdfast.bootstrap.resilience;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What one drill works with: a directory of its own and servers in it.
 *
 * @param foreign directories of the user's that no server of this run may have anything open in
 */
record Bench(Scratch scratch, Path directory, List<Path> foreign) {

  Path data() {
    return directory.resolve("data");
  }

  Path errors() {
    return directory.resolve("stderr");
  }

  /**
   * Starts a server on the drill's data directory and waits until it is ready.
   *
   * @throws BrokenPromiseException if it does not start, or has opened what is not its own
   */
  ServerProcess start(Map<String, String> settings, String... options)
      throws IOException, InterruptedException {
    Process process = scratch.start(data(), settings, List.of(options), errors());
    ServerProcess server = ServerProcess.ready(process, data(), errors());
    List<String> faults = strayed(server.openFiles(), data(), scratch.root(), foreign);
    if (!faults.isEmpty()) {
      server.close();
      throw new BrokenPromiseException(String.join("; ", faults));
    }
    return server;
  }

  ServerProcess start() throws IOException, InterruptedException {
    return start(Map.of());
  }

  /**
   * What contradicts that a server with these open files keeps to its data directory.
   *
   * @param own the scratch directory, which may lie in one of the user's
   */
  static List<String> strayed(List<String> open, Path data, Path own, List<Path> foreign) {
    var checks = new Checks();
    checks.holds(
        open.contains(data.resolve("state/LOCK").toString()),
        "the server does not hold the lock of " + data);
    for (Path directory : foreign) {
      for (String file : open) {
        checks.holds(
            !Path.of(file).startsWith(directory) || Path.of(file).startsWith(own),
            "the server has opened " + file + ", the user's");
      }
    }
    return checks.faults();
  }

  /** A second server on the same directory, which must not come to serve: how it ends. */
  Ended startInVain() throws IOException, InterruptedException {
    Path said = directory.resolve("stderr-second");
    Process process = scratch.start(data(), Map.of(), List.of(), said);
    if (!process.waitFor(Wait.USUAL.toMillis(), TimeUnit.MILLISECONDS)) {
      process.destroyForcibly();
      throw new BrokenPromiseException("a second server on the same directory did not end");
    }
    return new Ended(process.exitValue(), Files.readString(said));
  }

  /** How a process ended that was refused. */
  record Ended(int exitCode, String said) {}

  /** A file of this name below the data directory, or a broken promise. */
  Path find(String name) throws IOException {
    return files(name).stream()
        .findFirst()
        .orElseThrow(() -> new BrokenPromiseException("there is no " + name + " on the disk"));
  }

  boolean has(String name) throws IOException {
    return !files(name).isEmpty();
  }

  private List<Path> files(String name) throws IOException {
    try (var walk = Files.walk(data())) {
      return walk.filter(file -> file.getFileName().toString().equals(name)).toList();
    } catch (UncheckedIOException changesMeanwhile) {
      return List.of();
    }
  }
}

package holdfast.adapters.file.disk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A file system of a few MiB in memory, which somebody else fills. Needs root. */
public final class SmallDisk implements AutoCloseable {
  private static final int COMMAND_SECONDS_MAX = 30;

  private static final int ATTEMPTS_MAX = 20;

  private final Path mount;
  private final List<Path> foreign = new ArrayList<>();
  private final Disk disk = new NioDisk();

  private SmallDisk(Path mount) {
    this.mount = mount;
  }

  /** Mounts one at a directory that it makes, or gives null where that cannot be done. */
  public static @Nullable SmallDisk mount(Path directory, long bytes) throws IOException {
    Files.createDirectories(directory);
    boolean mounted =
        run(List.of("mount", "-t", "tmpfs", "-o", "size=" + bytes, "tmpfs", directory.toString()));
    return mounted ? new SmallDisk(directory) : null;
  }

  public Path path() {
    return mount;
  }

  public long free() throws IOException {
    return disk.usableBytes(mount);
  }

  /** Lets somebody else take everything but {@code free} bytes. */
  public void fillUpTo(long free) throws IOException {
    Path file = mount.resolve("foreign-" + foreign.size());
    foreign.add(file);
    for (int attempt = 1; ; attempt++) {
      long more = free() - free;
      if (more <= 0) {
        return;
      }
      try {
        disk.allocate(file, more);
        return;
      } catch (DiskFullException e) {
        // The storage has taken some of it in the meantime.
        disk.delete(file);
        if (attempt == ATTEMPTS_MAX) {
          throw e;
        }
      }
    }
  }

  public void makeRoom() throws IOException {
    for (Path file : foreign) {
      // It may not have been made: there was nothing left to take.
      disk.delete(file);
    }
    foreign.clear();
  }

  @Override
  public void close() throws IOException {
    if (!run(List.of("umount", mount.toString()))) {
      throw new IOException("cannot unmount " + mount);
    }
  }

  private static boolean run(List<String> command) throws IOException {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor(COMMAND_SECONDS_MAX, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (IOException e) {
      // There is no such program.
      return false;
    }
  }
}

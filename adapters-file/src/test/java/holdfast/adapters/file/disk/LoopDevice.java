package holdfast.adapters.file.disk;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** An ext4 file system in a file, which can be made to lose power. Needs root. */
public final class LoopDevice {
  /** {@code _IOR('X', 125, __u32)} of the kernel's ext4.h. */
  private static final long EXT4_IOC_SHUTDOWN = 0x8004587DL;

  /** Neither data nor the file system's journal is written. */
  private static final int NO_LOG_FLUSH = 2;

  private static final int COMMAND_SECONDS_MAX = 60;

  private static final MethodHandle OPEN =
      function(
          "open",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle IOCTL =
      function(
          "ioctl",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle CLOSE =
      function("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private static final long DETACHED_NANOS_MAX = TimeUnit.SECONDS.toNanos(60);
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private final Path image;
  private @Nullable Path mount;

  private LoopDevice(Path image) {
    this.image = image;
  }

  /** Makes an empty file system, or gives null where that cannot be done. */
  public static @Nullable LoopDevice make(Path image, long bytes) throws IOException {
    boolean made =
        run(List.of("truncate", "-s", Long.toString(bytes), image.toString()))
            && run(List.of("mkfs.ext4", "-q", "-F", image.toString()));
    if (!made) {
      return null;
    }
    Path probe = image.resolveSibling("probe");
    var device = new LoopDevice(image);
    Files.createDirectories(probe);
    if (!run(List.of("mount", "-o", "loop", image.toString(), probe.toString()))) {
      return null;
    }
    device.mount = probe;
    device.unmount();
    return device;
  }

  public void mount(Path directory) throws IOException {
    Files.createDirectories(directory);
    if (!run(List.of("mount", "-o", "loop", image.toString(), directory.toString()))) {
      throw new IOException("cannot mount " + image);
    }
    mount = directory;
  }

  /**
   * Returns when nothing of it is left. Whoever was cloned a mount namespace meanwhile has the
   * mount as well: until that goes, mounting again would give the file system that was cut off.
   */
  public void unmount() throws IOException {
    Path mounted = mount;
    if (mounted != null && !run(List.of("umount", mounted.toString()))) {
      throw new IOException("cannot unmount " + mounted);
    }
    mount = null;
    long deadline = System.nanoTime() + DETACHED_NANOS_MAX;
    while (isAttached()) {
      if (System.nanoTime() - deadline > 0) {
        throw new IOException(image + " is still mounted in another mount namespace");
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }

  private boolean isAttached() throws IOException {
    Path said = image.resolveSibling("attached");
    Process process =
        new ProcessBuilder("losetup", "-j", image.toString()).redirectOutput(said.toFile()).start();
    process.onExit().join();
    return process.exitValue() == 0 && Files.size(said) > 0;
  }

  /** From now on nothing reaches the device any more; every write fails. */
  public void cutPower() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = arena.allocateFrom(String.valueOf(mount));
      int descriptor = (int) OPEN.invokeExact(path, 0);
      MemorySegment flags = arena.allocateFrom(ValueLayout.JAVA_INT, NO_LOG_FLUSH);
      int result = (int) IOCTL.invokeExact(descriptor, EXT4_IOC_SHUTDOWN, flags);
      int closed = (int) CLOSE.invokeExact(descriptor);
      if (descriptor < 0 || result != 0 || closed != 0) {
        throw new UncheckedIOException(new IOException("the power of " + mount + " stays on"));
      }
    } catch (RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  // Three functions of the C library with fixed signatures; the descriptors above are theirs.
  @SuppressWarnings("restricted")
  private static MethodHandle function(
      String name, FunctionDescriptor type, Linker.Option... options) {
    return Linker.nativeLinker()
        .downcallHandle(Linker.nativeLinker().defaultLookup().findOrThrow(name), type, options);
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
      return false;
    }
  }
}

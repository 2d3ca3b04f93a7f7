package holdfast.adapters.file.disk;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/** Functions of the C library that the platform's own library has no words for. Any thread. */
final class SystemCalls {
  private static final int O_RDONLY = 0;
  private static final int O_RDWR = 2;
  private static final int O_CREAT = 0x40;
  private static final int O_DIRECTORY = 0x10000;
  private static final int O_NOFOLLOW = 0x20000;
  private static final int O_CLOEXEC = 0x80000;

  static final int ENOSPC = 28;
  static final int EOPNOTSUPP = 95;
  static final int EDQUOT = 122;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle OPEN =
      function(
          "open",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT),
          Linker.Option.firstVariadicArg(2));
  private static final FunctionDescriptor OF_DESCRIPTOR =
      FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
  private static final MethodHandle FLOCK =
      function(
          "flock",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  private static final MethodHandle FALLOCATE =
      function(
          "fallocate",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG));
  private static final MethodHandle SYNCFS = function("syncfs", OF_DESCRIPTOR);
  private static final MethodHandle CLOSE = function("close", OF_DESCRIPTOR);

  private SystemCalls() {}

  /** What a call gave. */
  record Result(int value, int errno) {
    boolean failed() {
      return value < 0;
    }
  }

  // Functions of the C library with fixed signatures; the descriptors above are theirs.
  @SuppressWarnings("restricted")
  private static MethodHandle function(
      String name, FunctionDescriptor type, Linker.Option... options) {
    var all = new java.util.ArrayList<>(java.util.List.of(options));
    all.add(Linker.Option.captureCallState("errno"));
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name), type, all.toArray(Linker.Option[]::new));
  }

  /** Opens a file, or makes it; never what a link leads to. */
  static Result openToLock(Path file) {
    return open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC);
  }

  static Result openDirectory(Path directory) {
    return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }

  private static Result open(Path path, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      int value =
          (int)
              OPEN.invokeExact(
                  state, arena.allocateFrom(path.toAbsolutePath().toString()), flags, 0600);
      return new Result(value, (int) ERRNO.get(state, 0L));
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  static Result flock(int descriptor, int operation) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      int value = (int) FLOCK.invokeExact(state, descriptor, operation);
      return new Result(value, (int) ERRNO.get(state, 0L));
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  static Result syncfs(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      int value = (int) SYNCFS.invokeExact(state, descriptor);
      return new Result(value, (int) ERRNO.get(state, 0L));
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Makes an existing file as long as {@code bytes}, with room of its own; errno 0 if done. */
  static Result allocate(Path file, long bytes) {
    Result opened = open(file, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (opened.failed()) {
      return opened;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      int value = (int) FALLOCATE.invokeExact(state, opened.value(), 0, 0L, bytes);
      return new Result(value, value < 0 ? (int) ERRNO.get(state, 0L) : 0);
    } catch (Throwable e) {
      throw new AssertionError(e);
    } finally {
      close(opened.value());
    }
  }

  static void close(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      int ignored = (int) CLOSE.invokeExact(arena.allocate(STATE), descriptor);
      assert ignored == 0 : "close of a descriptor failed";
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}

package holdfast.adapters.file.disk;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/** Functions of the C library that the platform's own library has no words for. Any thread. */
final class SystemCalls {
  private static final boolean IS_ARM = System.getProperty("os.arch", "").equals("aarch64");
  private static final int O_RDONLY = 0;
  private static final int O_RDWR = 2;
  private static final int O_CREAT = 0x40;
  private static final int O_CLOEXEC = 0x80000;
  // These two are spelled differently on ARM.
  private static final int O_DIRECTORY = IS_ARM ? 0x4000 : 0x10000;
  private static final int O_NOFOLLOW = IS_ARM ? 0x8000 : 0x20000;
  private static final int AT_FDCWD = -100;
  private static final int RENAME_EXCHANGE = 2;

  /** The numbers of the calls, which differ between processors. */
  private enum Call {
    CLOSE(3, 57),
    FALLOCATE(285, 47),
    FLOCK(73, 32),
    GETEUID(107, 175),
    OPENAT(257, 56),
    RENAMEAT2(316, 276),
    SYNCFS(306, 267);

    private final int number;

    Call(int x86, int arm) {
      number = IS_ARM ? arm : x86;
    }
  }

  static final int ENOSPC = 28;
  static final int EINVAL = 22;
  static final int ENOSYS = 38;
  static final int EOPNOTSUPP = 95;
  static final int EDQUOT = 122;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  /**
   * One function for all calls, of the very type that the process adapter uses: a start that has to
   * link a function of another type takes longer, and each type takes longer by itself.
   */
  private static final MethodHandle SYSCALL = syscall();

  private SystemCalls() {}

  /** What a call gave. */
  record Result(int value, int errno) {
    boolean failed() {
      return value < 0;
    }
  }

  // The C library's syscall(2), called with as many words as it may take.
  @SuppressWarnings("restricted")
  private static MethodHandle syscall() {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow("syscall"),
        FunctionDescriptor.of(
            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
        Linker.Option.captureCallState("errno"));
  }

  private static Result call(Call call, long a, long b, long c, long d) {
    return call(call, a, b, c, d, 0);
  }

  private static Result call(Call call, long a, long b, long c, long d, long e) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      long value = (long) SYSCALL.invokeExact(state, (long) call.number, a, b, c, d, e);
      return new Result((int) value, (int) ERRNO.get(state, 0L));
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
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
      MemorySegment name = arena.allocateFrom(path.toAbsolutePath().toString());
      return call(Call.OPENAT, AT_FDCWD, name.address(), flags, 0600);
    }
  }

  /** Lets two files bear each other's names. */
  static Result exchange(Path one, Path other) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment from = arena.allocateFrom(one.toAbsolutePath().toString());
      MemorySegment to = arena.allocateFrom(other.toAbsolutePath().toString());
      return call(
          Call.RENAMEAT2, AT_FDCWD, from.address(), AT_FDCWD, to.address(), RENAME_EXCHANGE);
    }
  }

  /** Whether a call failed because nothing here can do such a thing. */
  static boolean isUnknown(int errno) {
    return errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
  }

  /** The user in whose name this process acts. */
  static int effectiveUser() {
    return call(Call.GETEUID, 0, 0, 0, 0).value();
  }

  static Result flock(int descriptor, int operation) {
    return call(Call.FLOCK, descriptor, operation, 0, 0);
  }

  static Result syncfs(int descriptor) {
    return call(Call.SYNCFS, descriptor, 0, 0, 0);
  }

  /** Makes an existing file as long as {@code bytes}, with room of its own; errno 0 if done. */
  static Result allocate(Path file, long bytes) {
    Result opened = open(file, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (opened.failed()) {
      return opened;
    }
    try {
      Result made = call(Call.FALLOCATE, opened.value(), 0, 0, bytes);
      return made.failed() ? made : new Result(made.value(), 0);
    } finally {
      close(opened.value());
    }
  }

  static void close(int descriptor) {
    Result closed = call(Call.CLOSE, descriptor, 0, 0, 0);
    assert !closed.failed() : "close of a descriptor failed";
  }
}

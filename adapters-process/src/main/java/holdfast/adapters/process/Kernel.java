package holdfast.adapters.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The door to the Linux kernel: {@code syscall(2)} through the Foreign Function and Memory API. The
 * JDK's own file and process classes cannot inherit a lock to a child, open relative to a
 * directory, or hold a process by a handle that is never recycled.
 *
 * <p>Every argument is a 64-bit word, a pointer included, so one function serves all calls; their
 * numbers differ between processors. Any thread.
 */
@SuppressWarnings("restricted") // calling C is what this class is for
final class Kernel {
  static final int AT_FDCWD = -100;
  private static final int READ_BYTES = 8_192;
  static final int O_RDONLY = 0;
  static final int O_WRONLY = 1;
  static final int O_RDWR = 2;
  static final int O_CREAT = 0x40;
  static final int O_EXCL = 0x80;
  static final int O_APPEND = 0x400;
  static final int O_NONBLOCK = 0x800;
  static final int O_CLOEXEC = 0x80000;
  // These two are spelled differently on ARM.
  static final int O_DIRECTORY = Processor.THIS == Processor.AARCH64 ? 0x4000 : 0x10000;
  static final int O_NOFOLLOW = Processor.THIS == Processor.AARCH64 ? 0x8000 : 0x20000;

  /** The processors whose system call numbers are known. */
  enum Processor {
    X86_64,
    AARCH64,
    OTHER;

    static final Processor THIS =
        switch (System.getProperty("os.arch", "")) {
          case "amd64", "x86_64" -> X86_64;
          case "aarch64" -> AARCH64;
          default -> OTHER;
        };

    /** Its name in the names of native monitors, as {@code uname -m} prints it. */
    String machine() {
      return switch (this) {
        case X86_64 -> "x86_64";
        case AARCH64 -> "aarch64";
        case OTHER -> "other";
      };
    }
  }

  /** A system call and its number on each processor. */
  enum Call {
    READ(0, 63),
    WRITE(1, 64),
    CLOSE(3, 57),
    IOCTL(16, 29),
    WAIT4(61, 260),
    FCNTL(72, 25),
    FLOCK(73, 32),
    FSYNC(74, 82),
    FCHMOD(91, 52),
    GETDENTS64(217, 61),
    INOTIFY_ADD_WATCH(254, 27),
    INOTIFY_RM_WATCH(255, 28),
    OPENAT(257, 56),
    MKDIRAT(258, 34),
    MKNODAT(259, 33),
    UNLINKAT(263, 35),
    READLINKAT(267, 78),
    PPOLL(271, 73),
    EVENTFD2(290, 19),
    INOTIFY_INIT1(294, 26),
    RENAMEAT2(316, 276),
    STATX(332, 291),
    PIDFD_SEND_SIGNAL(424, 424),
    PIDFD_OPEN(434, 434);

    private final int number;

    Call(int x86, int arm) {
      this.number = Processor.THIS == Processor.AARCH64 ? arm : x86;
    }
  }

  private static final Linker LINKER = Linker.nativeLinker();
  private static final VarHandle ERRNO =
      Linker.Option.captureStateLayout().varHandle(PathElement.groupElement("errno"));
  private static final MethodHandle SYSCALL =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("syscall"),
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
          Linker.Option.captureCallState("errno"));

  private Kernel() {}

  /** Why this machine cannot be worked with, as a sentence, or an empty string. */
  static String obstacle() {
    if (!System.getProperty("os.name", "").equals("Linux")) {
      return "processes are controlled on Linux only, and this is "
          + System.getProperty("os.name", "an unknown system");
    }
    return Processor.THIS == Processor.OTHER
        ? "the system call numbers of this processor are not known: "
            + System.getProperty("os.arch", "unknown")
        : "";
  }

  /**
   * Calls the kernel; a call that a signal interrupted is made again.
   *
   * @return the result, or the negated error number
   */
  static long call(Call call, long a, long b, long c, long d, long e) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(Linker.Option.captureStateLayout());
      long result;
      int error;
      do {
        result = (long) SYSCALL.invokeExact(state, (long) call.number, a, b, c, d, e);
        error = result == -1 ? (int) ERRNO.get(state, 0L) : 0;
      } while (error == Errno.EINTR.number() && call != Call.CLOSE);
      return error == 0 ? result : -error;
    } catch (RuntimeException | Error thrown) {
      throw thrown;
    } catch (Throwable impossible) {
      throw new AssertionError("a downcall handle throws nothing checked", impossible);
    }
  }

  static long call(Call call, long a, long b, long c) {
    return call(call, a, b, c, 0, 0);
  }

  static long call(Call call, long a) {
    return call(call, a, 0, 0, 0, 0);
  }

  /** The result of a call that must succeed. */
  static long check(long result, String what) {
    if (result < 0) {
      throw new SystemCallException(what, (int) -result);
    }
    return result;
  }

  static void close(int fd) {
    check(call(Call.CLOSE, fd), "close a descriptor");
  }

  /** Whether a file could be opened: a descriptor, or the negated error number. */
  static int open(int directory, String path, int flags, int mode) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(path);
      return (int) call(Call.OPENAT, directory, name.address(), flags | (long) O_CLOEXEC, mode, 0);
    }
  }

  /** Reads at most {@code limit} bytes from where the descriptor stands to the end. */
  static byte[] readToEnd(int fd, int limit, String what) {
    var content = new ByteArrayOutputStream();
    check(readInto(content, fd, limit), what);
    return content.toByteArray();
  }

  /**
   * Reads at most {@code limit} bytes to the end, for files of {@code /proc}; null if the file's
   * process ended meanwhile.
   */
  static byte @Nullable [] readWhileThere(int fd, int limit) {
    var content = new ByteArrayOutputStream();
    return readInto(content, fd, limit) < 0 ? null : content.toByteArray();
  }

  /** Nobody knows the size of a file of {@code /proc} before it is read. */
  private static long readInto(ByteArrayOutputStream content, int fd, int limit) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(READ_BYTES);
      while (content.size() < limit) {
        long wanted = Math.min(READ_BYTES, limit - content.size());
        long n = call(Call.READ, fd, buffer.address(), wanted);
        if (n <= 0) {
          return n;
        }
        content.writeBytes(buffer.asSlice(0, n).toArray(JAVA_BYTE));
      }
      return 0;
    }
  }

  /** Writes once: how many bytes were taken, or the negated error number. */
  static long writeSome(int fd, byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.max(1, bytes.length));
      MemorySegment.copy(bytes, 0, buffer, JAVA_BYTE, 0, bytes.length);
      return call(Call.WRITE, fd, buffer.address(), bytes.length);
    }
  }

  static void writeAll(int fd, byte[] bytes, String what) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.max(1, bytes.length));
      MemorySegment.copy(bytes, 0, buffer, JAVA_BYTE, 0, bytes.length);
      long written = 0;
      while (written < bytes.length) {
        written +=
            check(call(Call.WRITE, fd, buffer.address() + written, bytes.length - written), what);
      }
    }
  }

  /** Bytes that can be read from a pipe. */
  static int readable(int fd) {
    final long fionread = 0x541B;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      check(call(Call.IOCTL, fd, fionread, count.address()), "ask how much a pipe holds");
      return count.get(JAVA_INT, 0);
    }
  }
}

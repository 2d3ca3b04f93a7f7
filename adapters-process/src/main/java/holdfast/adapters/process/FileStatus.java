package holdfast.adapters.process;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What {@code statx(2)} tells of a file. Its layout is the same on every processor.
 *
 * @param device major and minor number in one
 * @param mode type and permission bits
 */
record FileStatus(long device, long inode, int mode, int owner, long size, Instant modified) {
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int AT_EMPTY_PATH = 0x1000;
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int S_IFMT = 0xf000;
  private static final int S_IFDIR = 0x4000;
  private static final int S_IFREG = 0x8000;

  /** Of a name in a directory, without following a link; null if there is none. */
  static @Nullable FileStatus of(int directory, String name) {
    return read(directory, name, AT_SYMLINK_NOFOLLOW);
  }

  /** Of whatever a path leads to; null if it cannot be reached. */
  static @Nullable FileStatus following(String path) {
    return read(Kernel.AT_FDCWD, path, 0);
  }

  static FileStatus of(int fd) {
    FileStatus status = read(fd, "", AT_EMPTY_PATH);
    if (status == null) {
      throw new SystemCallException("look at descriptor " + fd, Errno.EBADF.number());
    }
    return status;
  }

  private static @Nullable FileStatus read(int directory, String name, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = arena.allocateFrom(name);
      MemorySegment stat = arena.allocate(256, 8);
      long result =
          Kernel.call(
              Kernel.Call.STATX,
              directory,
              path.address(),
              flags,
              STATX_BASIC_STATS,
              stat.address());
      if (result < 0) {
        return null;
      }
      return new FileStatus(
          ((long) stat.get(JAVA_INT, 136) << 32) | stat.get(JAVA_INT, 140),
          stat.get(JAVA_LONG, 32),
          Short.toUnsignedInt(stat.get(JAVA_SHORT, 28)),
          stat.get(JAVA_INT, 20),
          stat.get(JAVA_LONG, 40),
          Instant.ofEpochSecond(stat.get(JAVA_LONG, 112), stat.get(JAVA_INT, 120)));
    }
  }

  boolean isDirectory() {
    return (mode & S_IFMT) == S_IFDIR;
  }

  boolean isRegular() {
    return (mode & S_IFMT) == S_IFREG;
  }

  int permissions() {
    return mode & 0xfff;
  }

  boolean isSameFile(FileStatus other) {
    return device == other.device && inode == other.inode;
  }
}

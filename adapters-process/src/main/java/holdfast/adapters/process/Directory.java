package holdfast.adapters.process;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An open directory, and the files in it. Names are looked up in the directory itself, so that
 * nothing that happens to the path meanwhile leads elsewhere, and symbolic links are not followed.
 *
 * <p>One thread at a time.
 */
final class Directory implements AutoCloseable {
  private static final int S_IFIFO = 0x1000;
  private static final int AT_REMOVEDIR = 0x200;
  private static final int NAMES_BYTES = 32 * 1024;
  private static final int LOCK_SH = 1;
  private static final int LOCK_EX = 2;
  private static final int LOCK_NB = 4;

  private final int fd;
  private final String path;

  private Directory(int fd, String path) {
    this.fd = fd;
    this.path = path;
  }

  static Directory open(String path) {
    int fd = Kernel.open(Kernel.AT_FDCWD, path, Kernel.O_DIRECTORY | Kernel.O_NOFOLLOW, 0);
    Kernel.check(fd, "open the directory " + path);
    return new Directory(fd, path);
  }

  /** Null if there is no such directory. */
  static @Nullable Directory openIfPresent(String path) {
    int fd = Kernel.open(Kernel.AT_FDCWD, path, Kernel.O_DIRECTORY | Kernel.O_NOFOLLOW, 0);
    if (Errno.ENOENT.is(fd)) {
      return null;
    }
    Kernel.check(fd, "open the directory " + path);
    return new Directory(fd, path);
  }

  /**
   * Makes a directory and those above it, mode 0700, as far as they are missing.
   *
   * @return how many were made
   */
  static int make(String path) {
    long result = makeOne(path);
    if (Errno.EEXIST.is(result)) {
      return 0;
    }
    int slash = path.lastIndexOf('/');
    if (Errno.ENOENT.is(result) && slash > 0) {
      int above = make(path.substring(0, slash));
      result = makeOne(path);
      if (Errno.EEXIST.is(result)) {
        return above;
      }
      Kernel.check(result, "make the directory " + path);
      return above + 1;
    }
    Kernel.check(result, "make the directory " + path);
    return 1;
  }

  private static long makeOne(String path) {
    try (Arena arena = Arena.ofConfined()) {
      return Kernel.call(
          Kernel.Call.MKDIRAT, Kernel.AT_FDCWD, arena.allocateFrom(path).address(), 0700);
    }
  }

  String path() {
    return path;
  }

  int fd() {
    return fd;
  }

  /** A descriptor, or the negated error number. */
  int openFile(String name, int flags) {
    return Kernel.open(fd, name, flags | Kernel.O_NOFOLLOW, 0600);
  }

  /** Makes a file that was not there, mode 0600. */
  void create(String name, byte[] content) {
    int file = createOpen(name);
    try {
      Kernel.writeAll(file, content, "write " + in(name));
    } finally {
      Kernel.close(file);
    }
  }

  /** Makes a file that was not there, mode 0600, and leaves it open for writing. */
  int createOpen(String name) {
    int file = openFile(name, Kernel.O_RDWR | Kernel.O_CREAT | Kernel.O_EXCL);
    return (int) Kernel.check(file, "create " + in(name));
  }

  void createPipe(String name) {
    try (Arena arena = Arena.ofConfined()) {
      Kernel.check(
          Kernel.call(
              Kernel.Call.MKNODAT, fd, arena.allocateFrom(name).address(), S_IFIFO | 0600, 0, 0),
          "create the pipe " + in(name));
    }
  }

  /** At most {@code limit} bytes of a file; null if it is not there. */
  byte @Nullable [] read(String name, int limit) {
    int file = openFile(name, Kernel.O_RDONLY | Kernel.O_NONBLOCK);
    if (Errno.ENOENT.is(file)) {
      return null;
    }
    Kernel.check(file, "open " + in(name));
    try {
      return Kernel.readToEnd(file, limit, "read " + in(name));
    } finally {
      Kernel.close(file);
    }
  }

  @Nullable FileStatus status(String name) {
    return FileStatus.of(fd, name);
  }

  boolean has(String name) {
    return status(name) != null;
  }

  /**
   * Removes a file; one that is not there is no error. Of several that try, one succeeds.
   *
   * @return whether it was there
   */
  boolean remove(String name) {
    long result = unlink(name, 0);
    if (Errno.ENOENT.is(result)) {
      return false;
    }
    Kernel.check(result, "remove " + in(name));
    return true;
  }

  /** Removes a directory that holds nothing but files. */
  void removeDirectory(String name) {
    try (Directory inner = Directory.open(path + "/" + name)) {
      for (String file : inner.names()) {
        inner.remove(file);
      }
    }
    Kernel.check(unlink(name, AT_REMOVEDIR), "remove the directory " + in(name));
  }

  /** Removes an empty directory; whether it was one that could be removed. */
  static boolean removeEmpty(String path) {
    return unlinkAt(Kernel.AT_FDCWD, path, AT_REMOVEDIR) == 0;
  }

  private long unlink(String name, int flags) {
    return unlinkAt(fd, name, flags);
  }

  private static long unlinkAt(int fd, String name, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      return Kernel.call(Kernel.Call.UNLINKAT, fd, arena.allocateFrom(name).address(), flags);
    }
  }

  void rename(String from, String to) {
    try (Arena arena = Arena.ofConfined()) {
      Kernel.check(
          Kernel.call(
              Kernel.Call.RENAMEAT2,
              fd,
              arena.allocateFrom(from).address(),
              fd,
              arena.allocateFrom(to).address(),
              0),
          "rename " + in(from) + " to " + to);
    }
  }

  /** Makes the names in this directory durable. */
  void force() {
    Kernel.check(Kernel.call(Kernel.Call.FSYNC, fd), "force the directory " + path);
  }

  /**
   * Puts a file in place under a name, in the place of one that may be there: durable when this
   * returns, and whole or not there at all whenever the machine fails.
   */
  void publish(String name, byte[] content, int mode) {
    String unfinished = "." + name + ".new";
    remove(unfinished);
    int file = createOpen(unfinished);
    try {
      Kernel.writeAll(file, content, "write " + in(unfinished));
      Kernel.check(Kernel.call(Kernel.Call.FCHMOD, file, mode, 0), "set the mode of " + in(name));
      Kernel.check(Kernel.call(Kernel.Call.FSYNC, file), "force " + in(unfinished));
    } finally {
      Kernel.close(file);
    }
    rename(unfinished, name);
    force();
  }

  /** Takes a lock on a file that is open, which lives as long as any copy of the descriptor. */
  static void lock(int file, String what) {
    Kernel.check(Kernel.call(Kernel.Call.FLOCK, file, LOCK_EX | LOCK_NB, 0), "lock " + what);
  }

  /**
   * Whether somebody holds the lock of an open file. Two that ask at once do not see each other.
   */
  static boolean isLocked(int file, String what) {
    long result = Kernel.call(Kernel.Call.FLOCK, file, LOCK_SH | LOCK_NB, 0);
    if (Errno.EAGAIN.is(result)) {
      return true;
    }
    Kernel.check(result, "ask for the lock of " + what);
    return false;
  }

  /** The names in this directory, in no order. */
  List<String> names() {
    var names = new ArrayList<String>();
    forEachName(NAMES_BYTES, names::add);
    return names;
  }

  /**
   * Shows the names in this directory.
   *
   * @param bytesAhead how much is read before it is shown; at least one entry's length
   */
  void forEachName(int bytesAhead, Consumer<String> seen) {
    try (Arena arena = Arena.ofConfined()) {
      var buffer = arena.allocate(bytesAhead, 8);
      for (; ; ) {
        long length =
            Kernel.check(
                Kernel.call(Kernel.Call.GETDENTS64, fd, buffer.address(), bytesAhead),
                "list " + path);
        if (length == 0) {
          return;
        }
        for (long at = 0; at < length; ) {
          // struct linux_dirent64: inode 8, offset 8, record length 2, type 1, name
          String name = buffer.getString(at + 19, StandardCharsets.UTF_8);
          if (!name.equals(".") && !name.equals("..")) {
            seen.accept(name);
          }
          at += Short.toUnsignedInt(buffer.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 16));
        }
      }
    }
  }

  private String in(String name) {
    return path + "/" + name;
  }

  @Override
  public void close() {
    Kernel.close(fd);
  }
}

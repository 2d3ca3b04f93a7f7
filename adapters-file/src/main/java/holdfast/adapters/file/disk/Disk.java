package holdfast.adapters.file.disk;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Every access to a file system, and nothing else: no policy, no format.
 *
 * <p>What is durable: bytes of a file after {@link DiskFile#force}; a file's name, its removal or
 * its renaming after {@link #forceDirectory} of the directory that holds the name. Nothing before.
 *
 * <p>No method follows a symbolic link in the last element of a path. Files are made with mode
 * 0600, directories with 0700. Any thread.
 */
public interface Disk {

  /** How a file is opened. */
  enum Access {
    READ,
    /** For reading and writing; it must exist. */
    WRITE,
    /** For reading and writing; it must not exist. */
    CREATE
  }

  /** What stands at a path. */
  enum Kind {
    MISSING,
    FILE,
    DIRECTORY,
    /** A symbolic link, a device, a pipe. */
    OTHER
  }

  DiskFile open(Path file, Access access) throws IOException;

  /** The names in a directory, sorted; none if the directory does not exist. */
  List<String> list(Path directory) throws IOException;

  Kind kind(Path path) throws IOException;

  /** Makes one directory and forces its parent. Being there already is no error. */
  void createDirectory(Path directory) throws IOException;

  /** The same without forcing the parent: for many, which are forced together. */
  default void createDirectoryUnforced(Path directory) throws IOException {
    createDirectory(directory);
  }

  /** Gives a file another name in one step, replacing what bore that name. */
  void rename(Path from, Path to) throws IOException;

  /**
   * Lets two files bear each other's names, in one step.
   *
   * @return false if the file system has no such step: nothing has changed then
   */
  default boolean exchange(Path one, Path other) throws IOException {
    return false;
  }

  /**
   * Removes a file, a link or an empty directory.
   *
   * @return whether it was there
   */
  boolean delete(Path path) throws IOException;

  /** Makes the present names in a directory durable. */
  void forceDirectory(Path directory) throws IOException;

  /** Bytes that can still be written to the file system that holds a path. */
  long usableBytes(Path path) throws IOException;

  /**
   * Makes a file of {@code bytes} bytes whose room nobody else can take. What it holds is of no
   * account, and a power cut may take it away.
   *
   * @throws DiskFullException if there is not so much room; a part of the file may be left
   */
  default void allocate(Path file, long bytes) throws IOException {
    try (DiskFile opened = open(file, Access.CREATE)) {
      ByteBuffer zeros = ByteBuffer.allocate((int) Math.min(bytes, COPY_CHUNK));
      for (long at = 0; at < bytes; at += zeros.capacity()) {
        zeros.clear().limit((int) Math.min(zeros.capacity(), bytes - at));
        opened.write(zeros, at);
      }
    }
  }

  /** When a file was last written to, as the file system says, or as it was told. */
  Instant modified(Path path) throws IOException;

  /** The same, in one look, of what is a regular file; null if something else or nothing stands. */
  default @Nullable Instant modifiedOfFile(Path path) throws IOException {
    return kind(path) == Kind.FILE ? modified(path) : null;
  }

  /**
   * Makes everything durable that was written to the file system which holds {@code directory}:
   * bytes, names and times. For many small files; what else is being written there is waited for
   * too.
   */
  void forceFileSystem(Path directory) throws IOException;

  /**
   * Takes from everybody but the owner whatever they may do with a file or a directory.
   *
   * @return what was allowed before, such as {@code rw-r--r--}, or null if nothing had to change
   * @throws IOException if it belongs to somebody else
   */
  default @Nullable String restrict(Path path) throws IOException {
    return null;
  }

  /** The number that tells an existing file from its copies. */
  long inode(Path path) throws IOException;

  /** The whole content of a file of at most {@code bytesMax} bytes. */
  default byte[] readAll(Path file, int bytesMax) throws IOException {
    try (DiskFile opened = open(file, Access.READ)) {
      long size = opened.size();
      if (size > bytesMax) {
        throw new IOException(file + " is " + size + " bytes; expected at most " + bytesMax);
      }
      ByteBuffer content = ByteBuffer.allocate((int) size);
      fill(file, opened, content, 0);
      return content.array();
    }
  }

  /**
   * Makes {@code content} the whole content of {@code file}, durably: whatever happens, the old
   * content stands there or the new. A temporary file beside it may be left by a crash.
   */
  default void replace(Path file, byte[] content) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + TEMPORARY_SUFFIX);
    delete(temporary);
    try (DiskFile opened = open(temporary, Access.CREATE)) {
      opened.write(ByteBuffer.wrap(content), 0);
      opened.force();
    }
    rename(temporary, file);
    forceDirectory(parent(file));
  }

  /** Makes {@code to} a copy of a file, in one step and durably, or leaves it as it is. */
  default void copy(Path from, Path to) throws IOException {
    Path temporary = to.resolveSibling(to.getFileName() + TEMPORARY_SUFFIX);
    delete(temporary);
    try (DiskFile source = open(from, Access.READ);
        DiskFile target = open(temporary, Access.CREATE)) {
      ByteBuffer chunk = ByteBuffer.allocate(COPY_CHUNK);
      long at = 0;
      while (source.read(chunk.clear(), at) > 0) {
        chunk.flip();
        int count = chunk.remaining();
        target.write(chunk, at);
        at += count;
      }
      target.force();
    } catch (IOException e) {
      delete(temporary);
      throw e;
    }
    rename(temporary, to);
    forceDirectory(parent(to));
  }

  /** Whether two files hold the same bytes. */
  default boolean isSame(Path one, Path other) throws IOException {
    try (DiskFile first = open(one, Access.READ);
        DiskFile second = open(other, Access.READ)) {
      long size = first.size();
      ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(COPY_CHUNK, size));
      ByteBuffer expected = ByteBuffer.allocate(chunk.capacity());
      boolean isSame = second.size() == size;
      for (long at = 0; isSame && at < size; at += chunk.limit()) {
        int length = (int) Math.min(chunk.capacity(), size - at);
        fill(one, first, expected.clear().limit(length), at);
        fill(other, second, chunk.clear().limit(length), at);
        isSame = chunk.equals(expected);
      }
      return isSame;
    }
  }

  private static void fill(Path file, DiskFile opened, ByteBuffer chunk, long at)
      throws IOException {
    while (chunk.hasRemaining()) {
      long from = at + chunk.position();
      if (opened.read(chunk, from) <= 0) {
        throw new EOFException(
            file + " ended at byte " + from + " of at least " + (at + chunk.limit()));
      }
    }
    chunk.flip();
  }

  /** The directory that holds a path's name. */
  static Path parent(Path path) {
    Path parent = path.toAbsolutePath().getParent();
    if (parent == null) {
      throw new IllegalArgumentException(path + " is the root");
    }
    return parent;
  }

  /** Bytes that a copy has in memory. */
  int COPY_CHUNK = 1 << 20;

  /** Ends the name of a file that is not finished; such a file is removed at the next start. */
  String TEMPORARY_SUFFIX = ".tmp";
}

package holdfast.adapters.file.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The machine's own file system. */
public final class NioDisk implements Disk {
  private static final FileAttribute<Set<PosixFilePermission>> FILE_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final FileAttribute<Set<PosixFilePermission>> DIRECTORY_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  public NioDisk() {}

  @Override
  public DiskFile open(Path file, Access access) throws IOException {
    return switch (access) {
      case READ -> new NioFile(file, channel(file, Set.of(StandardOpenOption.READ)));
      case WRITE ->
          new NioFile(
              file, channel(file, Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE)));
      case CREATE -> new NioFile(file, create(file));
    };
  }

  private static FileChannel create(Path file) throws IOException {
    Set<OpenOption> options =
        Set.of(
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.CREATE_NEW,
            LinkOption.NOFOLLOW_LINKS);
    try {
      return FileChannel.open(file, options, FILE_MODE);
    } catch (FileSystemException e) {
      throw translated(e);
    }
  }

  private static FileChannel channel(Path file, Set<OpenOption> options) throws IOException {
    // Opening a pipe waits for somebody at its other end, maybe for ever.
    BasicFileAttributes found =
        Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    if (!found.isRegularFile()) {
      throw new FileSystemException(file.toString(), null, "is no regular file");
    }
    var all = new HashSet<>(options);
    all.add(LinkOption.NOFOLLOW_LINKS);
    return FileChannel.open(file, all);
  }

  @Override
  public List<String> list(Path directory) throws IOException {
    if (kind(directory) == Kind.OTHER) {
      // A stream over a link's target would show, and let remove, what is not ours.
      throw new NotDirectoryException(directory.toString());
    }
    var names = new ArrayList<String>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        names.add(String.valueOf(entry.getFileName()));
      }
    } catch (NoSuchFileException e) {
      if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
        throw e;
      }
      return List.of();
    } catch (java.nio.file.DirectoryIteratorException e) {
      throw e.getCause();
    }
    Collections.sort(names);
    return names;
  }

  @Override
  public Kind kind(Path path) throws IOException {
    try {
      BasicFileAttributes attributes =
          Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      if (attributes.isDirectory()) {
        return Kind.DIRECTORY;
      }
      return attributes.isRegularFile() ? Kind.FILE : Kind.OTHER;
    } catch (NoSuchFileException _) {
      return Kind.MISSING;
    }
  }

  @Override
  public void createDirectory(Path directory) throws IOException {
    if (isMade(directory)) {
      // What holds the first directory of ours may well be reached by a link.
      force(Disk.parent(directory), Set.of(StandardOpenOption.READ));
    }
  }

  @Override
  public void createDirectoryUnforced(Path directory) throws IOException {
    isMade(directory);
  }

  /** Makes a directory; false if it was there already. */
  private boolean isMade(Path directory) throws IOException {
    try {
      Files.createDirectory(directory, DIRECTORY_MODE);
      return true;
    } catch (FileAlreadyExistsException e) {
      if (kind(directory) != Kind.DIRECTORY) {
        throw e;
      }
      return false;
    } catch (FileSystemException e) {
      throw translated(e);
    }
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    // Only an atomic move is one rename(2); REPLACE_EXISTING alone would unlink the target first.
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileSystemException e) {
      throw translated(e);
    }
  }

  @Override
  public boolean exchange(Path one, Path other) throws IOException {
    SystemCalls.Result exchanged = SystemCalls.exchange(one, other);
    if (!exchanged.failed()) {
      return true;
    }
    if (SystemCalls.isUnknown(exchanged.errno())) {
      return false;
    }
    throw new IOException(
        one + " and " + other + " cannot be exchanged: errno " + exchanged.errno());
  }

  @Override
  public boolean delete(Path path) throws IOException {
    return Files.deleteIfExists(path);
  }

  @Override
  public void forceDirectory(Path directory) throws IOException {
    force(directory, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
  }

  private static void force(Path directory, Set<OpenOption> options) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, options)) {
      channel.force(true);
    }
  }

  @Override
  public long usableBytes(Path path) throws IOException {
    return Files.getFileStore(path).getUsableSpace();
  }

  /** In one call, where the file system can do that; else with zeros. */
  @Override
  public void allocate(Path file, long bytes) throws IOException {
    create(file).close();
    SystemCalls.Result allocated = SystemCalls.allocate(file, bytes);
    switch (allocated.errno()) {
      case 0 -> {
        // The file has its room.
      }
      case SystemCalls.EOPNOTSUPP -> {
        delete(file);
        Disk.super.allocate(file, bytes);
      }
      case SystemCalls.ENOSPC, SystemCalls.EDQUOT ->
          throw new DiskFullException(
              "no room for " + bytes + " bytes in " + file,
              new IOException("errno " + allocated.errno()));
      default ->
          throw new IOException(
              "no room can be taken for " + file + ": errno " + allocated.errno());
    }
  }

  @Override
  public @Nullable String restrict(Path path) throws IOException {
    if (kind(path) != Kind.FILE && kind(path) != Kind.DIRECTORY) {
      return null;
    }
    PosixFileAttributeView view =
        Files.getFileAttributeView(path, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    Set<PosixFilePermission> present = view.readAttributes().permissions();
    Set<PosixFilePermission> owners = new HashSet<>(present);
    owners.retainAll(DIRECTORY_MODE.value());
    if (owners.equals(present)) {
      return null;
    }
    view.setPermissions(owners);
    return PosixFilePermissions.toString(present);
  }

  @Override
  public long inode(Path path) throws IOException {
    return ((Number) Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS)).longValue();
  }

  @Override
  public Instant modified(Path path) throws IOException {
    return Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS).toInstant();
  }

  @Override
  public @Nullable Instant modifiedOfFile(Path path) throws IOException {
    try {
      BasicFileAttributes attributes =
          Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      return attributes.isRegularFile() ? attributes.lastModifiedTime().toInstant() : null;
    } catch (NoSuchFileException _) {
      return null;
    }
  }

  @Override
  public void forceFileSystem(Path directory) throws IOException {
    SystemCalls.Result opened = SystemCalls.openDirectory(directory);
    if (opened.failed()) {
      throw new IOException("cannot open " + directory + ": errno " + opened.errno());
    }
    SystemCalls.Result forced = SystemCalls.syncfs(opened.value());
    SystemCalls.close(opened.value());
    if (forced.failed()) {
      throw new IOException(
          "the file system of " + directory + " cannot be forced: errno " + forced.errno());
    }
  }

  /** The number of the file that a link leads to. */
  static long inodeOfTarget(Path link) throws IOException {
    return ((Number) Files.getAttribute(link, "unix:ino")).longValue();
  }

  /** Whether there is a directory, be it behind a link. */
  public static boolean isDirectory(Path path) {
    return Files.isDirectory(path);
  }

  /** Whether two directories are on the same file system: one that is not is a mount point. */
  public static boolean areOnOneFileSystem(Path one, Path other) throws IOException {
    return Files.getAttribute(one, "unix:dev").equals(Files.getAttribute(other, "unix:dev"));
  }

  /** The name of the file system's type that holds a path, such as {@code ext4}. */
  public static String fileSystemType(Path path) throws IOException {
    return Files.getFileStore(path).type();
  }

  /** The name of the user to whom a file or directory belongs, or null if it is this process's. */
  public static @Nullable String strangersName(Path path) throws IOException {
    int owner = (Integer) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    return owner == SystemCalls.effectiveUser()
        ? null
        : Files.getOwner(path, LinkOption.NOFOLLOW_LINKS).getName();
  }

  /** The permissions of a file or directory, such as {@code rwx------}. */
  public static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(
        Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS));
  }

  /** The platform tells a full disk from a broken one by its message only. */
  private static IOException translated(IOException e) {
    String message = String.valueOf(e.getMessage());
    return message.contains("No space left") || message.contains("quota exceeded")
        ? new DiskFullException(message, e)
        : e;
  }

  private record NioFile(Path path, FileChannel channel) implements DiskFile {
    @Override
    public int read(ByteBuffer target, long offset) throws IOException {
      return channel.read(target, offset);
    }

    @Override
    public void write(ByteBuffer source, long offset) throws IOException {
      long at = offset;
      try {
        while (source.hasRemaining()) {
          at += channel.write(source, at);
        }
      } catch (IOException e) {
        throw translated(e);
      }
    }

    @Override
    public void force() throws IOException {
      // fdatasync: it makes the size durable too, and spares the other metadata.
      try {
        channel.force(false);
      } catch (IOException e) {
        throw translated(e);
      }
    }

    @Override
    public void modified(Instant time) throws IOException {
      Files.getFileAttributeView(path, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
          .setTimes(FileTime.from(time), null, null);
    }

    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public void truncate(long size) throws IOException {
      channel.truncate(size);
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}

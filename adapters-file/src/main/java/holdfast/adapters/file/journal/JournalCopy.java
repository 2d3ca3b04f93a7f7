package holdfast.adapters.file.journal;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.quarantine.Quarantine;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One of the two directories that hold the same segments.
 *
 * @param quarantine where damaged files of this copy are put; on the same file system
 */
public record JournalCopy(Disk disk, Path directory, Quarantine quarantine) {
  private static final int CHUNK = 1 << 20;

  /** What a longer file holds behind this is none of ours, and must not fill the memory. */
  private static final int SEGMENT_BYTES_MAX = 256 << 20;

  Path path(SegmentName name) {
    return directory.resolve(name.fileName());
  }

  List<SegmentName> segments() throws IOException {
    var names = new ArrayList<SegmentName>();
    for (String file : disk.list(directory)) {
      SegmentName name = SegmentName.parse(file);
      if (name != null) {
        names.add(name);
      }
    }
    return names;
  }

  /** Bytes of a segment's file; -1 if there is none. */
  long size(SegmentName name) throws IOException {
    if (disk.kind(path(name)) != Disk.Kind.FILE) {
      return -1;
    }
    try (DiskFile file = disk.open(path(name), Disk.Access.READ)) {
      return file.size();
    }
  }

  /**
   * The readable content of a segment, null if there is no such file. What the disk refuses to read
   * is zero, hence invalid rather than absent.
   */
  @Nullable ByteBuffer load(SegmentName name) throws IOException {
    return load(name, null, SEGMENT_BYTES_MAX);
  }

  /**
   * The same.
   *
   * @param room on the heap; used for the content if it is large enough
   * @param bytesMax how much of its beginning is wanted
   */
  @Nullable ByteBuffer load(SegmentName name, @Nullable ByteBuffer room, int bytesMax)
      throws IOException {
    if (disk.kind(path(name)) != Disk.Kind.FILE) {
      return null;
    }
    try (DiskFile file = disk.open(path(name), Disk.Access.READ)) {
      int size = (int) Math.min(file.size(), Math.min(bytesMax, SEGMENT_BYTES_MAX));
      ByteBuffer content =
          room == null || room.capacity() < size ? ByteBuffer.allocate(size) : room.clear();
      content.limit(size);
      for (int offset = 0; offset < size; offset += CHUNK) {
        readChunk(file, content.slice(offset, Math.min(CHUNK, size - offset)), offset);
      }
      return content;
    }
  }

  /**
   * The first {@code length} bytes from {@code offset}, or as many as can be read; null if none.
   */
  @Nullable ByteBuffer read(SegmentName name, int offset, int length) throws IOException {
    if (disk.kind(path(name)) != Disk.Kind.FILE) {
      return null;
    }
    try (DiskFile file = disk.open(path(name), Disk.Access.READ)) {
      long there = Math.min(length, file.size() - offset);
      if (there <= 0) {
        return null;
      }
      ByteBuffer content = ByteBuffer.allocate((int) there);
      readChunk(file, content.duplicate(), offset);
      return content;
    } catch (NoSuchFileException _) {
      // It was retired between the two looks.
      return null;
    }
  }

  private static void readChunk(DiskFile file, ByteBuffer chunk, int offset) {
    int at = offset;
    int count = 1;
    try {
      while (chunk.hasRemaining() && count > 0) {
        count = file.read(chunk, at);
        at += count;
      }
    } catch (IOException _) {
      // A sector that cannot be read is a damaged sector: it becomes zero, which no checksum
      // passes, and the other copy takes its place or the start is refused with this file's name.
    }
    while (chunk.hasRemaining()) {
      chunk.put((byte) 0);
    }
  }

  /** Replaces a segment's file by {@code content}, durably. */
  void rebuild(SegmentName name, byte[] content) throws IOException {
    disk.replace(path(name), content);
  }

  /** Cuts a segment to its used length, durably. Longer files are cut, others left as they are. */
  void cut(SegmentName name, int end) throws IOException {
    if (disk.kind(path(name)) != Disk.Kind.FILE) {
      return;
    }
    try (DiskFile file = disk.open(path(name), Disk.Access.WRITE)) {
      if (file.size() > end) {
        file.truncate(end);
        file.force();
      }
    }
  }

  /** Removes a segment's file; the name is gone durably after {@link #forceDirectory}. */
  void delete(SegmentName name) throws IOException {
    disk.delete(path(name));
  }

  void forceDirectory() throws IOException {
    disk.forceDirectory(directory);
  }

  /**
   * Keeps what a damaged segment's file holds. The file stays where it is until it is replaced: its
   * undamaged batches are still the second copy of what they hold.
   *
   * @return where the bytes are
   */
  @Nullable Path keep(SegmentName name, String damage, String source) throws IOException {
    return quarantine.keep(path(name), damage, source);
  }

  /**
   * Moves what bears a segment's name and is no part of history aside.
   *
   * @return where it is now
   */
  @Nullable Path putAside(SegmentName name, String why) throws IOException {
    return quarantine.move(path(name), why, null);
  }
}

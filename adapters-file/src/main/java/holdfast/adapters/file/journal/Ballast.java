package holdfast.adapters.file.journal;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.DiskFullException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Room that is kept taken beside each copy, to be given back when somebody else has filled the
 * disk: one half for facts that wait to be written, the other for the next start. Each takes a
 * segment and a little more. What the file holds is never read.
 *
 * <p>It is made only where so much more than the reserve is free that it can never be what fills a
 * disk. Any thread.
 */
final class Ballast {
  static final String NAME = "ballast";

  /** Manifests, INSTANCE, a report: what a start writes besides its segment. */
  private static final long SMALL_FILES_BYTES_MAX = 1 << 20;

  /** How much more than itself must be free where it is made. */
  private static final int ROOM_FACTOR = 2;

  private final List<JournalCopy> copies;
  private final long smallFilesBytes;
  private final long startBytes;
  private final long bytes;

  Ballast(List<JournalCopy> copies, int segmentBytes) {
    this.copies = copies;
    smallFilesBytes = Math.min(SMALL_FILES_BYTES_MAX, segmentBytes);
    startBytes = segmentBytes + smallFilesBytes;
    bytes = 2 * startBytes;
  }

  /**
   * Makes what is missing of it, where there is room.
   *
   * @param reserve bytes that must stay free
   * @return bytes that are taken now, of all copies
   */
  synchronized long keep(long reserve) throws IOException {
    long taken = 0;
    // All copies may share one file system.
    long needed = reserve + ROOM_FACTOR * bytes * copies.size();
    for (JournalCopy copy : copies) {
      Path file = file(copy);
      if (size(copy) != bytes && copy.disk().usableBytes(copy.directory()) >= needed) {
        copy.disk().delete(file);
        try {
          copy.disk().allocate(file, bytes);
        } catch (DiskFullException _) {
          // Somebody else took the room in the meantime, and must not find even less.
          copy.disk().delete(file);
        }
      }
      taken += size(copy);
    }
    return taken;
  }

  /** Gives back what facts may use; whether there was any. */
  synchronized boolean giveForFacts() throws IOException {
    boolean given = false;
    for (JournalCopy copy : copies) {
      if (size(copy) > startBytes) {
        try (DiskFile file = copy.disk().open(file(copy), Disk.Access.WRITE)) {
          file.truncate(startBytes);
        }
        given = true;
      }
    }
    return given;
  }

  /** Gives back all of it, for a start; whether there was any. */
  synchronized boolean giveForStart() throws IOException {
    boolean given = false;
    for (JournalCopy copy : copies) {
      given |= size(copy) > 0 && copy.disk().delete(file(copy));
    }
    return given;
  }

  /** The same if there is no room even for the small files of a start. */
  synchronized void giveForStartIfNeeded() throws IOException {
    for (JournalCopy copy : copies) {
      if (copy.disk().usableBytes(copy.directory()) < smallFilesBytes) {
        giveForStart();
        return;
      }
    }
  }

  private static Path file(JournalCopy copy) {
    return copy.directory().resolve(NAME);
  }

  /** Bytes that are taken beside a copy; 0 if there is no such file. */
  private static long size(JournalCopy copy) throws IOException {
    if (copy.disk().kind(file(copy)) != Disk.Kind.FILE) {
      return 0;
    }
    try (DiskFile file = copy.disk().open(file(copy), Disk.Access.READ)) {
      return file.size();
    }
  }
}

package holdfast.adapters.file.journal;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.DiskFullException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Zero-filled segments kept ready, one in each copy: the commit path then neither allocates nor
 * runs out of room, and overwriting what is allocated is the cheapest durable write there is.
 *
 * <p>A spare bears its name only once it is whole and durable. Any thread; one at a time does the
 * work.
 */
final class SpareSegments {
  private static final String NAME = "spare.wal";
  private static final int CHUNK = 1 << 20;

  private final List<JournalCopy> copies;
  private final int segmentBytes;
  private final Ballast ballast;
  private final ByteBuffer zeros;
  private @Nullable IOException failure;

  SpareSegments(List<JournalCopy> copies, int segmentBytes, Ballast ballast) {
    this.copies = copies;
    this.segmentBytes = segmentBytes;
    this.ballast = ballast;
    zeros = ByteBuffer.allocateDirect(Math.min(CHUNK, segmentBytes)).asReadOnlyBuffer();
  }

  /**
   * Makes the spares that are missing. Does nothing if all are there.
   *
   * @throws DiskFullException if there is no room; may be tried again
   * @throws NoSuchFileException if there is no place for them; may be tried again
   * @throws IOException if the disk failed; every later call fails too, since what a failed force
   *     left behind cannot be told from what it wrote
   */
  synchronized void prepare() throws IOException {
    if (failure != null) {
      throw new IOException("an earlier segment could not be made ready", failure);
    }
    try {
      makeMissing();
    } catch (DiskFullException | NoSuchFileException e) {
      // Nothing has failed to be written: there was no room, or no place, and may be again.
      throw e;
    } catch (IOException e) {
      failure = e;
      throw e;
    }
  }

  private void makeMissing() throws IOException {
    for (JournalCopy copy : copies) {
      Path spare = copy.directory().resolve(NAME);
      if (!isReady(copy, spare)) {
        make(copy, spare);
      }
    }
  }

  private boolean isReady(JournalCopy copy, Path spare) throws IOException {
    if (copy.disk().kind(spare) != Disk.Kind.FILE) {
      return false;
    }
    try (DiskFile file = copy.disk().open(spare, Disk.Access.READ)) {
      return file.size() == segmentBytes;
    }
  }

  private void make(JournalCopy copy, Path spare) throws IOException {
    Path temporary = spare.resolveSibling(NAME + Disk.TEMPORARY_SUFFIX);
    copy.disk().delete(temporary);
    try {
      fill(copy, temporary);
      copy.disk().rename(temporary, spare);
    } catch (DiskFullException e) {
      // What little room there is belongs to those who can use it.
      copy.disk().delete(temporary);
      throw e;
    }
    copy.forceDirectory();
  }

  private void fill(JournalCopy copy, Path temporary) throws IOException {
    long free = copy.disk().usableBytes(copy.directory());
    if (free < segmentBytes) {
      throw new DiskFullException(
          copy.directory() + " has " + free + " bytes left; a segment needs " + segmentBytes,
          new IOException("No space left on device"));
    }
    try (DiskFile file = copy.disk().open(temporary, Disk.Access.CREATE)) {
      for (int offset = 0; offset < segmentBytes; offset += zeros.capacity()) {
        zeros.position(0).limit(Math.min(zeros.capacity(), segmentBytes - offset));
        file.write(zeros, offset);
        // Bit by bit: one large force would hold up the forces of the commits beside it.
        file.force();
      }
    }
  }

  /**
   * Turns the spares into the segment {@code name} and opens them. The name is durable in every
   * copy when this returns. Makes room for them, if there is none, from the ballast that is kept
   * for a start.
   */
  synchronized List<DiskFile> take(SegmentName name) throws IOException {
    try {
      prepare();
    } catch (DiskFullException e) {
      if (!ballast.giveForStart()) {
        throw e;
      }
      prepare();
    }
    for (JournalCopy copy : copies) {
      copy.disk().rename(copy.directory().resolve(NAME), copy.path(name));
    }
    for (JournalCopy copy : copies) {
      copy.forceDirectory();
    }
    return open(name);
  }

  /** Opens a segment in every copy. */
  List<DiskFile> open(SegmentName name) throws IOException {
    var files = new ArrayList<DiskFile>();
    for (JournalCopy copy : copies) {
      files.add(copy.disk().open(copy.path(name), Disk.Access.WRITE));
    }
    return files;
  }
}

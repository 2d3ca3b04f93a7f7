package holdfast.adapters.file.output;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.OutputStorage.Copied;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.task.OutputSeal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A stream that is being written by its command, and its copy, which is only ever appended to.
 *
 * <p>The raw file is kept open from when it was first seen: what its command writes can be read
 * even if somebody removes the name. One thread at a time.
 */
final class LiveOutput implements AutoCloseable {
  /** So much is copied in one call, that other streams need not wait. */
  private static final long PART_BYTES = 32L << 20;

  private final OutputFiles files;
  private final List<Mended> mended = new ArrayList<>();
  private @Nullable DiskFile raw;
  private @Nullable DiskFile copy;
  private long position;
  private long end;
  private long durable;
  private boolean dirty;
  private boolean nameDirty;

  private LiveOutput(OutputFiles files) {
    this.files = files;
  }

  /** Goes on from the copy that there is; what follows damage in it is copied again. */
  static LiveOutput open(OutputFiles files) throws IOException {
    var live = new LiveOutput(files);
    try {
      live.takeOver();
    } catch (IOException | RuntimeException e) {
      live.close();
      throw e;
    }
    return live;
  }

  /** Forgets what it knows of the copy, and looks at what stands under its name. */
  void takeOver() throws IOException {
    letGoOfCopy();
    Disk disk = files.disk();
    switch (disk.kind(files.copy())) {
      case MISSING -> {}
      case DIRECTORY, OTHER ->
          mended.add(files.putAside(files.copy(), "is no file", files.raw().toString()));
      case FILE -> {
        DiskFile opened = disk.open(files.copy(), Disk.Access.WRITE);
        copy = opened;
        takeOver(opened, CopyScan.of(opened, files.name()));
      }
    }
  }

  /** What was not durable yet may be torn, in any part: it is copied again. */
  private void takeOver(DiskFile opened, CopyScan scan) throws IOException {
    long wasDurable = scan.frames().stream().mapToLong(Frame::durable).max().orElse(0);
    for (Frame frame : scan.frames().subList(0, scan.sound())) {
      if (frame.end() > wasDurable && !frame.read(opened, new byte[frame.bytes()], 0)) {
        break;
      }
      end = frame.end();
      position = frame.next();
    }
    if (end < wasDurable || (!scan.named() && opened.size() > 0)) {
      mended.add(
          files.putAside(
              files.copy(), "is not the copy that was written here", files.raw().toString()));
    }
    if (end == 0) {
      discardCopy();
      return;
    }
    opened.truncate(position);
    dirty = true;
    nameDirty = true;
  }

  private void letGoOfCopy() throws IOException {
    DiskFile opened = copy;
    copy = null;
    position = 0;
    end = 0;
    durable = 0;
    if (opened != null) {
      opened.close();
    }
  }

  /** Begins the copy anew: nothing in its file can be believed. */
  void discardCopy() throws IOException {
    letGoOfCopy();
    files.disk().delete(files.copy());
    nameDirty = true;
  }

  OutputFiles files() {
    return files;
  }

  /** Bytes of the output that are in the copy. */
  long end() {
    return end;
  }

  /** What was put aside on the way; told once. */
  List<Mended> mended() {
    List<Mended> told = List.copyOf(mended);
    mended.clear();
    return told;
  }

  /** The raw file, or null while there is none. */
  @Nullable DiskFile raw() throws IOException {
    if (raw == null && files.disk().kind(files.raw()) == Disk.Kind.FILE) {
      raw = files.disk().open(files.raw(), Disk.Access.READ);
    }
    return raw;
  }

  long rawLength() throws IOException {
    DiskFile opened = raw();
    return opened == null ? 0 : opened.size();
  }

  @Nullable DiskFile copy() {
    return copy;
  }

  /** See {@link holdfast.domain.port.OutputStorage#copy}. */
  Copied copy(boolean all) throws IOException {
    long length = rawLength();
    copyUpTo(Math.min(length, end + PART_BYTES), length, all);
    return new Copied(end, length);
  }

  /** Copies everything up to an offset, if it is there. */
  void copyUpTo(long limit) throws IOException {
    copyUpTo(limit, limit, true);
  }

  private void copyUpTo(long limit, long length, boolean all) throws IOException {
    DiskFile source = raw;
    byte[] piece = null;
    while (source != null && end < limit) {
      long from = end;
      long border = (from / OutputSeal.CHUNK + 1) * OutputSeal.CHUNK;
      int bytes = (int) (Math.min(border, length) - from);
      if (from + bytes < border && !all) {
        return;
      }
      if (piece == null) {
        piece = new byte[(int) Math.min(OutputSeal.CHUNK, length - from)];
      }
      if (!Bytes.fill(source, from, piece, 0, bytes)) {
        return;
      }
      append(from, piece, bytes);
    }
  }

  private void append(long offset, byte[] piece, int bytes) throws IOException {
    DiskFile target = copy == null ? create() : copy;
    Frame.Encoded next = Frame.encode(position, offset, durable, piece, bytes);
    target.write(next.content(), position);
    dirty = true;
    end = next.frame().end();
    position = next.frame().next();
  }

  private DiskFile create() throws IOException {
    files.makeDirectoryOf(files.copy());
    DiskFile created = files.disk().open(files.copy(), Disk.Access.CREATE);
    try {
      byte[] beginning = CopyScan.beginning(files.name());
      created.write(ByteBuffer.wrap(beginning), 0);
      position = beginning.length;
      copy = created;
      nameDirty = true;
      return created;
    } catch (IOException e) {
      created.close();
      files.disk().delete(files.copy());
      throw e;
    }
  }

  boolean isDirty() {
    return dirty || nameDirty;
  }

  /** Says that the whole file system was forced. */
  void forced() {
    dirty = false;
    nameDirty = false;
    durable = end;
  }

  /** Makes durable what was copied. After a failure the copy is begun anew, from the raw file. */
  void force() throws IOException {
    DiskFile target = copy;
    try {
      if (target != null && dirty) {
        target.force();
      }
      if (nameDirty && files.disk().kind(Disk.parent(files.copy())) == Disk.Kind.DIRECTORY) {
        files.disk().forceDirectory(Disk.parent(files.copy()));
      }
      forced();
    } catch (IOException e) {
      // What was not written is gone from memory too.
      discardCopy();
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    try (DiskFile _ = raw;
        DiskFile _ = copy) {
      raw = null;
      copy = null;
    }
  }
}

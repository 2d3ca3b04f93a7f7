package holdfast.adapters.file.output;

import holdfast.adapters.file.checksum.Digest;
import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.task.OutputSeal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes the two files of a stream that has ended say the same, each chunk of the copy in one frame.
 * What the copy holds was read when it was written, so it decides; what is behind it, or damaged in
 * it, is taken from the raw file. Used once, by one thread.
 */
final class Completion {
  private final LiveOutput live;
  private final OutputFiles files;
  private final byte[] chunk = new byte[OutputSeal.CHUNK];
  private final List<Mended> mended = new ArrayList<>();
  private final List<Digest> digests = new ArrayList<>();
  private final List<Integer> rawDamaged = new ArrayList<>();
  private boolean copyDamaged;
  private boolean fragmented;
  private int examined;

  Completion(LiveOutput live) {
    this.live = live;
    files = live.files();
  }

  /**
   * Neither file is durable yet, except for what was mended or written anew.
   *
   * @throws DamagedOutputException if part of the stream is damaged in both files
   */
  OutputSeal complete() throws IOException {
    long end = -1;
    while (live.end() > end) {
      end = live.end();
      live.copy(true, chunk);
    }
    List<List<Frame>> chunks = chunks();
    for (int i = 0; i < chunks.size(); i++) {
      examine(i, chunks.get(i));
    }
    if (!rawDamaged.isEmpty() || (end > 0 && files.disk().kind(files.raw()) != Disk.Kind.FILE)) {
      mendRaw(chunks);
    }
    if (copyDamaged || fragmented) {
      rewriteCopy(chunks);
    }
    return new OutputSeal(end, digest(digests));
  }

  List<Mended> mended() {
    return mended;
  }

  static String digest(List<Digest> chunks) {
    ByteBuffer all = ByteBuffer.allocate(chunks.size() * Digest.BYTES);
    for (int i = 0; i < chunks.size(); i++) {
      chunks.get(i).write(all, i * Digest.BYTES);
    }
    return Digest.of(all, 0, all.capacity()).toString();
  }

  private List<List<Frame>> chunks() {
    var chunks = new ArrayList<List<Frame>>();
    for (Frame frame : live.frames()) {
      if (frame.chunk() == chunks.size()) {
        chunks.add(new ArrayList<>());
      }
      chunks.getLast().add(frame);
    }
    return chunks;
  }

  /** Compares a chunk's two copies, and takes its digest. */
  private void examine(int number, List<Frame> frames) throws IOException {
    int damagedFrames = 0;
    boolean rawSound = isRawSound(frames);
    for (Frame frame : frames) {
      // What this process wrote it need not read again, unless there is nothing else to read.
      boolean isFound = examined++ < live.takenOver();
      if ((isFound || !rawSound) && !isCopySound(frame)) {
        damagedFrames++;
      }
    }
    if (!rawSound) {
      rawDamaged.add(number);
    }
    if (!rawSound && damagedFrames > 0) {
      throw new DamagedOutputException(
          "of the output "
              + files.name()
              + ", bytes "
              + frames.getFirst().offset()
              + " to "
              + frames.getLast().end()
              + " are damaged in "
              + files.raw()
              + " and in "
              + files.copy()
              + ". Put either back from a backup");
    }
    copyDamaged |= damagedFrames > 0;
    fragmented |= frames.size() > 1;
    if (frames.size() == 1) {
      digests.add(frames.getFirst().sha256());
    } else {
      int bytes = gather(frames, rawSound);
      digests.add(Digest.of(ByteBuffer.wrap(chunk, 0, bytes), 0, bytes));
    }
  }

  private boolean isRawSound(List<Frame> frames) {
    try {
      DiskFile raw = live.raw();
      long from = frames.getFirst().offset();
      int bytes = (int) (frames.getLast().end() - from);
      if (raw == null || !Bytes.fill(raw, from, chunk, 0, bytes)) {
        return false;
      }
      return frames.stream()
          .allMatch(
              frame ->
                  Frame.crc(chunk, (int) (frame.offset() - from), frame.bytes()) == frame.crc());
    } catch (IOException _) {
      // What the disk refuses to read is as good as damaged: the other copy is asked.
      return false;
    }
  }

  private boolean isCopySound(Frame frame) {
    DiskFile copy = live.copy();
    return copy != null && frame.read(copy, new byte[frame.bytes()], 0);
  }

  /** Puts a chunk's bytes into {@link #chunk}, from whichever file is sound. */
  private int gather(List<Frame> frames, boolean rawSound) throws IOException {
    long from = frames.getFirst().offset();
    int bytes = (int) (frames.getLast().end() - from);
    if (rawSound) {
      DiskFile raw = live.raw();
      if (raw == null || !Bytes.fill(raw, from, chunk, 0, bytes)) {
        throw new IOException(files.raw() + " has changed while it was sealed");
      }
      return bytes;
    }
    DiskFile copy = live.copy();
    for (Frame frame : frames) {
      if (copy == null || !frame.read(copy, chunk, (int) (frame.offset() - from))) {
        throw new IOException(files.copy() + " has changed while it was sealed");
      }
    }
    return bytes;
  }

  /** What was lost behind the copy's end cannot be known here: it was never read. */
  private void mendRaw(List<List<Frame>> chunks) throws IOException {
    new Rebuilding(files, chunks.size())
        .raw(
            rawDamaged,
            false,
            number -> {
              List<Frame> frames = chunks.get(number);
              return ByteBuffer.wrap(chunk, 0, gather(frames, !rawDamaged.contains(number)));
            },
            mended);
  }

  private void rewriteCopy(List<List<Frame>> chunks) throws IOException {
    if (copyDamaged) {
      mended.add(files.putAside(files.copy(), "is damaged", files.raw().toString()));
    }
    new Rebuilding(files, chunks.size())
        .framed(
            files.copy(),
            number -> {
              List<Frame> frames = chunks.get(number);
              return ByteBuffer.wrap(chunk, 0, gather(frames, !rawDamaged.contains(number)));
            });
  }
}

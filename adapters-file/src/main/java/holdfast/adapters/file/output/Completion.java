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
 * it, is taken from the raw file. Both are read whole. Used once, by one thread.
 */
final class Completion {
  private final LiveOutput live;
  private final OutputFiles files;
  private final boolean anew;
  private final byte[] chunk = new byte[OutputSeal.CHUNK];
  private final List<Mended> mended = new ArrayList<>();
  private final List<Digest> digests = new ArrayList<>();
  private final List<Integer> rawDamaged = new ArrayList<>();
  private boolean copyDamaged;
  private boolean fragmented;

  /**
   * @param anew whether both files are to be written again, sound or not: making them durable
   *     failed, and what was not written then would never be
   */
  Completion(LiveOutput live, boolean anew) {
    this.live = live;
    this.anew = anew;
    files = live.files();
  }

  /**
   * Takes in what has been written until now; what comes later is late output. Neither file is
   * durable yet, except for what was mended or written anew.
   *
   * @throws DamagedOutputException if part of the stream is damaged in both files
   */
  OutputSeal complete() throws IOException {
    long length = live.rawLength();
    // What stands under the copy's name is what counts from now on.
    live.takeOver();
    live.copyUpTo(length);
    mended.addAll(live.mended());
    List<List<Frame>> chunks = chunks();
    for (int i = 0; i < chunks.size(); i++) {
      examine(i, chunks.get(i));
    }
    boolean isNameGone = live.end() > 0 && files.disk().kind(files.raw()) != Disk.Kind.FILE;
    if (!rawDamaged.isEmpty() || isNameGone) {
      mendRaw(chunks);
    } else if (anew) {
      writeRawAgain(chunks);
    }
    if (copyDamaged || fragmented || anew) {
      rewriteCopy(chunks);
    }
    return new OutputSeal(live.end(), digest(digests));
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

  private List<List<Frame>> chunks() throws IOException {
    var chunks = new ArrayList<List<Frame>>();
    DiskFile copy = live.copy();
    if (copy != null) {
      CopyScan scan = CopyScan.of(copy, files.name());
      for (Frame frame : scan.frames().subList(0, scan.sound())) {
        if (frame.chunk() == chunks.size()) {
          chunks.add(new ArrayList<>());
        }
        chunks.getLast().add(frame);
      }
    }
    return chunks;
  }

  /** Compares a chunk's two copies, and takes its digest. */
  private void examine(int number, List<Frame> frames) throws IOException {
    boolean rawSound = isRawSound(frames);
    boolean copySound = frames.stream().allMatch(this::isCopySound);
    if (!rawSound && !copySound) {
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
    if (!rawSound) {
      rawDamaged.add(number);
    }
    copyDamaged |= !copySound;
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

  private ByteBuffer chunk(List<List<Frame>> chunks, int number) throws IOException {
    boolean fromRaw = !rawDamaged.contains(number);
    return ByteBuffer.wrap(chunk, 0, gather(chunks.get(number), fromRaw));
  }

  /** What was lost behind the copy's end cannot be known here: it was never read. */
  private void mendRaw(List<List<Frame>> chunks) throws IOException {
    new Rebuilding(files, chunks.size())
        .raw(rawDamaged, false, number -> chunk(chunks, number), mended);
  }

  /** The same bytes in the same places: now they are to be written to the disk again. */
  private void writeRawAgain(List<List<Frame>> chunks) throws IOException {
    try (DiskFile raw = files.disk().open(files.raw(), Disk.Access.WRITE)) {
      for (int i = 0; i < chunks.size(); i++) {
        raw.write(chunk(chunks, i), (long) i * OutputSeal.CHUNK);
      }
      raw.force();
    }
  }

  private void rewriteCopy(List<List<Frame>> chunks) throws IOException {
    if (copyDamaged) {
      mended.add(files.putAside(files.copy(), "is damaged", files.raw().toString()));
    }
    new Rebuilding(files, chunks.size()).framed(files.copy(), number -> chunk(chunks, number));
  }
}

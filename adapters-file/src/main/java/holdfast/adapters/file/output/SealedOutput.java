package holdfast.adapters.file.output;

import holdfast.adapters.file.checksum.Digest;
import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.task.OutputSeal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The two files of a sealed stream, open to be compared with what was sealed. The seal holds one
 * digest of all chunks' digests; which chunk is damaged is told by the digests in the copy's
 * headers, or by the raw file's own, whichever of them, or of both together, give what was sealed.
 *
 * <p>One thread at a time. Nothing is changed except by {@link #mendRaw} and {@link #mendCopy}.
 */
final class SealedOutput implements AutoCloseable {
  private static final int WINDOW = 64 << 10;

  private final OutputFiles files;
  private final OutputSeal seal;
  private final @Nullable DiskFile raw;
  private final @Nullable DiskFile copy;
  private final boolean copyWellFormed;
  private final List<List<Frame>> frames = new ArrayList<>();
  private final @Nullable Sum[] sums;
  private byte @Nullable [] chunk;
  private byte @Nullable [] window;

  /** What a chunk is known by. */
  private record Sum(Digest sha256, int crc) {}

  SealedOutput(OutputFiles files, OutputSeal seal) throws IOException {
    this.files = files;
    this.seal = seal;
    raw = opened(files.raw());
    copy = opened(files.copy());
    sums = new Sum[seal.chunks()];
    copyWellFormed = scan();
    resolve();
  }

  private @Nullable DiskFile opened(Path file) throws IOException {
    return files.disk().kind(file) == Disk.Kind.FILE
        ? files.disk().open(file, Disk.Access.READ)
        : null;
  }

  /** Returns whether the copy's headers are all there, and no others. */
  private boolean scan() throws IOException {
    for (int i = 0; i < sums.length; i++) {
      frames.add(new ArrayList<>());
    }
    if (copy == null) {
      return frames.isEmpty();
    }
    CopyScan scan = CopyScan.of(copy, files.name());
    for (Frame frame : scan.frames()) {
      if (frame.offset() < seal.bytes()) {
        frames.get(frame.chunk()).add(frame);
      }
    }
    return scan.named()
        && scan.sound() == frames.size()
        && scan.frames().size() == frames.size()
        && scan.frames().stream().allMatch(frame -> frame.isChunkOf(seal.bytes()))
        && scan.end() == copy.size();
  }

  /** Finds the digests that the seal was made of. Without them, no chunk is known. */
  private void resolve() {
    for (int i = 0; i < sums.length; i++) {
      sums[i] = inCopy(i);
    }
    if (!isSealed() && !fillFromRaw(false) && !fillFromRaw(true)) {
      java.util.Arrays.fill(sums, null);
    }
  }

  /** By the header of its frame, if that holds the chunk and no more, or else by reading it. */
  private @Nullable Sum inCopy(int number) {
    List<Frame> of = frames.get(number);
    if (of.size() == 1 && of.getFirst().isChunkOf(seal.bytes())) {
      return new Sum(of.getFirst().sha256(), of.getFirst().crc());
    }
    return readCopy(number)
        ? new Sum(digest(number), Frame.crc(buffer(), 0, length(number)))
        : null;
  }

  private boolean fillFromRaw(boolean all) {
    for (int i = 0; i < sums.length; i++) {
      if (all || sums[i] == null) {
        sums[i] = readRaw(i) ? new Sum(digest(i), Frame.crc(buffer(), 0, length(i))) : null;
      }
    }
    return isSealed();
  }

  private boolean isSealed() {
    var digests = new ArrayList<Digest>(sums.length);
    for (Sum sum : sums) {
      if (sum == null) {
        return false;
      }
      digests.add(sum.sha256());
    }
    return Completion.digest(digests).equals(seal.digest());
  }

  private byte[] buffer() {
    if (chunk == null) {
      long longest =
          frames.stream()
              .flatMap(List::stream)
              .mapToLong(Frame::end)
              .reduce(seal.bytes(), Math::max);
      chunk = new byte[(int) Math.min(OutputSeal.CHUNK, longest)];
    }
    return chunk;
  }

  private Digest digest(int number) {
    return Digest.of(ByteBuffer.wrap(buffer()), 0, length(number));
  }

  private int length(int number) {
    return (int) Math.min(OutputSeal.CHUNK, seal.bytes() - (long) number * OutputSeal.CHUNK);
  }

  private boolean readRaw(int number) {
    try {
      return raw != null
          && Bytes.fill(raw, (long) number * OutputSeal.CHUNK, buffer(), 0, length(number));
    } catch (IOException _) {
      // What the disk refuses to read is as good as damaged: the other copy is asked.
      return false;
    }
  }

  private boolean readCopy(int number) {
    // More than was sealed may be in it already, if it was being sealed anew.
    long begin = (long) number * OutputSeal.CHUNK;
    int filled = 0;
    for (Frame frame : frames.get(number)) {
      boolean fits = frame.offset() == begin + filled && filled + frame.bytes() <= OutputSeal.CHUNK;
      if (fits && copy != null && frame.read(copy, buffer(), filled)) {
        filled += frame.bytes();
      }
    }
    return filled >= length(number);
  }

  /** Whether the raw file has a chunk as it was sealed, by its SHA-256. */
  boolean isRawSound(int number) {
    Sum sum = sums[number];
    return sum != null && readRaw(number) && digest(number).equals(sum.sha256());
  }

  /** The same by its CRC-32C: quick enough for every read, and sure enough for rot. */
  boolean isRawSoundToRead(int number) {
    Sum sum = sums[number];
    if (raw == null || sum == null) {
      return false;
    }
    if (window == null) {
      window = new byte[(int) Math.min(WINDOW, seal.bytes())];
    }
    var crc = new CRC32C();
    long offset = (long) number * OutputSeal.CHUNK;
    try {
      for (int at = 0; at < length(number); at += window.length) {
        int bytes = Math.min(window.length, length(number) - at);
        if (!Bytes.fill(raw, offset + at, window, 0, bytes)) {
          return false;
        }
        crc.update(window, 0, bytes);
      }
    } catch (IOException _) {
      // What the disk refuses to read is as good as damaged: the other copy is asked.
      return false;
    }
    return (int) crc.getValue() == sum.crc();
  }

  boolean isCopySound(int number) {
    Sum sum = sums[number];
    return sum != null && readCopy(number) && digest(number).equals(sum.sha256());
  }

  /** A chunk from whichever file has it as it was sealed, or null; valid until the next call. */
  @Nullable ByteBuffer chunk(int number) {
    return isRawSound(number) || isCopySound(number)
        ? ByteBuffer.wrap(buffer(), 0, length(number))
        : null;
  }

  @Nullable DiskFile raw() {
    return raw;
  }

  long rawLength() throws IOException {
    return raw == null ? 0 : raw.size();
  }

  /** Whether the copy is nothing but the frames it must have; they may be damaged all the same. */
  boolean isCopyWellFormed() {
    return copyWellFormed;
  }

  /**
   * The chunks that either file has not as they were sealed.
   *
   * @param raw in ascending order, as in {@code copy}
   */
  record Damage(List<Integer> raw, List<Integer> copy) {}

  /** Reads both files whole. */
  Damage examine() {
    return new Damage(
        IntStream.range(0, sums.length).filter(i -> !isRawSound(i)).boxed().toList(),
        IntStream.range(0, sums.length).filter(i -> !isCopySound(i)).boxed().toList());
  }

  /** What of the damage cannot be mended, as one sentence, or null. */
  @Nullable String loss(Damage damage) {
    List<Integer> lost = damage.raw().stream().filter(damage.copy()::contains).toList();
    if (lost.isEmpty()) {
      return null;
    }
    return "of the output "
        + files.name()
        + ", the chunks "
        + lost
        + " of 1 MiB are not as they were sealed, neither in "
        + files.raw()
        + " nor in "
        + files.copy();
  }

  /**
   * Puts the raw file right, durably. What is behind the sealed bytes stays if those before it are
   * sound: it was written late. If they are not, it is no more trustworthy, and goes.
   */
  void mendRaw(Damage damage, List<Mended> mended) throws IOException {
    if (!damage.raw().isEmpty() && loss(damage) == null) {
      new Rebuilding(files, sums.length).raw(damage.raw(), true, this::required, mended);
    }
  }

  /** Writes the copy anew, durably. */
  void mendCopy(List<Mended> mended) throws IOException {
    boolean isMissing = files.disk().kind(files.copy()) == Disk.Kind.MISSING;
    Mended one =
        files.putAside(
            files.copy(),
            isMissing ? "is missing" : "is not as it was written",
            files.raw().toString());
    new Rebuilding(files, sums.length).copy(this::required);
    mended.add(one);
  }

  private ByteBuffer required(int number) throws IOException {
    ByteBuffer bytes = chunk(number);
    if (bytes == null) {
      throw new DamagedOutputException(
          "chunk " + number + " of " + files.name() + " is damaged in both of its files");
    }
    return bytes;
  }

  @Override
  public void close() throws IOException {
    try (DiskFile _ = raw;
        DiskFile _ = copy) {
      // Both are closed, whatever happens to the first.
    }
  }
}

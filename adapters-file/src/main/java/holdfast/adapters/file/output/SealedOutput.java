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
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The two files of a sealed stream, open to be compared with what was sealed. The first is the one
 * that the command wrote to, or what it was packed into; the second is the copy. The seal holds one
 * digest of all chunks' digests; which chunk is damaged is told by the digests in the copy's
 * headers, or by the first file's own, whichever of them, or of both together, give what was
 * sealed.
 *
 * <p>One thread at a time. Nothing is changed except by {@link #mendFirst}, {@link #mendCopy} and
 * {@link #pack}.
 */
final class SealedOutput implements AutoCloseable {
  private final OutputFiles files;
  private final OutputSeal seal;
  private final Path firstPath;
  private final @Nullable Chunks first;
  private final @Nullable Chunks copy;
  private final Chunks.@Nullable Sum[] sums;
  private byte @Nullable [] buffer;

  SealedOutput(OutputFiles files, OutputSeal seal) throws IOException {
    this.files = files;
    this.seal = seal;
    sums = new Chunks.Sum[seal.chunks()];
    // While both are there, the raw file has not been given up yet.
    boolean isPacked =
        files.disk().kind(files.raw()) == Disk.Kind.MISSING
            && files.disk().kind(files.packed()) != Disk.Kind.MISSING;
    firstPath = isPacked ? files.packed() : files.raw();
    first = opened(firstPath, !isPacked);
    copy = opened(files.copy(), false);
    resolve();
  }

  /** A file that cannot even be opened is as good as damaged: there is another one. */
  private @Nullable Chunks opened(Path file, boolean isRaw) throws IOException {
    if (files.disk().kind(file) != Disk.Kind.FILE) {
      return null;
    }
    try {
      return isRaw ? new RawChunks(files.disk().open(file, Disk.Access.READ), seal) : framed(file);
    } catch (IOException _) {
      return null;
    }
  }

  private Chunks framed(Path file) throws IOException {
    DiskFile opened = files.disk().open(file, Disk.Access.READ);
    try {
      return new FramedChunks(opened, files.name(), seal);
    } catch (IOException e) {
      opened.close();
      throw e;
    }
  }

  /** Finds the digests that the seal was made of. Without them, no chunk is known. */
  private void resolve() {
    for (int i = 0; i < sums.length; i++) {
      sums[i] = sum(copy, i);
    }
    if (!isSealed() && !fillFromFirst(false) && !fillFromFirst(true)) {
      // What the copy says of a chunk is still its word, if it is this stream's.
      FramedChunks ours = copy instanceof FramedChunks framed && framed.isNamed() ? framed : null;
      for (int i = 0; i < sums.length; i++) {
        sums[i] = ours == null ? null : ours.stated(i);
      }
    }
  }

  private boolean fillFromFirst(boolean all) {
    for (int i = 0; i < sums.length; i++) {
      if (all || sums[i] == null) {
        sums[i] = sum(first, i);
      }
    }
    return isSealed();
  }

  private Chunks.@Nullable Sum sum(@Nullable Chunks of, int number) {
    if (of == null) {
      return null;
    }
    Chunks.Sum stated = of.stated(number);
    if (stated != null) {
      return stated;
    }
    return of.read(number, buffer())
        ? new Chunks.Sum(digest(number), Frame.crc(buffer(), 0, Chunks.length(seal, number)))
        : null;
  }

  private boolean isSealed() {
    var digests = new ArrayList<Digest>(sums.length);
    for (Chunks.Sum sum : sums) {
      if (sum == null) {
        return false;
      }
      digests.add(sum.sha256());
    }
    return Completion.digest(digests).equals(seal.digest());
  }

  private byte[] buffer() {
    if (buffer == null) {
      buffer = new byte[(int) Math.min(OutputSeal.CHUNK, seal.bytes())];
    }
    return buffer;
  }

  private Digest digest(int number) {
    return Digest.of(ByteBuffer.wrap(buffer()), 0, Chunks.length(seal, number));
  }

  private boolean isSound(@Nullable Chunks of, int number) {
    Chunks.Sum sum = sums[number];
    return of != null
        && sum != null
        && of.read(number, buffer())
        && digest(number).equals(sum.sha256());
  }

  /** Whether the first file has a chunk as it was sealed, by its SHA-256. */
  boolean isFirstSound(int number) {
    return isSound(first, number);
  }

  boolean isCopySound(int number) {
    return isSound(copy, number);
  }

  /**
   * Whether a chunk can be read from the raw file as it was sealed, by its CRC-32C: quick enough
   * for every read, and sure enough for rot.
   */
  boolean isReadableInPlace(int number) {
    Chunks.Sum sum = sums[number];
    return first instanceof RawChunks raw && sum != null && raw.has(number, sum.crc());
  }

  /** A chunk of a packed file as it was sealed, by its CRC-32C, or null. */
  @Nullable ByteBuffer unpacked(int number) {
    Chunks.Sum sum = sums[number];
    int length = Chunks.length(seal, number);
    return first instanceof FramedChunks packed
            && sum != null
            && packed.read(number, buffer())
            && Frame.crc(buffer(), 0, length) == sum.crc()
        ? ByteBuffer.wrap(buffer(), 0, length)
        : null;
  }

  /** A chunk from whichever file has it as it was sealed, or null; valid until the next call. */
  @Nullable ByteBuffer chunk(int number) {
    return isFirstSound(number) || isCopySound(number)
        ? ByteBuffer.wrap(buffer(), 0, Chunks.length(seal, number))
        : null;
  }

  /** The raw file, or null if it is gone or packed. */
  @Nullable RawChunks raw() {
    return first instanceof RawChunks raw ? raw : null;
  }

  /** Bytes of the raw file; what goes beyond the seal was written late. */
  long rawLength() throws IOException {
    return first instanceof RawChunks raw ? raw.file().size() : 0;
  }

  boolean isPacked() {
    return firstPath.equals(files.packed());
  }

  /** Whether a file is nothing but what it must have. */
  private boolean isWellFormed(@Nullable Chunks of) throws IOException {
    return of == null ? sums.length == 0 : of.isWellFormed();
  }

  boolean isFirstWellFormed() throws IOException {
    return isWellFormed(first);
  }

  boolean isCopyWellFormed() throws IOException {
    return isWellFormed(copy);
  }

  /**
   * The chunks that either file has not as they were sealed, in ascending order.
   *
   * @param firstMisshaped whether the first file is more or less than its chunks, as with the copy
   */
  record Damage(
      List<Integer> first, List<Integer> copy, boolean firstMisshaped, boolean copyMisshaped) {
    boolean isOfFirst() {
      return firstMisshaped || !first.isEmpty();
    }

    boolean isOfCopy() {
      return copyMisshaped || !copy.isEmpty();
    }

    /** The chunks that neither file has. */
    List<Integer> lost() {
      var inCopy = new HashSet<>(copy);
      return first.stream().filter(inCopy::contains).toList();
    }
  }

  /** Reads both files whole. */
  Damage examine() throws IOException {
    return new Damage(
        IntStream.range(0, sums.length).filter(i -> !isFirstSound(i)).boxed().toList(),
        IntStream.range(0, sums.length).filter(i -> !isCopySound(i)).boxed().toList(),
        !isFirstWellFormed(),
        !isCopyWellFormed());
  }

  /** The damage in sentences. */
  List<String> sentences(Damage damage) {
    var sentences = new ArrayList<String>();
    String loss = loss(damage);
    if (loss != null) {
      sentences.add(loss);
    }
    if (damage.isOfFirst()) {
      sentences.add(firstPath + " is not as it was sealed, in chunks " + damage.first());
    }
    if (damage.isOfCopy()) {
      sentences.add(files.copy() + " is not as it was sealed, in chunks " + damage.copy());
    }
    return sentences;
  }

  /** What of the damage cannot be mended, as one sentence, or null. */
  @Nullable String loss(Damage damage) {
    List<Integer> lost = damage.lost();
    if (lost.isEmpty()) {
      return null;
    }
    return "of the output "
        + files.name()
        + ", the chunks "
        + lost
        + " of 1 MiB are not as they were sealed, neither in "
        + firstPath
        + " nor in "
        + files.copy();
  }

  Path firstPath() {
    return firstPath;
  }

  /**
   * Puts the first file right, durably, as far as the copy has what it lacks. What is behind the
   * sealed bytes of a raw file stays if those before it are sound: it was written late. If they are
   * not, it is no more trustworthy, and goes.
   */
  void mendFirst(Damage damage, List<Mended> mended) throws IOException {
    List<Integer> lost = damage.lost();
    if (isPacked() && lost.isEmpty() && damage.isOfFirst()) {
      mended.add(rewrite(files.packed(), files.copy()));
    } else if (!isPacked() && damage.isOfFirst()) {
      var mendable = new ArrayList<>(damage.first());
      mendable.removeAll(lost);
      mendRaw(mendable, lost.isEmpty(), mended);
    }
  }

  private void mendRaw(List<Integer> chunks, boolean whole, List<Mended> mended)
      throws IOException {
    // Without the file, or with a part of it missing, only all of it can be put back.
    if (whole || (first instanceof RawChunks && !chunks.isEmpty())) {
      new Rebuilding(files, sums.length).raw(chunks, whole, this::required, mended);
    }
  }

  /** Writes the copy anew, durably. */
  void mendCopy(List<Mended> mended) throws IOException {
    mended.add(rewrite(files.copy(), firstPath));
  }

  private Mended rewrite(Path framed, Path source) throws IOException {
    boolean isMissing = files.disk().kind(framed) == Disk.Kind.MISSING;
    Mended one =
        files.putAside(
            framed, isMissing ? "is missing" : "is not as it was written", source.toString());
    new Rebuilding(files, sums.length).framed(framed, this::required);
    return one;
  }

  private ByteBuffer required(int number) throws IOException {
    ByteBuffer bytes = chunk(number);
    if (bytes == null) {
      throw new DamagedOutputException(
          "chunk " + number + " of " + files.name() + " is damaged in both of its files");
    }
    return bytes;
  }

  /**
   * Puts the raw file's bytes into frames in its directory, reads them back, and gives the raw file
   * up. Until then it counts.
   *
   * @return whether that was done; not if either file is damaged
   */
  boolean pack() throws IOException {
    Damage damage = examine();
    if (isPacked() || damage.isOfFirst() || damage.isOfCopy()) {
      return false;
    }
    new Rebuilding(files, sums.length).framed(files.packed(), this::required);
    try (Chunks packed = framed(files.packed())) {
      for (int i = 0; i < sums.length; i++) {
        if (!isSound(packed, i)) {
          throw new IOException(files.packed() + " is not as it was just written");
        }
      }
    }
    if (rawLength() != seal.bytes()) {
      // Somebody has written meanwhile after all.
      files.disk().delete(files.packed());
      return false;
    }
    files.disk().delete(files.raw());
    files.disk().forceDirectory(Disk.parent(files.raw()));
    return true;
  }

  @Override
  public void close() throws IOException {
    try (Chunks _ = first;
        Chunks _ = copy) {
      // Both are closed, whatever happens to the first.
    }
  }
}

package holdfast.adapters.file.output;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import holdfast.adapters.file.disk.NioDisk;
import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.OutputStorage.Sealing;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.port.StorageException;
import holdfast.domain.task.OutputSeal;
import holdfast.domain.task.OutputStreamName;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Everything that can become of one of an output's files, on a real disk. */
class DamagedOutputIT {
  private static final byte[] CONTENT = content(2 * OutputSeal.CHUNK + 12_345);

  private static final byte[] COMPRESSIBLE = compressible(2 * OutputSeal.CHUNK + 999);

  @TempDir private Path base;
  private Path directory = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private StreamOnDisk stream;

  @BeforeEach
  void begin() throws IOException {
    directory = base;
    prepare();
  }

  private void prepare() throws IOException {
    stream = new StreamOnDisk(new NioDisk(), directory.resolve("data")).prepared();
  }

  private static byte[] content(int length) {
    byte[] content = new byte[length];
    new Random(length).nextBytes(content);
    Arrays.fill(content, 0, length / 3, (byte) ' ');
    return content;
  }

  private static byte[] compressible(int length) {
    byte[] content = content(length);
    Arrays.fill(content, 0, length * 4 / 5, (byte) ' ');
    return content;
  }

  /** What is done to a file. */
  @FunctionalInterface
  private interface Damage {
    void to(Path file) throws IOException, InterruptedException;
  }

  private record Kind(String name, Damage damage) {}

  private Stream<Kind> kinds() {
    return Stream.of(
        new Kind("deleted", Files::delete),
        new Kind("empty", file -> cut(file, 0)),
        new Kind("cut", file -> cut(file, Files.size(file) / 2)),
        new Kind("cut by a byte", file -> cut(file, Files.size(file) - 1)),
        new Kind("zero", file -> Files.write(file, new byte[(int) Files.size(file)])),
        new Kind("flipped at the beginning", file -> flip(file, 1)),
        new Kind("flipped in the middle", file -> flip(file, Files.size(file) / 2)),
        new Kind("flipped at the end", file -> flip(file, Files.size(file) - 1)),
        new Kind("rubbish", file -> Files.write(file, content(777))),
        new Kind("a directory", this::makeDirectory),
        new Kind("a link out", this::makeLink),
        new Kind("a pipe", DamagedOutputIT::makePipe),
        new Kind("10 GB of nothing", DamagedOutputIT::makeHuge),
        new Kind("without its directory", this::removeParent),
        new Kind("with a file for a directory", this::replaceParent));
  }

  private static void cut(Path file, long size) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(size);
    }
  }

  private static void flip(Path file, long offset) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) offset] ^= 4;
    Files.write(file, bytes);
  }

  private void makeDirectory(Path file) throws IOException {
    Files.delete(file);
    Files.createDirectory(file);
  }

  private void makeLink(Path file) throws IOException {
    Path outside = Files.write(directory.resolve("outside"), new byte[] {1, 2, 3});
    Files.delete(file);
    Files.createSymbolicLink(file, outside);
  }

  private static void makePipe(Path file) throws IOException, InterruptedException {
    Files.delete(file);
    assertEquals(0, new ProcessBuilder("mkfifo", file.toString()).start().waitFor());
  }

  private static void makeHuge(Path file) throws IOException {
    try (var huge = new RandomAccessFile(file.toFile(), "rw")) {
      huge.setLength(0);
      huge.setLength(10_000_000_000L);
    }
  }

  private void removeParent(Path file) throws IOException {
    Files.move(file.getParent(), directory.resolve("gone"), StandardCopyOption.ATOMIC_MOVE);
  }

  private void replaceParent(Path file) throws IOException {
    removeParent(file);
    Files.writeString(file.getParent(), "no directory");
  }

  @TestFactory
  Stream<DynamicTest> anyDamageOfTheRawFileIsMendedByTheCheck() {
    return kinds().map(kind -> DynamicTest.dynamicTest(kind.name(), () -> checked(kind, true)));
  }

  @TestFactory
  Stream<DynamicTest> anyDamageOfTheCopyIsMendedByTheCheck() {
    return kinds().map(kind -> DynamicTest.dynamicTest(kind.name(), () -> checked(kind, false)));
  }

  @TestFactory
  Stream<DynamicTest> anyDamageOfAPackedOutputIsMendedByTheCheckOrTheReader() {
    return kinds()
        .map(
            kind ->
                DynamicTest.dynamicTest(
                    kind.name(),
                    () -> {
                      OutputSeal seal = packedAnew();
                      kind.damage().to(stream.packed);
                      assertArrayEquals(COMPRESSIBLE, sealed(seal));
                      stream.check(seal);
                      assertEquals(List.of(), stream.check(seal));
                      assertArrayEquals(COMPRESSIBLE, sealed(seal));
                    }));
  }

  private OutputSeal packedAnew() throws IOException {
    directory = Files.createTempDirectory(base, "case");
    prepare();
    stream.write(COMPRESSIBLE);
    OutputSeal seal = stream.seal().seal();
    assertTrue(stream.storage.pack(StreamOnDisk.OUTPUT, seal, () -> true));
    assertFalse(Files.exists(stream.raw));
    return seal;
  }

  @Test
  void outputThatDoesNotCompressIsNotPacked() throws IOException {
    stream.write(CONTENT);
    OutputSeal seal = stream.seal().seal();
    assertFalse(stream.storage.pack(StreamOnDisk.OUTPUT, seal, () -> true));
    assertTrue(Files.exists(stream.raw));
  }

  @TestFactory
  Stream<DynamicTest> readersNeverSeeDamageOfTheRawFile() {
    return kinds()
        .map(
            kind ->
                DynamicTest.dynamicTest(
                    kind.name(),
                    () -> {
                      OutputSeal seal = sealedAnew();
                      kind.damage().to(stream.raw);
                      assertArrayEquals(CONTENT, sealed(seal));
                    }));
  }

  private OutputSeal sealedAnew() throws IOException {
    directory = Files.createTempDirectory(base, "case");
    prepare();
    stream.write(CONTENT);
    return stream.seal().seal();
  }

  private byte[] sealed(OutputSeal seal) {
    return Arrays.copyOf(stream.read(seal), (int) seal.bytes());
  }

  private void checked(Kind kind, boolean raw) throws Exception {
    OutputSeal seal = sealedAnew();
    Path damaged = raw ? stream.raw : stream.copy;
    kind.damage().to(damaged);
    List<Mended> mended = stream.check(seal);
    assertEquals(1, mended.size(), mended.toString());
    assertEquals(damaged.toString(), mended.getFirst().place());
    assertEquals(List.of(), stream.check(seal));
    assertArrayEquals(CONTENT, Files.readAllBytes(stream.raw));
    assertArrayEquals(CONTENT, stream.read(seal));
    String quarantined = mended.getFirst().quarantined();
    if (quarantined != null) {
      assertTrue(Files.readString(Path.of(quarantined + ".note")).contains(damaged.toString()));
    }
    Path outside = directory.resolve("outside");
    if (Files.exists(outside)) {
      assertArrayEquals(new byte[] {1, 2, 3}, Files.readAllBytes(outside));
    }
  }

  @Test
  void outputsThatWereSwappedAreBothPutBack() throws IOException {
    Output other = new Output(StreamOnDisk.OUTPUT.run(), OutputStreamName.STDOUT);
    byte[] others = content(OutputSeal.CHUNK);
    Path otherRaw = stream.raw.resolveSibling("stdout.log");
    Path otherCopy = stream.layout.outputCopy(other.run(), "stdout.log");
    Files.write(otherRaw, others);
    stream.write(CONTENT);
    var seals = stream.storage.seal(List.of(StreamOnDisk.OUTPUT, other));
    OutputSeal seal = seal(seals.get(StreamOnDisk.OUTPUT));
    swap(stream.raw, otherRaw);
    assertEquals(1, stream.check(seal).size());
    assertArrayEquals(CONTENT, stream.read(seal));
    assertEquals(1, stream.storage.check(other, seal(seals.get(other)), 0).mended().size());
    assertArrayEquals(others, Files.readAllBytes(otherRaw));
    swap(stream.copy, otherCopy);
    assertEquals(1, stream.check(seal).size());
    assertEquals(1, stream.storage.check(other, seal(seals.get(other)), 0).mended().size());
    assertEquals(List.of(), stream.check(seal));
  }

  private static OutputSeal seal(Sealing sealing) {
    return assertInstanceOf(Sealing.Sealed.class, sealing).seal();
  }

  private static void swap(Path first, Path second) throws IOException {
    Path between = first.resolveSibling("between");
    Files.move(first, between);
    Files.move(second, first);
    Files.move(between, second);
  }

  @Test
  void damageInDifferentChunksOfBothFilesIsMended() throws IOException {
    stream.write(CONTENT);
    OutputSeal seal = stream.seal().seal();
    flip(stream.raw, 10);
    byte[] copy = Files.readAllBytes(stream.copy);
    copy[copy.length - 10] ^= 1;
    Files.write(stream.copy, copy);
    assertEquals(2, stream.check(seal).size());
    assertArrayEquals(CONTENT, Files.readAllBytes(stream.raw));
    assertEquals(List.of(), stream.check(seal));
  }

  @Test
  void damageOfTheSameChunkInBothFilesIsSaidAndTheRestIsKept() throws IOException {
    stream.write(CONTENT);
    OutputSeal seal = stream.seal().seal();
    flip(stream.raw, OutputSeal.CHUNK + 10);
    flip(stream.raw, 2 * OutputSeal.CHUNK + 10);
    // The header of the second frame of the copy: what chunk it was is not known any more.
    byte[] copy = Files.readAllBytes(stream.copy);
    int second = headerOf(copy, 1);
    copy[second + 9] ^= 1;
    Files.write(stream.copy, copy);
    List<Mended> found = stream.check(seal);
    assertEquals(2, found.size(), found.toString());
    assertEquals(null, found.getLast().source());
    var refused = assertThrows(StorageException.class, () -> stream.read(seal));
    assertTrue(refused.getMessage().contains(stream.raw.toString()), refused.getMessage());
    try (var reader = stream.storage.open(StreamOnDisk.OUTPUT, seal)) {
      for (int offset : new int[] {0, 2 * OutputSeal.CHUNK}) {
        var read = ByteBuffer.allocate(100);
        assertEquals(100, reader.read(offset, read));
        assertArrayEquals(Arrays.copyOfRange(CONTENT, offset, offset + 100), read.array());
      }
    }
  }

  /** Where the header of a frame begins. */
  private static int headerOf(byte[] copy, int number) {
    byte[] magic = {0x51, 0x2a, 0x4d, 0x18};
    int at = 0;
    for (int found = -1; found < number; found += isAt(copy, magic, at) ? 1 : 0) {
      at++;
    }
    return at;
  }

  private static boolean isAt(byte[] bytes, byte[] wanted, int at) {
    return Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length);
  }

  @Test
  void outputThatIsEmptiedWhileItIsWrittenIsSealedAsItWasCopied() throws IOException {
    stream.write(CONTENT);
    stream.storage.copy(StreamOnDisk.OUTPUT, true);
    cut(stream.raw, 0);
    Sealing.Sealed sealing = stream.seal();
    assertEquals(CONTENT.length, sealing.seal().bytes());
    assertArrayEquals(CONTENT, Files.readAllBytes(stream.raw));
  }

  @Test
  void copyThatIsRemovedWhileItIsWrittenIsThereWhenTheOutputIsSealed() throws IOException {
    stream.write(CONTENT);
    stream.storage.copy(StreamOnDisk.OUTPUT, true);
    Files.delete(stream.copy);
    OutputSeal seal = stream.seal().seal();
    assertEquals(List.of(), stream.check(seal));
  }

  @Test
  void silentStreamsLeaveNothingOpen() throws IOException {
    stream.storage.copy(StreamOnDisk.OUTPUT, true);
    assertEquals(1, openFiles(stream.raw));
    stream.storage.release(StreamOnDisk.OUTPUT);
    assertEquals(0, openFiles(stream.raw));
    assertEquals(0, stream.seal().seal().bytes());
    assertFalse(Files.exists(stream.copy));
  }

  private static long openFiles(Path file) throws IOException {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors
          .filter(Files::isSymbolicLink)
          .filter(descriptor -> leadsTo(descriptor, file))
          .count();
    }
  }

  private static boolean leadsTo(Path descriptor, Path file) {
    try {
      return Files.readSymbolicLink(descriptor).equals(file);
    } catch (IOException closed) {
      // It was the one that the directory was listed with.
      return false;
    }
  }

  @Test
  void outputWhoseNameIsRemovedWhileItIsWrittenIsSealedWhole() throws IOException {
    try (FileChannel command = FileChannel.open(stream.raw, StandardOpenOption.APPEND)) {
      command.write(ByteBuffer.wrap(CONTENT, 0, 1_000));
      stream.storage.copy(StreamOnDisk.OUTPUT, true);
      Files.delete(stream.raw);
      command.write(ByteBuffer.wrap(CONTENT, 1_000, CONTENT.length - 1_000));
      Sealing.Sealed sealing = stream.seal();
      assertEquals(1, sealing.mended().size());
      assertArrayEquals(CONTENT, stream.read(sealing.seal()));
      assertArrayEquals(CONTENT, Files.readAllBytes(stream.raw));
    }
  }

  @Test
  void copyThatIsDamagedWhileTheOutputIsWrittenIsWrittenAnewByTheNextServer() throws IOException {
    stream.write(CONTENT);
    stream.storage.copy(StreamOnDisk.OUTPUT, true);
    stream.storage.force();
    for (Kind kind : kinds().toList()) {
      var next = new StreamOnDisk(new NioDisk(), directory.resolve("data"));
      next.storage.copy(StreamOnDisk.OUTPUT, true);
      next.storage.force();
      try {
        kind.damage().to(stream.copy);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      clearGone();
      var last = new StreamOnDisk(new NioDisk(), directory.resolve("data"));
      OutputSeal seal = last.seal().seal();
      assertArrayEquals(CONTENT, last.read(seal), kind.name());
      assertEquals(List.of(), last.check(seal), kind.name());
    }
  }

  private void clearGone() throws IOException {
    Path gone = directory.resolve("gone");
    if (Files.exists(gone)) {
      Files.move(gone, directory.resolve("gone-" + System.nanoTime()));
    }
  }

  @Test
  void zstdShowsTheCopy() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/zstd")), "there is no zstd on this machine");
    stream.write(CONTENT);
    stream.seal();
    Process zstd =
        new ProcessBuilder("/usr/bin/zstd", "-dc", stream.copy.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertArrayEquals(CONTENT, zstd.getInputStream().readAllBytes());
  }
}

package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.domain.port.OutputStorage.Copied;
import holdfast.domain.port.OutputStorage.Output;
import holdfast.domain.port.OutputStorage.Sealing;
import holdfast.domain.port.Scrubbing.Mended;
import holdfast.domain.task.OutputSeal;
import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What every {@link OutputStorage} promises. */
public abstract class OutputStorageContractTest {
  private static final RunRef RUN = new RunRef(SampleTasks.id(1), 1, 1);

  protected abstract OutputStorage storage();

  /** Appends to a stream, as the run's command would. */
  protected abstract void write(RunRef run, OutputStreamName stream, byte[] bytes);

  /** Turns over a bit of what the command wrote. */
  protected abstract void damageRaw(Output output, int offset);

  /** Turns over some bit of the copy. */
  protected abstract void damageCopy(Output output);

  private OutputStorage.Reader open(RunRef run, OutputStreamName stream) {
    return storage().open(new Output(run, stream), null);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String read(OutputStorage.Reader reader, long offset, int max) {
    ByteBuffer target = ByteBuffer.allocate(max);
    int count = reader.read(offset, target);
    assertEquals(target.position(), count);
    return new String(target.array(), 0, count, StandardCharsets.UTF_8);
  }

  @Test
  void missingStreamReadsAsEmptyAndIsPickedUpWhenItAppears() {
    try (var reader = open(RUN, OutputStreamName.MERGED)) {
      assertEquals(0, reader.length());
      assertEquals("", read(reader, 0, 10));
      write(RUN, OutputStreamName.MERGED, bytes("hello"));
      assertEquals(5, reader.length());
      assertEquals("hello", read(reader, 0, 10));
    }
  }

  @Test
  void readerSeesTheStreamGrow() {
    write(RUN, OutputStreamName.STDOUT, bytes("one"));
    try (var reader = open(RUN, OutputStreamName.STDOUT)) {
      assertEquals("one", read(reader, 0, 10));
      assertEquals("", read(reader, 3, 10));
      write(RUN, OutputStreamName.STDOUT, bytes("two"));
      assertEquals("two", read(reader, 3, 10));
      assertEquals("etw", read(reader, 2, 3));
      assertEquals("", read(reader, 1_000, 3));
    }
  }

  @Test
  void streamsAndRunsAreApart() {
    RunRef second = new RunRef(RUN.task(), 1, 2);
    write(RUN, OutputStreamName.STDOUT, bytes("out"));
    write(RUN, OutputStreamName.STDERR, bytes("err"));
    write(second, OutputStreamName.STDOUT, bytes("again"));
    try (var out = open(RUN, OutputStreamName.STDOUT);
        var err = open(RUN, OutputStreamName.STDERR);
        var again = open(second, OutputStreamName.STDOUT)) {
      assertEquals("out", read(out, 0, 10));
      assertEquals("err", read(err, 0, 10));
      assertEquals("again", read(again, 0, 10));
    }
  }

  @Test
  void largeStreamIsReadExactly() {
    byte[] content = new byte[3_000_000];
    new Random(42).nextBytes(content);
    write(RUN, OutputStreamName.MERGED, content);
    var read = new byte[content.length];
    ByteBuffer buffer = ByteBuffer.allocateDirect(65_537);
    int offset = 0;
    try (var reader = open(RUN, OutputStreamName.MERGED)) {
      int count = reader.read(offset, buffer.clear());
      while (count > 0) {
        buffer.flip().get(read, offset, count);
        offset += count;
        count = reader.read(offset, buffer.clear());
      }
    }
    assertEquals(content.length, offset);
    assertArrayEquals(Arrays.copyOf(content, content.length), read);
  }

  @Test
  void purgeRemovesEveryRunOfTheTaskAndNoOther() {
    RunRef other = new RunRef(SampleTasks.id(2), 1, 1);
    write(RUN, OutputStreamName.MERGED, bytes("gone"));
    write(new RunRef(RUN.task(), 2, 1), OutputStreamName.MERGED, bytes("gone"));
    write(other, OutputStreamName.MERGED, bytes("stays"));
    storage().purge(RUN.task());
    storage().purge(RUN.task());
    try (var gone = open(RUN, OutputStreamName.MERGED);
        var stays = open(other, OutputStreamName.MERGED)) {
      assertEquals(0, gone.length());
      assertEquals("stays", read(stays, 0, 10));
    }
  }

  private static final Output MERGED = new Output(RUN, OutputStreamName.MERGED);

  /** Writes content of several chunks and seals it. */
  private OutputSeal sealed(byte[] content) {
    write(RUN, OutputStreamName.MERGED, content);
    return seal().seal();
  }

  private Sealing.Sealed seal() {
    return assertInstanceOf(Sealing.Sealed.class, storage().seal(List.of(MERGED)).get(MERGED));
  }

  private static byte[] content(int length) {
    byte[] content = new byte[length];
    new Random(length).nextBytes(content);
    return content;
  }

  private byte[] all(OutputSeal seal) {
    try (var reader = storage().open(MERGED, seal)) {
      byte[] read = new byte[(int) reader.length()];
      ByteBuffer target = ByteBuffer.wrap(read);
      while (target.hasRemaining() && reader.read(target.position(), target) > 0) {
        // Until all is read.
      }
      assertFalse(target.hasRemaining());
      return read;
    }
  }

  private List<Mended> check(OutputSeal seal) {
    var mended = new ArrayList<Mended>();
    long from = 0;
    while (from >= 0) {
      var checked = storage().check(MERGED, seal, from);
      mended.addAll(checked.mended());
      from = checked.next();
    }
    return mended;
  }

  @Test
  void wholeChunksAreCopiedAtOnceAndTheRestWhenAllIsWanted() {
    write(RUN, OutputStreamName.MERGED, content(OutputSeal.CHUNK + 10));
    assertEquals(
        new Copied(OutputSeal.CHUNK, OutputSeal.CHUNK + 10), storage().copy(MERGED, false));
    assertEquals(0, storage().copy(MERGED, true).lag());
  }

  @Test
  void sealIsTheSameHoweverTheStreamWasCopied() {
    byte[] content = content(2 * OutputSeal.CHUNK + 1_000);
    for (int at = 0; at < content.length; at += 300_000) {
      write(
          RUN,
          OutputStreamName.MERGED,
          Arrays.copyOfRange(content, at, Math.min(content.length, at + 300_000)));
      storage().copy(MERGED, at % 2 == 0);
      storage().force();
    }
    OutputSeal piecemeal = seal().seal();
    RunRef other = new RunRef(SampleTasks.id(2), 1, 1);
    write(other, OutputStreamName.MERGED, content);
    var at = new Output(other, OutputStreamName.MERGED);
    assertEquals(new Sealing.Sealed(piecemeal, List.of()), storage().seal(List.of(at)).get(at));
    assertArrayEquals(content, all(piecemeal));
    assertEquals(List.of(), check(piecemeal));
  }

  @Test
  void damageOfEitherFileIsMendedFromTheOther() {
    byte[] content = content(3 * OutputSeal.CHUNK + 5);
    OutputSeal seal = sealed(content);
    damageRaw(MERGED, 2 * OutputSeal.CHUNK + 7);
    assertEquals(1, check(seal).size());
    damageCopy(MERGED);
    assertEquals(1, check(seal).size());
    assertEquals(List.of(), check(seal));
    assertArrayEquals(content, all(seal));
  }

  @Test
  void damagedChunkIsNeverServed() {
    byte[] content = content(OutputSeal.CHUNK + 5);
    OutputSeal seal = sealed(content);
    damageRaw(MERGED, 3);
    var heard = new ArrayList<Mended>();
    storage().listener(heard::add);
    assertArrayEquals(content, all(seal));
    assertEquals(1, heard.size());
    assertEquals(List.of(), check(seal));
  }

  @Test
  void lateOutputIsSealedAnew() {
    OutputSeal first = sealed(bytes("early "));
    write(RUN, OutputStreamName.MERGED, bytes("late"));
    assertTrue(storage().check(MERGED, first, 0).grown());
    OutputSeal second = seal().seal();
    assertEquals(10, second.bytes());
    assertFalse(storage().check(MERGED, second, 0).grown());
    damageRaw(MERGED, 8);
    assertArrayEquals(bytes("early late"), all(second));
  }

  @Test
  void whatWasCopiedDecidesWhenAnEndedStreamIsSealed() {
    byte[] content = content(OutputSeal.CHUNK);
    write(RUN, OutputStreamName.MERGED, content);
    storage().copy(MERGED, true);
    damageRaw(MERGED, 100);
    Sealing.Sealed sealing = seal();
    assertEquals(1, sealing.mended().size());
    assertArrayEquals(content, all(sealing.seal()));
  }

  @Test
  void purgeRemovesCopiesToo() {
    OutputSeal seal = sealed(bytes("gone"));
    storage().purge(RUN.task());
    write(RUN, OutputStreamName.MERGED, bytes("new"));
    assertEquals(3, seal().seal().bytes());
    assertEquals(4, seal.bytes());
  }

  @Test
  void packedStreamIsReadCheckedAndMendedAsBefore() {
    byte[] content = new byte[3 * OutputSeal.CHUNK + 5];
    Arrays.fill(content, (byte) 'x');
    OutputSeal seal = sealed(content);
    assertFalse(storage().pack(MERGED, seal, () -> false), "somebody may still write");
    assertTrue(storage().pack(MERGED, seal, () -> true));
    assertFalse(storage().pack(MERGED, seal, () -> true), "it is packed");
    assertArrayEquals(content, all(seal));
    assertEquals(List.of(), check(seal));
    damageCopy(MERGED);
    assertEquals(1, check(seal).size());
    assertArrayEquals(content, all(seal));
    storage().purge(RUN.task());
    try (var reader = open(RUN, OutputStreamName.MERGED)) {
      assertEquals(0, reader.length());
    }
  }
}

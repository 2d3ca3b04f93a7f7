package holdfast.domain.port;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import holdfast.domain.task.OutputStreamName;
import holdfast.domain.task.RunRef;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What every {@link OutputStorage} promises. */
public abstract class OutputStorageContractTest {
  private static final RunRef RUN = new RunRef(SampleTasks.id(1), 1, 1);

  protected abstract OutputStorage storage();

  /** Appends to a stream, as the run's command would. */
  protected abstract void write(RunRef run, OutputStreamName stream, byte[] bytes);

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
    try (var reader = storage().open(RUN, OutputStreamName.MERGED)) {
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
    try (var reader = storage().open(RUN, OutputStreamName.STDOUT)) {
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
    try (var out = storage().open(RUN, OutputStreamName.STDOUT);
        var err = storage().open(RUN, OutputStreamName.STDERR);
        var again = storage().open(second, OutputStreamName.STDOUT)) {
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
    try (var reader = storage().open(RUN, OutputStreamName.MERGED)) {
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
    try (var gone = storage().open(RUN, OutputStreamName.MERGED);
        var stays = storage().open(other, OutputStreamName.MERGED)) {
      assertEquals(0, gone.length());
      assertEquals("stays", read(stays, 0, 10));
    }
  }
}

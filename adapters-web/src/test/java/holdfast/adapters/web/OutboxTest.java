package holdfast.adapters.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataWriter;
import java.io.UncheckedIOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OutboxTest {
  private final List<byte[]> written = new ArrayList<>();
  private boolean broken;

  private final Outbox outbox =
      new Outbox(
          new FrameWriter(
              null,
              new DataWriter() {
                @Override
                public void write(BufferData... buffers) {
                  writeNow(buffers);
                }

                @Override
                public void write(BufferData buffer) {
                  writeNow(buffer);
                }

                @Override
                public void writeNow(BufferData... buffers) {
                  writeNow(BufferData.create(buffers));
                }

                @Override
                public void writeNow(BufferData buffer) {
                  if (broken) {
                    throw new UncheckedIOException(new SocketException("gone"));
                  }
                  written.add(buffer.readBytes());
                }
              }));

  private static final class Held implements Outbox.Work {
    private final AtomicInteger released;

    Held(AtomicInteger released) {
      this.released = released;
    }

    @Override
    public void write(FrameWriter writer) {
      try {
        writer.text("out".getBytes(StandardCharsets.UTF_8));
        writer.flush();
      } finally {
        released.incrementAndGet();
      }
    }

    @Override
    public void discard() {
      released.incrementAndGet();
    }
  }

  @Test
  void whatIsNeverWrittenIsLetGoOnceAndWhatComesLaterToo() {
    var released = new AtomicInteger();
    for (int i = 0; i < 3; i++) {
      outbox.output(new Held(released));
    }
    broken = true;
    assertThrows(UncheckedIOException.class, outbox::writeUntilClosed);
    outbox.discardRest();
    assertEquals(3, released.get());
    outbox.output(new Held(released));
    assertEquals(4, released.get());
    outbox.discardRest();
    assertEquals(4, released.get());
  }

  @Test
  void whoAsksAndDoesNotReadIsGivenUpAndCostsNoMore() {
    for (int i = 0; i < 1_024; i++) {
      outbox.answer(new byte[1]);
    }
    assertFalse(outbox.isClosing());
    outbox.answer(new byte[1]);
    assertEquals(CloseCode.TOO_SLOW, Objects.requireNonNull(outbox.closing()).code());
  }

  @Test
  void closingWaitsForResultsOfCommandsAndThenSaysWhy() throws InterruptedException {
    outbox.commandBegun();
    outbox.close(CloseCode.RESTARTING, "back soon");
    outbox.close(CloseCode.NORMAL, "the first reason counts");
    var writer = new Thread(() -> writeAll());
    writer.start();
    outbox.result("{}".getBytes(StandardCharsets.UTF_8), () -> {});
    writer.join();
    var all = new StringBuilder();
    written.forEach(bytes -> all.append(new String(bytes, StandardCharsets.ISO_8859_1)));
    assertEquals("\u0081\u0002{}\u0088\u000b\u0003\u00f4back soon", all.toString());
  }

  private void writeAll() {
    try {
      outbox.writeUntilClosed();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

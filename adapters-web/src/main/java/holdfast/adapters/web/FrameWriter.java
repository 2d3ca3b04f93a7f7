package holdfast.adapters.web;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataWriter;
import io.helidon.websocket.WsOpCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Writes frames to a WebSocket. Small frames are gathered and written together; a chunk of output
 * goes from its buffer to the socket without being copied, unless TLS stands between.
 *
 * <p>For one thread, the socket's writer; {@link #blockedNanos} may be asked from any.
 */
final class FrameWriter {
  private static final int FIN = 0x80;
  private static final int FIN_TEXT = FIN | WsOpCode.TEXT.code();
  private static final int FIN_BINARY = FIN | WsOpCode.BINARY.code();
  private static final int FIN_CLOSE = FIN | WsOpCode.CLOSE.code();
  private static final int FIN_PING = FIN | WsOpCode.PING.code();
  private static final int FIN_PONG = FIN | WsOpCode.PONG.code();
  private static final int GATHERED_BYTES_MAX = 64 * 1024;
  private static final int GATHERED_BYTES_KEPT = 4 * 1024;
  private static final int CLOSE_REASON_BYTES_MAX = 123;

  private final @Nullable SocketChannel plain;
  private final DataWriter data;
  private byte[] gathered = new byte[512];
  private int length;
  private volatile long progressAt;
  private volatile boolean writing;

  /**
   * @param plain the socket itself, or null if what is written must pass {@code data} for TLS
   */
  FrameWriter(@Nullable SocketChannel plain, DataWriter data) {
    this.plain = plain;
    this.data = data;
  }

  /** For how long the write under way has not moved; 0 if there is none. */
  long blockedNanos(long now) {
    return writing ? Math.max(0, now - progressAt) : 0;
  }

  void text(byte[] json) {
    frame(FIN_TEXT, json);
  }

  void ping() {
    frame(FIN_PING, new byte[0]);
  }

  void pong(byte[] payload) {
    frame(FIN_PONG, payload);
  }

  void close(CloseCode code, String reason) {
    byte[] text = reason.getBytes(StandardCharsets.UTF_8);
    byte[] payload = new byte[2 + Math.min(text.length, CLOSE_REASON_BYTES_MAX)];
    payload[0] = (byte) (code.number() >> 8);
    payload[1] = (byte) code.number();
    System.arraycopy(text, 0, payload, 2, payload.length - 2);
    frame(FIN_CLOSE, payload);
  }

  /** Writes a chunk, behind everything gathered before. */
  void binary(Chunk chunk) {
    flush();
    write(chunk.framed(FIN_BINARY));
  }

  /** Writes what was gathered. */
  void flush() {
    if (length > 0) {
      ByteBuffer bytes = ByteBuffer.wrap(gathered, 0, length);
      length = 0;
      write(bytes);
      if (gathered.length > GATHERED_BYTES_KEPT) {
        gathered = new byte[GATHERED_BYTES_KEPT];
      }
    }
  }

  private void frame(int head, byte[] payload) {
    if (length + payload.length > GATHERED_BYTES_MAX) {
      flush();
    }
    reserve(payload.length + 10);
    gathered[length++] = (byte) head;
    if (payload.length < 126) {
      gathered[length++] = (byte) payload.length;
    } else if (payload.length < 65_536) {
      gathered[length++] = 126;
      gathered[length++] = (byte) (payload.length >> 8);
      gathered[length++] = (byte) payload.length;
    } else {
      gathered[length++] = 127;
      for (int shift = 56; shift >= 0; shift -= 8) {
        gathered[length++] = (byte) ((long) payload.length >> shift);
      }
    }
    System.arraycopy(payload, 0, gathered, length, payload.length);
    length += payload.length;
  }

  private void reserve(int more) {
    if (gathered.length - length < more) {
      gathered = Arrays.copyOf(gathered, Math.max(length + more, gathered.length * 2));
    }
  }

  private void write(ByteBuffer bytes) {
    progressAt = System.nanoTime();
    writing = true;
    try {
      if (plain == null) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        data.writeNow(BufferData.create(copy));
        return;
      }
      while (bytes.hasRemaining()) {
        plain.write(bytes);
        progressAt = System.nanoTime();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      writing = false;
    }
  }
}

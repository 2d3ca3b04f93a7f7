package holdfast.adapters.web;

import java.nio.ByteBuffer;

/**
 * A piece of output on its way to a WebSocket, with room before it for everything that must precede
 * it, so that it is read from the disk into the very bytes that are written to the socket.
 *
 * <pre>
 *  | spare | WebSocket header 2, 4 or 10 | version u8 | kind u8 | channel u32 | offset u64 | bytes …
 *  0                                     10                                               24
 * </pre>
 */
final class Chunk {
  /** What a frame's header takes besides the bytes of the output. */
  private static final int CHANNEL_HEADER = 14;

  private static final int PAYLOAD_AT = 24;
  private static final byte VERSION = 1;
  private static final byte KIND_OUTPUT = 1;

  private final ByteBuffer buffer;

  Chunk(int payloadBytes) {
    buffer = ByteBuffer.allocateDirect(PAYLOAD_AT + payloadBytes);
  }

  /** Where to read the output to; at most {@code bytesMax}, and at most what there is room for. */
  ByteBuffer payload(long bytesMax) {
    buffer.clear().position(PAYLOAD_AT);
    buffer.limit((int) Math.min(buffer.capacity(), PAYLOAD_AT + bytesMax));
    return buffer;
  }

  /** Says whose bytes these are and where they belong. Called after the payload was read. */
  void address(long channel, long offset) {
    int at = PAYLOAD_AT - CHANNEL_HEADER;
    buffer.put(at, VERSION);
    buffer.put(at + 1, KIND_OUTPUT);
    buffer.putInt(at + 2, (int) channel);
    buffer.putLong(at + 6, offset);
  }

  /** The whole frame, ready to be written. */
  ByteBuffer framed(int head) {
    int end = buffer.position();
    int length = end - PAYLOAD_AT + CHANNEL_HEADER;
    int at = PAYLOAD_AT - CHANNEL_HEADER;
    if (length < 126) {
      buffer.put(--at, (byte) length);
    } else if (length < 65_536) {
      at -= 2;
      buffer.putShort(at, (short) length);
      buffer.put(--at, (byte) 126);
    } else {
      at -= 8;
      buffer.putLong(at, length);
      buffer.put(--at, (byte) 127);
    }
    buffer.put(--at, (byte) head);
    return buffer.limit(end).position(at);
  }
}

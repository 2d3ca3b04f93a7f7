package holdfast.adapters.web;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataReader;
import io.helidon.websocket.WsOpCode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads what a client sends over a WebSocket, by RFC 6455, strictly: masked frames, no reserved
 * bits, fragments in order, valid UTF-8, and no message larger than the limit, whether in one piece
 * or in many. For one thread.
 */
final class FrameReader {
  private static final int FIN = 0x80;
  private static final int RESERVED = 0x70;
  private static final int OPCODE = 0x0f;
  private static final List<WsOpCode> OPCODES = List.of(WsOpCode.values());
  private static final int MASKED = 0x80;
  private static final int CONTROL_BYTES_MAX = 125;
  private static final int LENGTH_16 = 126;
  private static final int LENGTH_64 = 127;

  /** Each fragment costs memory of its own, however small. */
  private static final int FRAGMENTS_MAX = 1_024;

  private final DataReader in;
  private final int messageBytesMax;
  private final List<byte[]> fragments = new ArrayList<>();
  private int fragmentBytes;
  private boolean fragmented;

  FrameReader(DataReader in, int messageBytesMax) {
    this.in = in;
    this.messageBytesMax = messageBytesMax;
  }

  /** What arrived. */
  sealed interface Incoming {
    record Text(String text) implements Incoming {}

    /** To be answered with the same payload. */
    record Ping(BufferData payload) implements Incoming {}

    record Pong() implements Incoming {}

    /** A part of a message, to be followed by others: a sign of life, no more. */
    record Part() implements Incoming {}

    record Close() implements Incoming {}
  }

  /** The client breaks the protocol, and the socket is to be closed with this code. */
  static final class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final CloseCode code;

    ProtocolException(CloseCode code, String reason) {
      super(reason, null, false, false);
      this.code = code;
    }

    CloseCode code() {
      return code;
    }
  }

  /**
   * Waits for the next frame.
   *
   * @throws DataReader.InsufficientDataAvailableException if the connection has ended
   * @throws ProtocolException if the client breaks the protocol
   */
  Incoming next() {
    int first = in.read() & 0xff;
    int second = in.read() & 0xff;
    if ((first & RESERVED) != 0) {
      throw new ProtocolException(CloseCode.PROTOCOL_ERROR, "reserved bits are set");
    }
    if ((second & MASKED) == 0) {
      throw new ProtocolException(CloseCode.PROTOCOL_ERROR, "a client must mask its frames");
    }
    boolean last = (first & FIN) != 0;
    WsOpCode opcode = opcode(first & OPCODE);
    int length = length(second & ~MASKED, opcode, last);
    byte[] payload = payload(length);
    return switch (opcode) {
      case CONTINUATION -> continuation(payload, last);
      case TEXT -> text(payload, last);
      case BINARY -> throw new ProtocolException(CloseCode.BAD_MESSAGE, "clients send text only");
      case CLOSE -> new Incoming.Close();
      case PING -> new Incoming.Ping(BufferData.create(payload));
      case PONG -> new Incoming.Pong();
    };
  }

  private static WsOpCode opcode(int number) {
    for (WsOpCode known : OPCODES) {
      if (known.code() == number) {
        return known;
      }
    }
    throw new ProtocolException(CloseCode.PROTOCOL_ERROR, "unknown opcode " + number);
  }

  /** Reads and forgets whatever comes, until the connection ends. */
  void discard() {
    try {
      while (true) {
        in.readBuffer();
      }
    } catch (DataReader.InsufficientDataAvailableException ended) {
      fragments.clear();
    }
  }

  private int length(int announced, WsOpCode opcode, boolean last) {
    boolean control = opcode.code() >= WsOpCode.CLOSE.code();
    if (control && (announced > CONTROL_BYTES_MAX || !last)) {
      throw new ProtocolException(CloseCode.PROTOCOL_ERROR, "a control frame is short and whole");
    }
    long length = announced;
    if (announced == LENGTH_16) {
      length = number(2);
    } else if (announced == LENGTH_64) {
      length = number(8);
    }
    // A length whose highest bit is set reads as negative.
    if (!control && (length < 0 || length > messageBytesMax - fragmentBytes)) {
      throw new ProtocolException(
          CloseCode.TOO_BIG, "a message has at most " + messageBytesMax + " bytes");
    }
    return (int) length;
  }

  private long number(int bytes) {
    long number = 0;
    for (int i = 0; i < bytes; i++) {
      number = (number << 8) | (in.read() & 0xff);
    }
    return number;
  }

  private byte[] payload(int length) {
    byte[] mask = in.readBytes(4);
    byte[] payload = length == 0 ? new byte[0] : in.readBytes(length);
    for (int i = 0; i < length; i++) {
      payload[i] ^= mask[i & 3];
    }
    return payload;
  }

  private Incoming text(byte[] payload, boolean last) {
    if (fragmented) {
      throw new ProtocolException(
          CloseCode.PROTOCOL_ERROR, "a message began before the last one ended");
    }
    if (last) {
      return new Incoming.Text(decode(payload));
    }
    fragmented = true;
    return part(payload);
  }

  private Incoming continuation(byte[] payload, boolean last) {
    if (!fragmented) {
      throw new ProtocolException(CloseCode.PROTOCOL_ERROR, "there is nothing to be continued");
    }
    part(payload);
    if (!last) {
      return new Incoming.Part();
    }
    byte[] whole = new byte[fragmentBytes];
    int at = 0;
    for (byte[] fragment : fragments) {
      System.arraycopy(fragment, 0, whole, at, fragment.length);
      at += fragment.length;
    }
    fragments.clear();
    fragmentBytes = 0;
    fragmented = false;
    return new Incoming.Text(decode(whole));
  }

  private Incoming part(byte[] payload) {
    if (fragments.size() == FRAGMENTS_MAX) {
      throw new ProtocolException(
          CloseCode.TOO_BIG, "a message has at most " + FRAGMENTS_MAX + " fragments");
    }
    fragments.add(payload);
    fragmentBytes += payload.length;
    return new Incoming.Part();
  }

  private static String decode(byte[] utf8) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException e) {
      throw new ProtocolException(CloseCode.NOT_TEXT, "a text frame is not valid UTF-8");
    }
  }
}
